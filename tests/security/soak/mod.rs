//! Soak: a simulated time of attacks, in which strangers, one site of IPv6 and one person who signs in
//! each try to fill every table and to use up every limit. At each step another person registers a
//! host, signs in and calls. `SOAK_DAYS` is the simulated time, a day if nothing is said.
//!
//! The clock is a value. A step is an hour; once a day the attackers send as much as they are let.

mod attackers;
mod server;

use std::{sync::Arc, time::Duration};

use integration::{
    broker::{Application, Browser},
    client::link_in,
};
use serde_json::json;
use toolgate::grant::{ManualClock, MasterKey, MemoryStore, SqliteStore};

use self::{
    attackers::{Member, Site, Strangers},
    server::Server,
};

const STEP: Duration = Duration::from_secs(3600);

fn days() -> u32 {
    std::env::var("SOAK_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(1)
}

/// The other person registers a host, signs in, calls, and connects an account.
async fn bob_goes_on(server: &Server, hour: u32) {
    let host = Application::register_named(&server.url, &format!("Host of hour {hour}")).await;
    let browser = Browser::at_address("198.51.100.7");
    let tokens = host.sign_in(&browser, "repo:read", "bob").await;
    let token = tokens.text("access_token");
    let says = server.says(&token, "list_issues", json!({ "owner": "alice", "repo": "compass" }));
    let says = says.await;
    assert!(says.contains("compass drifts"), "hour {hour}: {says}");

    let says = server.says(&token, "who_am_i", json!({})).await;
    let page = browser.open(&link_in(&says)).await;
    let page = if hour == 0 {
        browser.at_forge(page, "bob", "approve").await
    } else {
        browser.send(&page, &[("decision", "allow")], &[]).await
    };
    assert!(page.status.is_success(), "hour {hour}: {} {}", page.url, page.body);
    let says = server.says(&token, "who_am_i", json!({})).await;
    assert!(says.contains("bob"), "hour {hour}: {says}");

    let refreshed = host.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "hour {hour}: {}", refreshed.body);
    let says = server.says(&refreshed.text("access_token"), "who_am_i", json!({})).await;
    assert!(says.contains("bob"), "hour {hour}: {says}");
}

async fn soak(server: Server, days: u32, mut stored: impl FnMut() -> u64) {
    let strangers = Strangers::new(&server);
    let site = Site::new(&server);
    let mut member = Member::sign_up(&server).await;
    let mut after_first_half = 0;
    for hour in 0..days * 24 {
        let in_full = hour % 24 == 0;
        strangers.attack(hour, in_full).await;
        site.attack(hour, in_full).await;
        member.attack(hour, in_full).await;
        bob_goes_on(&server, hour).await;
        server.advance(STEP);
        if hour == days * 12 {
            after_first_half = stored();
        }
    }
    member.still_works().await;
    let at_the_end = stored();
    assert!(
        at_the_end <= after_first_half.max(8 << 20) * 2,
        "what is stored does not grow with time: {after_first_half} bytes, then {at_the_end}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_go_on_in_memory() {
    let clock = Arc::new(ManualClock::at(server::beginning()));
    let store = MemoryStore::with_clock(clock.clone());
    soak(Server::start(store, clock).await, days(), || 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_go_on_in_a_database() {
    let clock = Arc::new(ManualClock::at(server::beginning()));
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::at(directory.path()).key(MasterKey::generate()).clock(clock.clone());
    let store = store.open().await.unwrap();
    let path = store.path().to_owned();
    let size = move || std::fs::metadata(&path).map_or(0, |meta| meta.len());
    // A transaction is written to the disk before it is answered, so this takes longer.
    let days = days().div_ceil(4);
    soak(Server::start(store, clock).await, days, size).await;
}
