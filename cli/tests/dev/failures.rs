//! What does not build or does not start, and what needs no build.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    client::{Client, token},
    project::{Project, open_once_read},
};

#[tokio::test]
async fn the_old_program_goes_on_while_the_new_one_does_not_build_or_start() {
    let project = Project::new();
    let mut dev = project.dev(&["--port", "0"]);
    let address = dev.address().await;
    let mut client = Client::new(address, &token(address, "alice").await);
    project.save(1, "error");
    dev.says("error[E0308]: mismatched types").await;
    dev.says("the program before it goes on").await;
    assert_eq!(client.call("whoami", json!({})).await.unwrap(), "version 0 for alice");
    project.save(2, "crash");
    dev.says("it crashes").await;
    dev.says("the program ended before it served: exit status: 3; the program before it goes on")
        .await;
    assert_eq!(client.call("whoami", json!({})).await.unwrap(), "version 0 for alice");
    project.save(3, "");
    dev.says("Served src/main.rs").await;
    assert_eq!(client.call("whoami", json!({})).await.unwrap(), "version 3 for alice");
    dev.end().await;
}

#[tokio::test]
async fn a_first_build_that_fails_is_followed_by_one_that_does_not() {
    let project = Project::new();
    project.save(0, "error");
    let mut dev = project.dev(&["--port", "0"]);
    dev.says("the build did not succeed").await;
    project.save(1, "");
    let address = dev.address().await;
    let mut client = Client::new(address, &token(address, "bob").await);
    assert_eq!(client.call("whoami", json!({})).await.unwrap(), "version 1 for bob");
    dev.end().await;
}

#[tokio::test]
async fn a_save_during_a_build_begins_another() {
    let project = Project::new();
    let mut dev = project.dev(&["--port", "0"]);
    let address = dev.address().await;
    let mut client = Client::new(address, &token(address, "alice").await);
    let gate = project.pipe("gate");
    project.save(1, "");
    let opened = open_once_read(gate.clone()).await;
    fs::remove_file(&gate).unwrap();
    project.save(2, "");
    dev.says("Served").await;
    drop(opened);
    assert_eq!(client.call("whoami", json!({})).await.unwrap(), "version 2 for alice");
    assert!(!dev.printed().contains("Failed"), "{}", dev.printed());
    dev.end().await;
}

#[tokio::test]
async fn the_environment_is_read_again_without_a_build() {
    let project = Project::new();
    let mut dev = project.dev(&["--port", "0"]);
    dev.address().await;
    let builds = project.builds();
    project.write(".env", "GITHUB_CLIENT_ID=a\n");
    dev.says("Changed .env").await;
    dev.says("Served .env").await;
    project.write("views/board.html", "<p>");
    dev.says("Reloaded views/board.html").await;
    assert_eq!(project.builds(), builds);
    dev.end().await;
}

#[tokio::test]
async fn a_program_that_ends_is_started_at_the_next_save() {
    let project = Project::new();
    let mut dev = project.dev(&["--port", "0"]);
    let address = dev.address().await;
    let token = token(address, "alice").await;
    let status = std::process::Command::new("pkill")
        .args(["-KILL", "-P", &dev.id().to_string(), "-f", "program::serves"])
        .status();
    assert!(status.unwrap().success());
    dev.says("Ended the program: signal: 9").await;
    // A call waits until there is a program.
    let mut client = Client::new(address, &token);
    let call = tokio::spawn(async move { client.call("whoami", json!({})).await });
    project.save(1, "");
    assert_eq!(call.await.unwrap().unwrap().split(' ').nth(3), Some("alice"));
    dev.end().await;
}

/// With the real cargo, whose builds take longer than all else.
#[tokio::test]
async fn cargo_builds_what_is_saved() {
    let project = Project::compiled();
    let mut dev = project.dev(&["--port", "0"]);
    let address = dev.address().await;
    let mut client = Client::new(address, &token(address, "alice").await);
    for version in [1, 2] {
        project.save_compiled(version, "");
        dev.says("Served src/main.rs").await;
        let expected = format!("version {version} for alice");
        assert_eq!(client.call("whoami", json!({})).await.unwrap(), expected);
        project.save_compiled(version, "let n: u32 = \"text\";");
        dev.says("error[E0308]: mismatched types").await;
        dev.says("the program before it goes on").await;
        assert_eq!(client.call("whoami", json!({})).await.unwrap(), expected);
    }
    dev.end().await;
}

/// npm is a script here: `.ci/cli` has the real one, with Vite.
#[tokio::test]
async fn a_view_is_built_by_its_own_package_until_the_command_ends() {
    let project = Project::new();
    let root = project.root();
    let page = root.join("views/board.html");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = 'run --silent build -- --watch' ] || exit 1\n[ \"$PWD\" = '{root}/views/board' ] || exit 1\ncat source\nwhile cat source >'{page}.new'; do mv '{page}.new' '{page}'; done\n",
        root = root.display(),
        page = page.display(),
    );
    project.write("views/board/package.json", r#"{"scripts":{"build":"vite build"}}"#);
    project.write("views/board/node_modules/.keep", "");
    project.write("programs/npm", &script);
    let npm = root.join("programs/npm");
    fs::set_permissions(npm, fs::Permissions::from_mode(0o755)).unwrap();
    let source = project.pipe("views/board/source");
    let mut dev = project.dev_with(&["--port", "0"], Some(&root.join("programs")));
    dev.has_said("Watching the views of views/board").await;
    let mut first = open_once_read(source.clone()).await;
    first.write_all(b"ready").unwrap();
    drop(first);
    dev.address().await;
    for text in ["one", "two"] {
        let mut saved = open_once_read(source.clone()).await;
        saved.write_all(text.as_bytes()).unwrap();
        drop(saved);
        dev.says("Reloaded views/board.html").await;
        assert_eq!(fs::read_to_string(&page).unwrap(), text);
    }
    dev.end().await;
}

/// Optimized programs take no part in a handover. A service manager ends the command by SIGTERM.
#[tokio::test]
async fn a_restarted_program_ends_with_the_command_on_every_signal() {
    for signal in [Signal::INT, Signal::TERM] {
        let project = Project::new();
        let mut dev = project.dev(&["--port", "0", "--release"]);
        dev.says("Served").await;
        project.save(1, "");
        dev.says("Served").await;
        dev.end_by(signal).await;
    }
}

/// As it is where listeners are not inherited.
#[tokio::test]
async fn without_a_handover_the_program_is_restarted() {
    let project = Project::new();
    let mut dev = project.dev(&["--port", "0", "--restart"]);
    let line = dev.says("Listening http://").await;
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    for version in 1..=2 {
        dev.says("Served").await;
        project.save(version, "");
    }
    dev.says("Served").await;
    assert!(dev.printed().contains(&address));
    dev.end().await;
}
