//! A store in SQLite whose disk is full, or read-only.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use forge::{Config, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    host::Host,
    small_disk::SmallDisk,
};
use tokio::process::Command;
use toolgate::grant::{ManualClock, MasterKey, SqliteStore};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

/// A server whose user alice has connected forge, with its store on the disk.
async fn connected(disk: &SmallDisk) -> Host {
    let forge = forge::start(Config::default()).await.unwrap();
    let clock = Arc::new(ManualClock::at(SystemTime::now()));
    let store = SqliteStore::at(disk.path()).key(MasterKey::generate()).clock(clock.clone());
    let host = Host::over(forge, clock, store.open().await.unwrap()).await;
    let link = link_in(&text_of(&post_call(&host.mcp(), "list_issues", ISSUES).await));
    let page = Person::new("alice").approve(&link).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    host
}

#[tokio::test]
async fn a_refresh_is_not_sent_while_the_disk_is_full() {
    let Some(disk) = SmallDisk::mount(1024) else { return };
    let host = connected(&disk).await;
    let call = async || post_call(&host.mcp(), "list_issues", ISSUES).await;
    disk.fill();
    assert_eq!(call().await["result"]["isError"], false, "a token that is good needs no write");
    host.forge.expire_access_tokens();
    let refused = call().await;
    assert!(text_of(&refused).contains("call again later"), "{refused}");
    assert_eq!(host.forge.counts().refreshes, 0, "the refresh token is not spent");
    let sum = post_call(&host.mcp(), "add", r#"{"a":1,"b":2}"#).await;
    assert_eq!(text_of(&sum), "3", "what needs no store does not notice");
    disk.free();
    assert_eq!(call().await["result"]["isError"], false, "without a restart");
    assert_eq!((host.forge.counts().refreshes, host.forge.counts().codes), (1, 1));
}

#[tokio::test]
async fn new_tokens_are_kept_until_the_disk_has_room() {
    let Some(disk) = SmallDisk::mount(1024) else { return };
    let host = connected(&disk).await;
    let call = async || post_call(&host.mcp(), "list_issues", ISSUES).await;
    host.forge.expire_access_tokens();
    let held = host.forge.faults().hold_token();
    let (refused, ()) = tokio::join!(call(), async {
        held.reached(1).await;
        disk.fill();
        drop(held);
    });
    assert!(text_of(&refused).contains("call again later"), "{refused}");
    disk.free();
    let begun = Instant::now();
    loop {
        let answer = call().await;
        if answer["result"]["isError"] == false {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{answer}");
    }
    let counts = host.forge.counts();
    assert_eq!((counts.refreshes, counts.refreshes_refused, counts.codes), (1, 0, 1));
}

fn served(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_served"));
    command.env("FORGE_URL", "http://127.0.0.1:1").env("TOOLGATE_DATA", data).arg("--stdio");
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_directory_that_is_read_only_is_named_and_used_once_it_is_not() {
    let Some(disk) = SmallDisk::mount(1024) else { return };
    let new = disk.path().join("new");
    for (data, is_there) in [(disk.path(), false), (&new, false), (disk.path(), true)] {
        if is_there {
            assert!(served(data).output().await.unwrap().status.success());
        }
        disk.set_read_only(true);
        let output = served(data).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{said}");
        assert!(said.contains(data.to_str().unwrap()) && !said.contains("panicked"), "{said}");
        assert!(said.to_lowercase().contains("read-only") || said.contains("readonly"), "{said}");
        disk.set_read_only(false);
        let output = served(data).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
