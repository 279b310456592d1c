//! `admin` on PostgreSQL, while a server runs, and the audit in its way to there.

use forge::{Config, Running, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    postgres::Postgres,
    waiting::soon,
};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::served;

const KEYS: [&str; 2] = [
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=",
];
const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

/// A server, or a command, at a store with keys.
struct Site<'a> {
    forge: &'a Running,
    store: &'a str,
    keys: &'a str,
}

impl Site<'_> {
    fn command(&self) -> Command {
        let mut command = served::program(self.forge);
        command.env("TOOLGATE_STORE", self.store).env("TOOLGATE_KEYS", self.keys);
        command
    }

    async fn start(&self) -> (Child, String) {
        let (child, address) = served::over_http(self.command()).await;
        (child, format!("http://{address}/mcp"))
    }

    async fn admin(&self, words: &[&str]) -> (bool, Vec<Value>) {
        let output = self.command().arg("admin").args(words).arg("--json").output().await.unwrap();
        // Shown where the test fails.
        print!("{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let lines = said.lines().map(|line| serde_json::from_str(line).unwrap());
        (output.status.success(), lines.collect())
    }

    /// The events of the audit, in their order.
    async fn events(&self, more: &[&str]) -> Vec<String> {
        let (done, lines) = self.admin(&[&["export-audit"], more].concat()).await;
        assert!(done);
        lines.iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    }
}

/// Connects the account of the person at this machine.
async fn connect(mcp: &str) {
    let asked = post_call(mcp, "list_issues", ISSUES).await;
    Person::new("alice").approve(&link_in(&text_of(&asked))).await.unwrap();
    assert!(is_done(mcp).await);
}

async fn is_done(mcp: &str) -> bool {
    post_call(mcp, "list_issues", ISSUES).await["result"]["isError"] == false
}

/// Ends a server, which writes what it has of the audit.
async fn end(mut server: Child) {
    let id = server.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    assert!(soon(server.wait()).await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_are_listed_sealed_again_verified_revoked_and_deleted() {
    let Some(database) = Postgres::start() else { return };
    let forge = forge::start(Config::default()).await.unwrap();
    let store = database.url();
    let old = Site { forge: &forge, store: &store, keys: KEYS[0] };
    let both = format!("{},{}", KEYS[1], KEYS[0]);
    let rotating = Site { keys: &both, ..old };
    let new = Site { keys: KEYS[1], ..old };
    let (server, mcp) = old.start().await;
    connect(&mcp).await;

    let (_, listed) = old.admin(&["list"]).await;
    let [grant] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((&grant["provider"], &grant["state"]), (&json!("forge"), &json!("live")), "{grant}");
    assert_eq!(grant["scopes"], json!(["repo:read"]));
    let person = grant["person"].as_str().unwrap();
    assert_eq!(old.admin(&["show", person]).await.1, listed);
    assert!(old.admin(&["show", "bob"]).await.1.is_empty());
    assert!(!old.admin(&["revoke", "bob"]).await.0);
    end(server).await;

    let (done, _) = rotating.admin(&["rotate-keys"]).await;
    assert!(done);
    let (sound, said) = new.admin(&["verify"]).await;
    assert!(sound, "{said:?}");
    let (server, mcp) = new.start().await;
    assert!(is_done(&mcp).await, "signed in under the new key");
    let (_, revoked) = new.admin(&["revoke", person, "forge"]).await;
    assert_eq!(revoked[0]["outcome"], "revoked", "{revoked:?}");
    assert!(forge.counts().revocations > 0 && !is_done(&mcp).await);
    connect(&mcp).await;
    end(server).await;
    let events = new.events(&["--subject", person]).await;
    let decided = [
        "consent_asked",
        "account_connected",
        "person_shown",
        "account_disconnected",
        "consent_asked",
        "account_connected",
    ];
    assert_eq!(events, decided, "opened by the new key");

    let (deleted, said) = new.admin(&["delete", person]).await;
    let kept = |line: &&Value| line["kept"].as_str().is_some_and(|kept| kept.contains("the audit"));
    assert!(deleted && said.iter().any(|line| kept(&line)), "{said:?}");
    assert!(new.admin(&["list"]).await.1.is_empty());
    assert!(new.events(&["--subject", person]).await.is_empty());
    let (sound, said) = new.admin(&["verify"]).await;
    assert!(sound, "{said:?}");
    assert!(
        said.iter().all(|line| line["kind"].as_str().unwrap_or("audit") == "audit"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_moves_with_its_database() {
    let Some(database) = Postgres::start() else { return };
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (source, target) = (format!("sqlite:{}", data.path().display()), database.url());
    let old = Site { forge: &forge, store: &source, keys: KEYS[0] };
    let (server, mcp) = old.start().await;
    connect(&mcp).await;
    end(server).await;
    let (moved, said) = old.admin(&["migrate", &source, &target]).await;
    assert!(moved, "{said:?}");
    let new = Site { store: &target, ..old };
    let events = new.events(&[]).await;
    assert_eq!(events, ["consent_asked", "account_connected", "store_migrated"]);
    assert_eq!(new.events(&[]).await.last().unwrap(), "audit_exported");
}
