//! A store in SQLite that another process has locked.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use forge::{Config, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    host::client_at,
    tools::{add, list_issues},
};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    grant::{MasterKey, SqliteStore},
    tools,
};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

/// More than a call may wait for a lock: some seconds, with a reserve for a machine that is busy.
const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_another_process_ends_the_call_in_time_and_others_do_not_notice() {
    let (forge, data) =
        (forge::start(Config::default()).await.unwrap(), tempfile::tempdir().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let store = SqliteStore::at(data.path()).key(MasterKey::generate()).open().await.unwrap();
    let server = Server::new("tests", "1.2.3").provider(client_at(forge.url())).store(store);
    let server = server.tools(tools![list_issues, add]).public_url(url.as_str());
    let router = server.build().await.unwrap().into_router();
    integration::host::serve_at(listener, router);
    let mcp: Arc<str> = format!("{url}/mcp").into();
    let link = link_in(&text_of(&post_call(&mcp, "list_issues", ISSUES).await));
    Person::new("alice").approve(&link).await.unwrap();

    let other = rusqlite::Connection::open(data.path().join("grants.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = post_call(&mcp, "list_issues", ISSUES).await;
    assert_eq!(answer["result"]["isError"], false, "a token that is good needs no write: {answer}");
    forge.expire_access_tokens();
    let begun = Instant::now();
    let waiting = tokio::spawn({
        let mcp = Arc::clone(&mcp);
        async move { post_call(&mcp, "list_issues", ISSUES).await }
    });
    let mut sums = 0;
    while !waiting.is_finished() {
        let sum = post_call(&mcp, "add", r#"{"a":1,"b":2}"#).await;
        assert_eq!(text_of(&sum), "3", "{sum}");
        sums += 1;
    }
    // One that waited for the lock would end when the other does.
    assert!(sums > 4, "{sums}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let refused = waiting.await.unwrap();
    assert!(text_of(&refused).contains("call again later"), "{refused}");
    assert_eq!(forge.counts().refreshes, 0, "the refresh token is not spent");
    other.execute_batch("ROLLBACK").unwrap();
    let answer = post_call(&mcp, "list_issues", ISSUES).await;
    assert_eq!(answer["result"]["isError"], false, "without a restart: {answer}");
    assert_eq!((forge.counts().refreshes, forge.counts().codes), (1, 1));
}
