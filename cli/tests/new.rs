//! `cargo toolgate new` as a program, without a terminal.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

fn new(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-toolgate"))
        .args(["toolgate", "new"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Writes a project, and returns what was said.
fn written(folder: &Path, arguments: &[&str]) -> String {
    let output = new(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The error of a project that is not written.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = new(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(folder: &TempDir, path: &str) -> String {
    let path = folder.path().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn without_a_terminal_nothing_is_asked_and_what_has_no_flag_has_its_default() {
    let folder = tempfile::tempdir().unwrap();
    let said = written(folder.path(), &["my-tools"]);
    assert!(said.contains("cargo toolgate dev"), "{said}");
    assert!(said.contains("http://127.0.0.1:8765/callback/github"), "{said}");
    let program = read(&folder, "my-tools/src/main.rs");
    assert!(program.contains(".dev::<Access>([\"alice\", \"bob\"])"), "{program}");
    assert!(program.contains(".provider(GitHub::from_env()?)"), "{program}");
    assert!(program.lines().count() <= 60);
    for file in ["Dockerfile", ".github/workflows/ci.yml", "AGENTS.md", ".env.example"] {
        assert!(!read(&folder, &format!("my-tools/{file}")).contains("{{"), "{file}");
    }
    let manifest = read(&folder, "my-tools/Cargo.toml");
    assert!(manifest.contains("toolgate = { path = "), "it was built in a checkout: {manifest}");
    assert!(read(&folder, "my-tools/.gitignore").contains("/key\n"));
}

#[test]
fn every_question_has_a_flag() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "there",
        "--name",
        "other",
        "--sign-in",
        "auth0",
        "--provider",
        "slack=chat:write",
        "--provider",
        "github-app",
        "--widget",
        "html",
        "--store",
        "postgres",
        "--no-container",
        "--no-ci",
        "--yes",
    ];
    written(folder.path(), &arguments);
    let program = read(&folder, "there/src/main.rs");
    assert!(program.contains("scopes = \"chat:write channels:read\""), "{program}");
    assert!(program.contains("use toolgate_providers::{GitHubApp, Slack};"), "{program}");
    assert!(program.contains("gate_or_dev::<Access>(gate::from_env()?, [\"alice\", \"bob\"])"));
    assert!(program.lines().count() <= 60, "{}", program.lines().count());
    assert!(read(&folder, "there/src/gate.rs").contains("gate::auth0(&domain)?"));
    assert!(read(&folder, "there/.env.example").contains("\nAUTH0_DOMAIN=\n"));
    assert!(read(&folder, "there/views/who_am_i.html").contains("<script toolgate></script>"));
    let manifest = read(&folder, "there/Cargo.toml");
    assert!(manifest.contains("name = \"other\""), "{manifest}");
    assert!(manifest.contains("features = [\"dev\", \"postgres\"]"), "{manifest}");
    assert!(read(&folder, "there/.env.example").contains("\n#TOOLGATE_STORE=postgres://"));
    let there = folder.path().join("there");
    assert!(!there.join("Dockerfile").exists() && !there.join(".github").exists());
}

#[test]
fn a_broker_brings_its_provider() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &["a", "--sign-in", "discord"]);
    let program = read(&folder, "a/src/main.rs");
    assert!(program.contains(".broker::<Discord>("), "{program}");
    assert!(program.contains(".sign_in_scopes([\"identify\"])"), "{program}");
    assert!(program.contains(".stand_ins(cfg!(debug_assertions))"), "{program}");
    assert!(program.contains(".provider(Discord::from_env()?)"), "{program}");
    assert!(!program.contains("#[catalogue]"), "its scopes are those of the provider: {program}");
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("full")).unwrap();
    fs::write(folder.path().join("full/notes.txt"), "mine").unwrap();
    let error = refused(folder.path(), &["full"]);
    assert!(error.contains("full is not empty: name a folder"), "{error}");
    fs::write(folder.path().join("file"), "").unwrap();
    let error = refused(folder.path(), &["file"]);
    assert!(error.contains("file is no folder"), "{error}");
    assert_eq!(fs::read_dir(folder.path().join("full")).unwrap().count(), 1);

    fs::write(folder.path().join("file"), "mine").unwrap();
    refused(folder.path(), &["file"]);
    assert_eq!(read(&folder, "file"), "mine");

    fs::create_dir(folder.path().join("empty")).unwrap();
    written(folder.path(), &["empty"]);
    refused(folder.path(), &["empty"]);
}

#[test]
fn unknown_names_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (["a", "--provider", "gitbuh"], "no provider `gitbuh`; did you mean `github`?"),
        (["a", "--provider", "github=nope"], "GitHub has no scope `nope`"),
        (["a", "--sign-in", "nobody"], "no sign-in `nobody`"),
        (["a", "--sign-in", "hubspot"], "not for a broker"),
        (["a", "--name", "fn"], "means something else"),
        (["a", "--name", "../b"], "`../b` does not begin with a small letter"),
        (["a", "--name", "MyTools"], "`--name my-tools` sets another one"),
        (["a", "--provider", "github,slack"], "`--provider github --provider slack`"),
        (["a", "--widget", "vue"], "possible values: none, html, react"),
    ] {
        let error = refused(folder.path(), &arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let error = refused(folder.path(), &["Äpfel"]);
    assert!(error.contains("`--name` sets another one"), "{error}");
    let error = refused(folder.path(), &["a", "--provider", "none", "--provider", "github"]);
    assert!(error.contains("`--provider none` stands alone"), "{error}");
    let error = refused(folder.path(), &[]);
    assert!(error.contains("cargo toolgate new my-tools"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_repository_and_a_workspace_around_it_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    let output = new(folder.path(), &["a"]);
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("is a git repository"), "{said}");
    assert!(said.contains("is a workspace: add the project to its `members`"), "{said}");
}

#[test]
fn every_provider_and_every_preset_is_written() {
    let catalogue: serde_json::Value =
        serde_json::from_str(include_str!("../catalogue.json")).unwrap();
    let ids = |list: &str| {
        let entries = catalogue[list].as_array().unwrap().clone();
        entries.into_iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    for id in ids("providers") {
        written(folder.path(), &[&format!("a-{id}"), "--provider", &id]);
        let program = read(&folder, &format!("a-{id}/src/main.rs"));
        syn::parse_file(&program).unwrap_or_else(|error| panic!("{error}: {program}"));
    }
    for id in ids("presets") {
        written(folder.path(), &[&format!("a-{id}"), "--sign-in", &id]);
        syn::parse_file(&read(&folder, &format!("a-{id}/src/gate.rs"))).unwrap();
    }
}

#[test]
fn a_program_of_many_providers_has_a_module_for_each() {
    let catalogue: serde_json::Value =
        serde_json::from_str(include_str!("../catalogue.json")).unwrap();
    let ids: Vec<_> = catalogue["providers"].as_array().unwrap().iter().collect();
    let ids: Vec<_> = ids.iter().map(|one| one["id"].as_str().unwrap()).collect();
    let counts = (1..=6).chain([ids.len()]).map(|count| ids[ids.len() - count..].to_vec());
    // Three are the most for one file: some of them fit, and others do not.
    let triples =
        (0..ids.len()).map(|at| [0, 5, 11].map(|step| ids[(at + step) % ids.len()]).into());
    let chosen: Vec<Vec<_>> = counts.chain(triples).collect();
    let folder = tempfile::tempdir().unwrap();
    for (at, (sign_in, widget)) in
        [("dev", "none"), ("auth0", "html"), ("github", "html"), ("discord", "none")]
            .into_iter()
            .enumerate()
    {
        // The triples are the same for each kind of sign-in.
        let chosen = if at < 2 { &chosen[..] } else { &chosen[..7] };
        for (number, providers) in chosen.iter().enumerate() {
            let name = format!("a{at}-{number}");
            let mut arguments = vec![&*name, "--sign-in", sign_in, "--widget", widget];
            arguments.extend(providers.iter().flat_map(|id| ["--provider", id]));
            written(folder.path(), &arguments);
            let program = read(&folder, &format!("{name}/src/main.rs"));
            let lines = program.lines().count();
            assert!(lines <= 60, "{arguments:?}: {lines} lines: {program}");
            let readme = read(&folder, &format!("{name}/README.md"));
            let has_modules = folder.path().join(&name).join("src/tools").exists();
            assert_eq!(has_modules, readme.contains("`src/tools/`"), "{arguments:?}");
            assert!(has_modules || providers.len() < 5, "{arguments:?}");
            assert!(!has_modules || providers.len() > 1, "{arguments:?}");
            formatted(&folder.path().join(name));
        }
    }
}

/// Checks that rustfmt would change nothing.
fn formatted(project: &Path) {
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "src/main.rs"])
        .current_dir(project)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", project.display(), text(&output.stdout));
}

#[test]
fn the_default_project_is_the_golden_one() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &["my-tools"]);
    for (file, golden) in [("src/main.rs", "main.rs.golden"), ("src/tests.rs", "tests.rs.golden")] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden);
        let found = read(&folder, &format!("my-tools/{file}"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(found == expected, "{}: BLESS=1 writes it\n{found}", golden.display());
    }
}
