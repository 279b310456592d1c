//! Copies of what a server keeps and of its memory, searched for tokens: in plain, in base64 and in
//! hexadecimal.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use forge::{Config, person::Person};
use integration::{
    client::{link_in, params, text},
    postgres::Postgres,
    waiting::soon,
};
use rmcp::{RoleClient, ServiceExt, service::RunningService, transport::TokioChildProcess};
use serde_json::{Value, json};
use tokio::process::Command;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, MasterKey, Namespace, PostgresStore, Records, Revision,
    SqliteStore,
};

const SPACE: Namespace = Namespace::new("code", 10);

const SECRETS: [&str; 5] = [
    "access-token-kCw2XxZ7",
    "refresh-token-9VbTq0Lm",
    "pkce-verifier-5RfJd81Q",
    "state-of-a-link-0aHsW3",
    "value-of-a-record-Yt6u",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The forms of a secret: base64 at each of the three places in a group, without the edges.
fn forms(secret: &str) -> Vec<String> {
    let lower = hex(secret.as_bytes());
    let mut forms = vec![secret.to_owned(), lower.to_uppercase(), lower];
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&vec![0; before][..], secret.as_bytes()].concat());
        let inner = encoded[4..encoded.len() - 4].to_owned();
        forms.push(inner.replace('+', "-").replace('/', "_"));
        forms.push(inner);
    }
    forms
}

/// Which of the forms a file has.
fn found<'a>(file: &Path, secrets: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let list = tempfile::NamedTempFile::new().unwrap();
    let forms: Vec<_> = secrets.into_iter().flat_map(forms).collect();
    fs::write(list.path(), forms.join("\n")).unwrap();
    let grep = std::process::Command::new("grep")
        .env("LC_ALL", "C")
        .args(["-aoF", "-f"])
        .arg(list.path())
        .arg(file)
        .output()
        .unwrap();
    assert!(grep.status.code() < Some(2), "{}", String::from_utf8_lossy(&grep.stderr));
    String::from_utf8_lossy(&grep.stdout).lines().map(str::to_owned).collect()
}

async fn fill(store: &(impl GrantStore + Records)) {
    let [access, refresh, verifier, state, value] = SECRETS;
    let grant = Grant::new(access, SystemTime::now()).refresh_token(refresh);
    let until = SystemTime::now() + Duration::from_secs(600);
    store.save(&GrantKey::new("alice", "forge"), &grant, Revision::ABSENT).await.unwrap();
    store.put_pending(state, verifier.as_bytes(), until).await.unwrap();
    store.write(SPACE, state, value.as_bytes(), until, Revision::ABSENT).await.unwrap();
}

#[test]
fn every_form_is_found() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let secret = SECRETS[0];
    let encoded = STANDARD_NO_PAD.encode(format!("{{\"t\":\"{secret}\"}}"));
    let digits = hex(secret.as_bytes());
    for text in [secret, &encoded, &digits, &digits.to_uppercase()] {
        fs::write(file.path(), format!("\0\u{1}{text}\0")).unwrap();
        assert_eq!(found(file.path(), SECRETS).len(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_copy_of_a_database_has_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::at(dir.path()).key(MasterKey::generate()).open().await.unwrap();
    fill(&store).await;
    let names = ["grants.db", "grants.db-wal"];
    for name in names {
        let file = dir.path().join(name);
        assert!(fs::metadata(&file).unwrap().len() > 0, "{name}");
        assert_eq!(found(&file, SECRETS), BTreeSet::new(), "{name}");
    }
    store.close().await;
    assert_eq!(found(&dir.path().join("grants.db"), SECRETS), BTreeSet::new());

    let Some(server) = Postgres::start() else { return };
    let store = PostgresStore::at(server.url()).key(MasterKey::generate()).open().await.unwrap();
    fill(&store).await;
    let file = dir.path().join("dump.sql");
    fs::write(&file, server.dump()).unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("alice"));
    assert_eq!(found(&file, SECRETS), BTreeSet::new());
}

fn served(forge: &str, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_served"));
    command
        .args(["--stdio"])
        .env("FORGE_URL", forge)
        .env("TOOLGATE_DATA", data)
        .env("XDG_CONFIG_HOME", data)
        .env_remove("TOOLGATE_KEY")
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A client of a new process, and the process.
async fn connect(forge: &str, data: &Path) -> (RunningService<RoleClient, ()>, u32) {
    let transport = TokioChildProcess::new(served(forge, data)).unwrap();
    let id = transport.id().unwrap();
    (().serve(transport).await.unwrap(), id)
}

fn call() -> rmcp::model::CallToolRequestParams {
    params("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 3 }))
}

/// The tokens that a forge has issued, by its file.
fn issued(state: &Path) -> Vec<String> {
    let state: Value = serde_json::from_slice(&fs::read(state).unwrap()).unwrap();
    let tokens = ["access", "refresh"].map(|kind| state[kind].as_object().unwrap().clone());
    tokens.into_iter().flat_map(|tokens| tokens.into_iter().map(|(token, _)| token)).collect()
}

/// All memory of a process. `None`, with the reason, where there is no debugger.
fn core(process: u32, dir: &Path) -> Option<std::path::PathBuf> {
    let gcore = std::process::Command::new("gcore")
        .arg("-o")
        .arg(dir.join("core"))
        .arg(process.to_string())
        .output();
    let output = match gcore {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: gcore (on Debian: apt-get install gdb): {error}");
            return None;
        }
    };
    let file = dir.join(format!("core.{process}"));
    if !file.exists() {
        eprintln!("skipped: gcore: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(file)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_of_a_server_has_no_token_before_a_call_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let (data, state) = (dir.path().join("data"), dir.path().join("forge.json"));
    let forge = forge::start(Config::default().state(&state)).await.unwrap();
    let (client, _) = connect(forge.url(), &data).await;
    let asked = client.call_tool(call()).await.unwrap();
    Person::new("alice").approve(&link_in(&text(&asked))).await.unwrap();
    let listed = client.call_tool(call()).await.unwrap();
    assert_eq!(listed.is_error, Some(false), "{}", text(&listed));
    client.cancel().await.unwrap();

    let tokens = issued(&state);
    assert!(tokens.len() >= 2, "{tokens:?}");
    let tokens = || tokens.iter().map(String::as_str);
    for name in ["grants.db", "grants.db-wal"] {
        if data.join(name).exists() {
            assert_eq!(found(&data.join(name), tokens()), BTreeSet::new(), "{name}");
        }
    }
    let (client, process) = connect(forge.url(), &data).await;
    client.list_tools(None).await.unwrap();
    let Some(before) = core(process, dir.path()) else { return };
    assert!(!found(&before, ["list_issues"]).is_empty(), "the file has the process's memory");
    assert_eq!(found(&before, tokens()), BTreeSet::new());
    fs::remove_file(before).unwrap();
    let listed = client.call_tool(call()).await.unwrap();
    assert_eq!(listed.is_error, Some(false), "{}", text(&listed));
    if let Some(after) = core(process, dir.path()) {
        println!("after a call {} forms of tokens are in memory", found(&after, tokens()).len());
    }
    client.cancel().await.unwrap();
}

/// Ends a server as a crash does, and says whether the kernel has written its memory to a file.
#[cfg(target_os = "linux")]
async fn crash(allows: bool) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -c unlimited; exec \"$0\" --stdio", env!("CARGO_BIN_EXE_served")])
        .current_dir(dir.path())
        .env("FORGE_URL", "http://127.0.0.1:9")
        .env("TOOLGATE_DATA", dir.path().join("data"))
        .env("XDG_CONFIG_HOME", dir.path())
        .env("TOOLGATE_CORE_DUMPS", if allows { "true" } else { "" });
    let transport = TokioChildProcess::new(command).unwrap();
    let process = transport.id().unwrap();
    let client = ().serve(transport).await.unwrap();
    let mut watched = std::process::Command::new("kill");
    assert!(watched.args(["-ABRT", &process.to_string()]).status().unwrap().success());
    soon(client.waiting()).await.unwrap();
    let entries = fs::read_dir(dir.path()).unwrap();
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("core"))
}

/// Ends a command of an operator as a crash does, while it waits for a database that says nothing.
#[cfg(target_os = "linux")]
async fn crash_of_command(arguments: &str, allows: bool) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let database = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://{}/grants", database.local_addr().unwrap());
    let mut program = Command::new("sh")
        .args(["-c", &format!("ulimit -c unlimited; exec \"$0\" {arguments}")])
        .arg(env!("CARGO_BIN_EXE_served"))
        .current_dir(dir.path())
        .env("FORGE_URL", "http://127.0.0.1:9")
        .env("TOOLGATE_STORE", url)
        .env("TOOLGATE_KEY", "d29uZGVyZnVsIHdvcmxkIG9mIHRoaXJ0eS10d28hISE=")
        .env("TOOLGATE_CORE_DUMPS", if allows { "true" } else { "" })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let connection = soon(database.accept()).await.unwrap();
    let mut killed = std::process::Command::new("kill");
    let process = program.id().unwrap().to_string();
    assert!(killed.args(["-ABRT", &process]).status().unwrap().success());
    soon(program.wait()).await.unwrap();
    drop(connection);
    let entries = fs::read_dir(dir.path()).unwrap();
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("core"))
}

/// They open the store with the server's keys, and `admin` has tokens when it revokes them.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_an_operator_that_crashes_leaves_no_core_dump() {
    for arguments in ["admin list", "--describe", "--doctor"] {
        if !crash_of_command(arguments, true).await {
            eprintln!("skipped: this machine writes no core dumps into the working directory");
            return;
        }
        assert!(!crash_of_command(arguments, false).await, "{arguments}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_leaves_no_core_dump() {
    if !crash(true).await {
        eprintln!("skipped: this machine writes no core dumps into the working directory");
        return;
    }
    assert!(!crash(false).await);
}
