//! A database that accepts connections and does not answer: what needs it fails in words within a bound,
//! and what does not need it answers as before.

use std::time::{Duration, Instant, SystemTime};

use forge::{Config, person::Person};
use futures::future::join_all;
use integration::{
    broker::{Application, Browser},
    client::{call_message, link_in, post_call, text_of},
    postgres::Postgres,
    relay::{Relay, Trap},
    replicas::Replicas,
    session::{Client, initialize},
    tools::{Forge, add},
};
use serde_json::json;
use tokio::time::timeout;
use toolgate::{
    Server,
    gate::Gate,
    grant::{Grant, GrantKey, GrantStore, MasterKey, PostgresStore, Revision, StoreError},
    testing::{Issuer, RESOURCE},
    tools,
};

/// How many people call while the database is silent.
const PEOPLE: u32 = 20;

/// How long a call waits for a database that does not answer in time, where it goes on without.
const BRIEF_WAIT: Duration = Duration::from_millis(500);

/// What an operation takes at most, some seconds, with a reserve for a machine that is busy.
const BOUND: Duration = Duration::from_secs(60);

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;
const SUM: &str = r#"{"a":1,"b":2}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_go_on_as_fast_while_the_database_is_silent() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let issuer = Issuer::new();
    let store = PostgresStore::at(relay.url()).key(MasterKey::generate()).open().await.unwrap();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
    let server = Server::new("tests", "1.2.3").tools(tools![add]).store(store).gate(gate);
    let service = server.build().await.unwrap().into_service();
    let mut sessions = Vec::new();
    for person in 0..PEOPLE {
        let token = format!("Bearer {}", issuer.token(format!("person {person}")));
        let params = initialize("2025-06-18");
        sessions.push(Client::initialize(&service, "2025-06-18", &token, &params).await);
    }
    relay.silence();
    let begun = Instant::now();
    for session in &sessions {
        let answer = session.call(1, "add", &json!({ "a": 1, "b": 2 })).await;
        assert_eq!(answer.message()["result"]["isError"], false, "{answer:?}");
    }
    assert!(begun.elapsed() < BRIEF_WAIT * PEOPLE, "each has waited: {:?}", begun.elapsed());
    // The end of a session has to be stored.
    let begun = Instant::now();
    let answer = sessions[0].delete().await;
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert_eq!(answer.status, 500, "{answer:?}");
    relay.resume();
    let ended = timeout(BOUND, async {
        while sessions[1].delete().await.status != 202 {
            tokio::task::yield_now().await;
        }
    });
    ended.await.expect("it is used again, without a restart");
    assert_eq!(sessions[1].call(2, "add", &json!({ "a": 1, "b": 2 })).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_for_the_database_end_in_time_and_do_not_slow_others_down() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let url = relay.url();
    let replicas = Replicas::start_at(&url, Config::default(), 1, |server| server).await;
    let mcp = format!("{}/mcp", replicas.replicas[0]);
    let link = link_in(&text_of(&post_call(&mcp, "list_issues", ISSUES).await));
    Person::new("alice").approve(&link).await.unwrap();
    relay.silence();
    let begun = Instant::now();
    // More than there are connections.
    let waiting = tokio::spawn({
        let mcp = mcp.clone();
        async move { join_all((0..40).map(|_| post_call(&mcp, "list_issues", ISSUES))).await }
    });
    let mut calls = 0;
    while !waiting.is_finished() {
        let answer = post_call(&mcp, "add", SUM).await;
        assert_eq!(text_of(&answer), "3", "{answer}");
        calls += 1;
    }
    // One that waited for the database would end when the others do.
    assert!(calls > 4, "{calls}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    for answer in waiting.await.unwrap() {
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let text = text_of(&answer);
        assert!(text.contains("call again later"), "{text}");
        assert!(!text.contains("127.0.0.1"), "where the database is, is not for the model: {text}");
    }
    relay.resume();
    let answer = timeout(BOUND, async {
        loop {
            let answer = post_call(&mcp, "list_issues", ISSUES).await;
            if answer["result"]["isError"] == false {
                return answer;
            }
        }
    });
    let answer = answer.await.expect("it is used again, without a restart");
    assert!(text_of(&answer).contains("compass"), "{answer}");
}

/// The pages and endpoints of a server with a broker, asked at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_answers_in_time_while_the_database_is_silent() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let broker = |server: Server| {
        server
            .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
            .gate(Gate::for_broker())
    };
    let replicas = Replicas::start_at(&relay.url(), Config::default(), 1, broker).await;
    let url = replicas.url.clone();
    let host = Application::register_at(&url).await;
    let browser = Browser::new();
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    let (token, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    relay.silence();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.no_proxy().build().unwrap();
    let form = |path: &str, pairs: &[(&str, &str)]| {
        let mut pairs = pairs.to_vec();
        pairs.push(("client_id", &host.id));
        http.post(format!("{url}{path}")).form(&pairs)
    };
    let get = |path: &str| http.get(format!("{url}{path}"));
    let code = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", "x")];
    let register = json!({ "redirect_uris": ["http://127.0.0.1/"] });
    let call = |name: &str, arguments: &str| {
        let arguments: serde_json::Value = serde_json::from_str(arguments).unwrap();
        let body = call_message(name, arguments);
        http.post(format!("{url}/mcp"))
            .bearer_auth(&token)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", name)
            .json(&body)
    };
    let requests = [
        ("metadata", get("/.well-known/oauth-authorization-server")),
        ("keys", get("/oauth/jwks")),
        ("registration", http.post(format!("{url}/oauth/register")).json(&register)),
        ("authorization", http.get(host.link("repo:read", &[]))),
        ("callback", get("/callback/forge?code=x&state=x")),
        ("link", get("/connect/x")),
        ("accounts", get("/accounts")),
        ("code", form("/oauth/token", &code)),
        (
            "refresh",
            form("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]),
        ),
        ("sign-out", form("/oauth/revoke", &[("token", &refresh)])),
        ("call", call("list_issues", ISSUES)),
        ("sum", call("add", SUM)),
    ];
    let answers = requests.map(|(name, request)| async move {
        let begun = Instant::now();
        let answer = request.timeout(BOUND).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (name, status, text, begun.elapsed())
    });
    let answers = join_all(answers).await;
    let took_of = |which: &str| answers.iter().find(|(name, ..)| *name == which).map(|it| it.3);
    assert!(took_of("sum") < took_of("call"), "it waits for no database: {answers:?}");
    for (name, status, text, took) in answers {
        assert!(took < BOUND, "{name}: {took:?}");
        assert!(!text.contains("toolgate@"), "{name}: where the database is: {text}");
        if name == "sum" {
            assert!(status == 200 && text.contains('3'), "{status}: {text}");
        }
        if matches!(name, "refresh" | "sign-out") {
            assert!(matches!(status, 500 | 503), "{name} is not acknowledged: {status}: {text}");
        }
    }
    relay.resume();
    let renewed = timeout(BOUND, async {
        loop {
            let renewed = host.refresh(&refresh).await;
            if renewed.status == 200 {
                return;
            }
        }
    });
    renewed.await.expect("the sign-in is as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_silent_once_it_is_open_is_given_up() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let master = MasterKey::generate();
    // The first statement on every new connection.
    relay.set_trap("SET statement_timeout", 0, Trap::Silence);
    let open = || PostgresStore::at(relay.url()).key(master.clone()).open();
    let error = timeout(BOUND, open()).await.expect("it is given up").unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("does not answer"), "{error}");
    relay.resume();
    let store = open().await.unwrap();
    let (key, grant) = (GrantKey::new("alice", "forge"), Grant::new("token", SystemTime::now()));
    store.save(&key, &grant, Revision::ABSENT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_writing_is_not_answered_ends_in_time_and_is_kept() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let url = relay.url();
    let replicas = Replicas::start_at(&url, Config::default(), 1, |server| server).await;
    let mcp = replicas.mcp();
    let link = link_in(&text_of(&post_call(&mcp, "list_issues", ISSUES).await));
    Person::new("alice").approve(&link).await.unwrap();
    replicas.forge.expire_access_tokens();
    // The first is the record that a refresh begins, and the second has the new tokens.
    relay.set_trap("UPDATE toolgate_grants", 1, Trap::Silence);
    let begun = Instant::now();
    let answer = post_call(&mcp, "list_issues", ISSUES).await;
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(text_of(&answer).contains("call again later"), "{answer}");
    relay.resume();
    let answer = timeout(BOUND, async {
        loop {
            let answer = post_call(&mcp, "list_issues", ISSUES).await;
            if answer["result"]["isError"] == false {
                return answer;
            }
        }
    });
    answer.await.expect("the tokens were kept in memory");
    let counts = replicas.forge.counts();
    assert_eq!((counts.codes, counts.refreshes, counts.refreshes_refused), (1, 1, 0));
}
