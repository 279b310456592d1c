//! The tool itself asks: one local person, who connects when a tool needs it.

use std::{process::Stdio, time::Duration};

use rmcp::{ServiceExt, model::CallToolRequestParams, transport::TokioChildProcess};
use serde_json::{Value, json};

use crate::{
    hub::Hub,
    person::{Person, Visit},
    served::{Answer, Served, example},
};

/// What a name may hold, and what it must not become on its way.
const ODD: &str = "a/../b %2f";

/// Calls; the answer asks for consent, and names just these scopes.
async fn asked(server: &Served, tool: &str, arguments: Value, scopes: &str) -> Answer {
    let answer = server.call("", tool, arguments).await;
    assert!(answer.text.contains("/connect/"), "{tool}: {answer:?}");
    assert!(answer.text.contains(&format!("It will be asked for: {scopes}.")), "{answer:?}");
    answer
}

async fn served(server: &Served, tool: &str, arguments: Value) -> String {
    let answer = server.call("", tool, arguments).await;
    assert!(!answer.failed, "{tool}: {answer:?}");
    answer.text
}

async fn refused(server: &Served, tool: &str, arguments: Value) -> String {
    let answer = server.call("", tool, arguments).await;
    assert!(answer.failed && answer.link().is_none(), "{tool}: {answer:?}");
    answer.text
}

async fn connects(person: &Person, answer: &Answer, untick: &[&str]) -> Visit {
    let visit = person.visit(answer.link().expect("a link"), untick).await;
    assert!(visit.page.contains("JupyterHub is connected"), "{}: {}", visit.url, visit.page);
    visit
}

const ME: &str = "read:users!user (See who you are)";
const USERS: &str = "list:users (See the names of all users)";

pub(crate) async fn over_http(hub: &mut Hub) {
    let server = Served::start(hub, "http", &[]).await;
    let alice = Person::new("alice");

    let answer = asked(&server, "who_am_i", json!({}), ME).await;
    connects(&alice, &answer, &[]).await;
    assert!(served(&server, "who_am_i", json!({})).await.contains("alice"));

    // She leaves out a scope that a tool needs, gets an error that says so, and grants it later.
    let answer = asked(&server, "list_users", json!({}), USERS).await;
    let visit = connects(&alice, &answer, &["list:users"]).await;
    assert!(visit.offered.iter().any(|scope| scope == "list:users"), "{:?}", visit.offered);
    assert!(visit.page.contains("Not granted, although it was asked for"), "{}", visit.page);
    let told = refused(&server, "list_users", json!({})).await;
    assert!(told.contains("`list:users`") && told.contains("call again once they want"), "{told}");
    assert!(served(&server, "who_am_i", json!({})).await.contains("alice"), "the rest still works");
    let answer = asked(&server, "list_users", json!({}), USERS).await;
    connects(&alice, &answer, &[]).await;
    assert!(served(&server, "list_users", json!({})).await.contains("carol"));

    // `tokens!user` implies reading; nothing that was granted is lost.
    let wanted = json!({ "note": "a notebook", "scopes": ["read:users:name!user"] });
    let tokens = "tokens!user (Issue and revoke your tokens)";
    let answer = asked(&server, "issue_token", wanted.clone(), tokens).await;
    connects(&alice, &answer, &[]).await;
    let issued: Value =
        serde_json::from_str(&served(&server, "issue_token", wanted).await).unwrap();
    let id = issued["id"].as_str().unwrap();
    assert!(served(&server, "my_tokens", json!({})).await.contains("a notebook"));
    served(&server, "revoke_token", json!({ "id": id })).await;
    assert!(!served(&server, "my_tokens", json!({})).await.contains("a notebook"));

    what_it_refuses(hub, &server).await;
    while_it_is_away(hub, &server).await;
    when_it_is_revoked(hub, &server, &alice).await;
    when_it_expires(hub, &server, &alice).await;
}

/// What the hub says comes through, and an argument is one segment of a path.
async fn what_it_refuses(hub: &Hub, server: &Served) {
    let told = refused(server, "revoke_token", json!({ "id": "a999" })).await;
    assert!(told.contains("No such token a999 for user alice"), "{told}");
    assert!(told.contains("Check the names in the arguments"), "{told}");

    let told = refused(server, "revoke_token", json!({ "id": ODD })).await;
    assert!(told.contains(&format!("No such token {ODD} for user alice")), "{told}");
    let sent = hub.requests("DELETE /hub/api/users/alice/tokens/a%2F..%2Fb%20%252f").await;
    assert_eq!(sent.len(), 1, "{:?}", hub.requests("DELETE").await);
    let told = refused(server, "revoke_token", json!({ "id": ".." })).await;
    assert!(told.contains("is `.` or `..`"), "{told}");
    assert_eq!(hub.requests("DELETE /hub/api/users/alice ").await.len(), 0, "nobody was deleted");

    let greedy = json!({ "note": "more", "scopes": ["admin:users"] });
    let told = refused(server, "issue_token", greedy).await;
    assert!(told.contains("Not assigning requested scopes"), "{told}");
    assert!(told.contains("Correct the arguments"), "{told}");

    // The administrator takes a right away that the token was granted with.
    hub.let_read("alice", false).await;
    let told = refused(server, "list_users", json!({})).await;
    assert!(told.contains("Action is not authorized with current scopes"), "{told}");
    assert!(told.contains("Calling again will not help"), "{told}");
    assert!(served(server, "who_am_i", json!({})).await.contains("alice"), "she stays connected");
    hub.let_read("alice", true).await;
    served(server, "list_users", json!({})).await;
}

/// The hub is stopped and started in mid-session.
async fn while_it_is_away(hub: &mut Hub, server: &Served) {
    hub.stop().await;
    let told = refused(server, "who_am_i", json!({})).await;
    assert!(told.contains("refuses connections") && told.contains("call again later"), "{told}");
    hub.resume(Duration::from_secs(3600)).await;
    assert!(served(server, "who_am_i", json!({})).await.contains("alice"), "nobody is asked");
}

/// The tokens are revoked behind our back.
async fn when_it_is_revoked(hub: &Hub, server: &Served, alice: &Person) {
    hub.revoke("alice").await;
    let before = hub.requests("GET /hub/api/user").await.len();
    let answer = server.call("", "list_users", json!({})).await;
    assert!(answer.link().is_some() && answer.says_to_connect_again(), "{answer:?}");
    let sent = hub.requests("GET /hub/api/user").await.split_off(before);
    assert_eq!(sent.len(), 2, "the call, and whether the token is good at all: {sent:#?}");
    let again = server.call("", "list_users", json!({})).await;
    assert_eq!(again.link(), answer.link(), "one request to connect");
    let sent = hub.requests("GET /hub/api/user").await.split_off(before);
    assert_eq!(sent.len(), 2, "and nothing more is sent: {sent:#?}");
    connects(alice, &answer, &[]).await;
    served(server, "list_users", json!({})).await;
}

/// A token ends, and there is nothing to renew it with.
async fn when_it_expires(hub: &mut Hub, server: &Served, alice: &Person) {
    hub.stop().await;
    hub.resume(Duration::from_secs(20)).await;
    hub.revoke("alice").await;
    let answer = server.call("", "list_users", json!({})).await;
    connects(alice, &answer, &[]).await;
    served(server, "list_users", json!({})).await;
    let answer = server.until_it_expires("", "list_users").await;
    hub.stop().await;
    hub.resume(Duration::from_secs(3600)).await;
    let visit = connects(alice, &answer, &[]).await;
    assert_eq!(visit.asked, 1);
    served(server, "list_users", json!({})).await;
}

/// A host that starts the example, and bob, who may not list users.
pub(crate) async fn over_stdio(hub: &Hub) {
    let (mut command, _data) = example(hub, "stdio");
    command.args(["--stdio", "--callback-port", &hub.port("stdio").to_string()]);
    let builder = TokioChildProcess::builder(command).stderr(Stdio::null());
    let (process, _) = builder.spawn().unwrap();
    let client = ().serve(process).await.unwrap();
    let call = async |tool: &'static str| {
        let result = client.call_tool(CallToolRequestParams::new(tool)).await.unwrap();
        let texts = result.content.iter().filter_map(|block| block.as_text());
        let text = texts.map(|text| text.text.clone()).collect();
        let failed = result.is_error == Some(true);
        Answer { status: 200, challenge: String::new(), failed, text }
    };
    let bob = Person::new("bob");

    let answer = call("list_users").await;
    let visit = connects(&bob, &answer, &[]).await;
    assert!(visit.page.contains("only an administrator"), "{}", visit.page);
    let told = call("list_users").await;
    assert!(told.failed && told.link().is_none(), "not round and round: {told:?}");
    assert!(told.text.contains("`list:users`"), "{told:?}");
    let advice = "asking again will not help until an administrator of JupyterHub changes that";
    assert!(told.text.contains(advice), "{told:?}");

    hub.let_read("bob", true).await;
    let answer = call("list_users").await;
    connects(&bob, &answer, &[]).await;
    let listed = call("list_users").await;
    assert!(!listed.failed && listed.text.contains("alice"), "{listed:?}");
    let answer = call("who_am_i").await;
    connects(&bob, &answer, &[]).await;
    assert!(call("who_am_i").await.text.contains("bob"));
    hub.let_read("bob", false).await;
    client.cancel().await.unwrap();
}

/// The operator has mistyped the secret.
pub(crate) async fn with_a_wrong_secret(hub: &Hub) {
    let wrong = [("JUPYTERHUB_CLIENT_SECRET", "mistyped")];
    let server = Served::start(hub, "wrong", &wrong).await;
    let answer = asked(&server, "who_am_i", json!({}), ME).await;
    let visit = Person::new("alice").visit(answer.link().unwrap(), &[]).await;
    assert!(visit.page.contains("trying again will not help"), "{}", visit.page);
    let told = refused(&server, "who_am_i", json!({})).await;
    assert!(told.contains("Neither the user nor another call can help"), "{told}");
    let log = server.logged("check `JUPYTERHUB_CLIENT_ID` and `JUPYTERHUB_CLIENT_SECRET`").await;
    assert!(!log.contains("mistyped"), "{log}");
}
