//! From the first call to the account: consent in every form, and every way in which it ends.

use std::time::Duration;

use forge::{Config, Running, person::Person};
use integration::{
    client::{Desk, Era, Mood, connect, link_in, params, post_call, text, text_of},
    host::{Host, client_at},
    tools::list_issues,
};
use serde_json::json;
use tokio::net::TcpListener;
use toolgate::{Provider, grant::MemoryStore, tools};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":25}"#;

#[tokio::test]
async fn one_consent_gives_one_result_in_the_modern_era() {
    let host = Host::start(Config::default()).await;
    let desk = Desk::new("alice", Mood::Approves);
    let client = connect(&host.mcp(), Era::Modern, desk.clone()).await;
    let arguments = json!({ "owner": "alice", "repo": "compass", "limit": 25 });
    let result = client.call_tool(params("list_issues", arguments.clone())).await.unwrap();
    let issues = result.structured_content.clone().unwrap();
    assert_eq!(issues["result"].as_array().unwrap().len(), 25, "over several pages: {issues}");
    assert_eq!(desk.opened().len(), 1);
    assert!(desk.opened()[0].starts_with(&format!("{}/connect/", host.url)), "a link of ours");

    let again = client.call_tool(params("list_issues", arguments)).await.unwrap();
    assert_eq!(again.is_error, Some(false));
    assert_eq!(desk.opened().len(), 1, "nobody is asked twice");
    assert_eq!(host.forge.counts().codes, 1);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_wider_scope_is_asked_for_with_what_was_granted() {
    let host = Host::start(Config::default()).await;
    let desk = Desk::new("alice", Mood::Approves);
    let client = connect(&host.mcp(), Era::Modern, desk.clone()).await;
    let read = params("list_issues", json!({ "owner": "alice", "repo": "compass" }));
    client.call_tool(read.clone()).await.unwrap();
    assert_eq!(host.forge.counts().last_asked, "repo:read");
    let delete = params("delete_repository", json!({ "owner": "alice", "repo": "journal" }));
    let result = client.call_tool(delete).await.unwrap();
    assert_eq!(result.is_error, Some(false), "{}", text(&result));
    assert_eq!(host.forge.counts().last_asked, "repo:read repo:delete");
    client.call_tool(read).await.unwrap();
    assert_eq!(desk.opened().len(), 2, "what was granted before is still granted");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_broader_scope_covers_what_it_implies() {
    let host = Host::start(Config::default()).await;
    let desk = Desk::new("alice", Mood::Approves);
    let client = connect(&host.mcp(), Era::Modern, desk.clone()).await;
    let open = json!({ "owner": "alice", "repo": "compass", "title": "It spins" });
    let opened = client.call_tool(params("open_issue", open)).await.unwrap();
    assert_eq!(opened.structured_content.unwrap()["title"], "It spins");
    let read = params("list_issues", json!({ "owner": "alice", "repo": "compass" }));
    assert_eq!(client.call_tool(read).await.unwrap().is_error, Some(false));
    assert_eq!(desk.opened().len(), 1, "`repo:write` implies `repo:read`");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_client_of_2025_gets_the_error_with_the_link_and_is_held_on_its_retry() {
    let host = Host::start(Config::default()).await;
    let client = connect(&host.mcp(), Era::Legacy, Desk::new("alice", Mood::Approves)).await;
    let call = params("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 3 }));
    let error = client.call_tool(call.clone()).await.unwrap_err();
    let rmcp::ServiceError::McpError(error) = error else { panic!("{error}") };
    assert_eq!(error.code.0, -32042);
    let elicitation = error.data.unwrap()["elicitations"][0].clone();
    assert_eq!(elicitation["mode"], "url");
    let url = elicitation["url"].as_str().unwrap().to_owned();
    assert!(url.ends_with(elicitation["elicitationId"].as_str().unwrap()));

    // The retry comes first, the person after it.
    let (result, page) = tokio::join!(client.call_tool(call), async {
        Person::new("alice").approve(&url).await.unwrap()
    });
    assert_eq!(result.unwrap().is_error, Some(false));
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_client_that_declares_nothing_gets_the_link_in_the_text() {
    let host = Host::start(Config::default()).await;
    let answer = post_call(&host.mcp(), "list_issues", ISSUES).await;
    assert_eq!(answer["result"]["isError"], true);
    let message = text_of(&answer);
    assert!(message.contains("Forge is not connected yet"), "{message}");
    assert!(message.contains("repo:read (Read your repositories)"), "{message}");
    assert!(message.contains("call `list_issues` again"), "{message}");
    let link = link_in(&message);
    let same = link_in(&text_of(&post_call(&host.mcp(), "list_issues", ISSUES).await));
    assert_eq!(link, same, "a link that is good is given again");

    let page = Person::new("alice").approve(&link).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    assert!(page.body.contains("Read your repositories"), "{}", page.body);
    let answer = post_call(&host.mcp(), "list_issues", ISSUES).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

#[tokio::test]
async fn who_denies_or_declines_is_believed() {
    let host = Host::start(Config::default()).await;
    let call = params("list_issues", json!({ "owner": "alice", "repo": "compass" }));
    for (mood, expected) in [
        (Mood::Denies, "was not connected: the access was refused"),
        (Mood::Declines, "the user declined connecting"),
    ] {
        let client = connect(&host.mcp(), Era::Modern, Desk::new("alice", mood)).await;
        let result = client.call_tool(call.clone()).await.unwrap();
        assert_eq!(result.is_error, Some(true));
        assert!(text(&result).contains(expected), "{mood:?}: {}", text(&result));
        client.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn a_scope_that_is_withheld_is_said_to_be_and_not_asked_for_in_a_circle() {
    let host = Host::start(Config::default().withhold("repo:write")).await;
    let desk = Desk::new("alice", Mood::Approves);
    let client = connect(&host.mcp(), Era::Modern, desk.clone()).await;
    let open = json!({ "owner": "alice", "repo": "compass", "title": "It spins" });
    let result = client.call_tool(params("open_issue", open)).await.unwrap();
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).contains("was asked for `repo:write` just now"), "{}", text(&result));
    assert_eq!(desk.opened().len(), 1);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn who_gets_the_link_as_text_is_told_once_what_was_withheld_and_may_then_ask_again() {
    let host = Host::start(Config::default().withhold("repo:write")).await;
    let arguments = r#"{"owner":"alice","repo":"compass","title":"It spins"}"#;
    let call = async || text_of(&post_call(&host.mcp(), "open_issue", arguments).await);
    let page = Person::new("alice").approve(&link_in(&call().await)).await.unwrap();
    assert!(page.body.contains("only an administrator of Forge"), "{}", page.body);
    let told = call().await;
    assert!(told.contains("was asked for `repo:write` just now and withheld it"), "{told}");
    assert!(told.contains("will not help until an administrator of Forge changes that"), "{told}");
    assert!(!told.contains("/connect/"), "{told}");
    assert!(call().await.contains("/connect/"), "the user may have changed their mind");
}

#[tokio::test]
async fn what_was_granted_on_top_is_not_asked_for() {
    let host = Host::start(Config::default().on_top("user:name=alice")).await;
    let desk = Desk::new("alice", Mood::Approves);
    let client = connect(&host.mcp(), Era::Modern, desk.clone()).await;
    let read = params("list_issues", json!({ "owner": "alice", "repo": "compass" }));
    assert_eq!(client.call_tool(read).await.unwrap().is_error, Some(false));
    let delete = params("delete_repository", json!({ "owner": "alice", "repo": "journal" }));
    let result = client.call_tool(delete).await.unwrap();
    assert_eq!(result.is_error, Some(false), "{}", text(&result));
    assert_eq!(host.forge.counts().last_asked, "repo:read repo:delete");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_refused_is_not_the_users_to_mend() {
    let forge = forge::start(Config::default()).await.unwrap();
    let server = toolgate::Server::new("tests", "1")
        .provider(client_at(forge.url()).secret("mistyped"))
        .tools(tools![list_issues])
        .store(MemoryStore::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = server.public_url(url.as_str()).build().await.unwrap();
    integration::host::serve_at(listener, app.into_router());
    let mcp = format!("{url}/mcp");
    let link = link_in(&text_of(&post_call(&mcp, "list_issues", ISSUES).await));
    let page = Person::new("alice").approve(&link).await.unwrap();
    assert!(page.body.contains("trying again will not help"), "{}", page.body);
    let told = text_of(&post_call(&mcp, "list_issues", ISSUES).await);
    assert!(told.contains("Neither the user nor another call can help"), "{told}");
    assert!(!told.contains("/connect/"), "{told}");
}

#[tokio::test]
async fn a_state_is_for_one_browser_and_for_one_use() {
    let host = Host::start(Config::default()).await;
    let link = link_in(&text_of(&post_call(&host.mcp(), "list_issues", ISSUES).await));
    let alice = Person::new("alice");
    let page = alice.approve(&link).await.unwrap();
    let callback = page.visited.last().unwrap().clone();
    assert!(callback.path().starts_with("/callback/"), "{callback}");
    let replayed = alice.open(callback.as_str()).await.unwrap();
    assert_eq!(replayed.status, 410, "{}", replayed.body);
    assert_eq!(host.forge.counts().codes, 1, "the code was redeemed once");

    // Another browser cannot finish what this one began, nor use it up.
    let delete = r#"{"owner":"alice","repo":"journal"}"#;
    let link = link_in(&text_of(&post_call(&host.mcp(), "delete_repository", delete).await));
    let started = alice.open(&link).await.unwrap();
    let state = started.visited.iter().find_map(|url| {
        url.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| state.into_owned())
    });
    let state = state.unwrap();
    let forged = format!("{}/callback/forge?code=stolen&state={}", host.url, state);
    let stranger = Person::new("bob").open(&forged).await.unwrap();
    assert_eq!(stranger.status, 403, "{}", stranger.body);
    let forged_cookie = reqwest::Client::new()
        .get(&forged)
        .header("cookie", format!("toolgate-consent-{}=forged", &state[..16]))
        .send()
        .await
        .unwrap();
    assert_eq!(forged_cookie.status(), 403);
    let unknown = format!("{}/callback/forge?code=x&state=unknown", host.url);
    assert_eq!(alice.open(&unknown).await.unwrap().status, 403);
    let finished = alice.approve(&link).await.unwrap();
    assert!(finished.body.contains("Forge is connected"), "{}", finished.body);
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    let host = Host::start(Config::default().wrong_issuer()).await;
    let link = link_in(&text_of(&post_call(&host.mcp(), "list_issues", ISSUES).await));
    let page = Person::new("alice").approve(&link).await.unwrap();
    assert!(page.body.contains("another issuer"), "{}", page.body);
    assert_eq!(host.forge.counts().codes, 0, "the code was not sent anywhere");
}

#[tokio::test]
async fn a_link_ends_after_ten_minutes_and_its_page_says_what_to_do() {
    let host = Host::start(Config::default()).await;
    let link = link_in(&text_of(&post_call(&host.mcp(), "list_issues", ISSUES).await));
    host.advance(Duration::from_secs(601));
    let page = Person::new("alice").approve(&link).await.unwrap();
    assert_eq!(page.status, 410);
    assert!(page.body.contains("ask again"), "{}", page.body);
    let renewed = link_in(&text_of(&post_call(&host.mcp(), "list_issues", ISSUES).await));
    assert_ne!(link, renewed);
}

#[tokio::test]
async fn pages_cannot_be_framed_cached_or_scripted() {
    let host = Host::start(Config::default()).await;
    let response = reqwest::get(format!("{}/connect/unknown", host.url)).await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-security-policy").contains("default-src 'none'"));
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn a_request_state_is_for_one_call_of_one_tool() {
    let host = Host::start(Config::default()).await;
    let client = connect(&host.mcp(), Era::Modern, Desk::new("alice", Mood::Approves)).await;
    let call = params("list_issues", json!({ "owner": "alice", "repo": "compass" }));
    let rmcp::model::CallToolResponse::InputRequired(asked) =
        client.peer().call_tool_once(call.clone()).await.unwrap()
    else {
        panic!("consent is asked for")
    };
    let state = asked.request_state.unwrap();
    let mut tampered = state.clone().into_bytes();
    let last = tampered.len() - 2;
    tampered[last] = if tampered[last] == b'A' { b'B' } else { b'A' };
    let other = params("list_issues", json!({ "owner": "bob", "repo": "vault" }));
    for (mut call, state) in [
        (call.clone(), String::from_utf8(tampered).unwrap()),
        (other, state.clone()),
        (params("delete_repository", json!({ "owner": "alice", "repo": "compass" })), state),
    ] {
        call.request_state = Some(state);
        let error = client.peer().call_tool_once(call).await.unwrap_err();
        let rmcp::ServiceError::McpError(error) = error else { panic!("{error}") };
        assert_eq!(error.code.0, -32602);
        assert!(error.message.contains("requestState"), "{}", error.message);
    }
    client.cancel().await.unwrap();
}

/// A server whose provider is configured without an issuer.
async fn without_issuer(forge: &Running) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let base = forge.url();
    let client = integration::tools::Forge::client(Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .api(format!("{base}/api"))
        .authorize(format!("{base}/oauth/authorize"))
        .token(format!("{base}/oauth/token"));
    let app = toolgate::Server::new("tests", "1")
        .provider(client)
        .tools(tools![list_issues])
        .store(MemoryStore::new())
        .public_url(url.as_str())
        .build()
        .await
        .unwrap();
    integration::host::serve_at(listener, app.into_router());
    url
}

#[tokio::test]
async fn an_issuer_that_nobody_configured_must_be_that_of_the_authorization_endpoint() {
    for (config, says, codes) in [
        (Config::default(), "Forge is connected", 1),
        (Config::default().wrong_issuer(), "comes from another issuer", 0),
    ] {
        let forge = forge::start(config).await.unwrap();
        let url = without_issuer(&forge).await;
        let link =
            link_in(&text_of(&post_call(&format!("{url}/mcp"), "list_issues", ISSUES).await));
        let page = Person::new("alice").approve(&link).await.unwrap();
        assert!(page.body.contains(says), "{}", page.body);
        assert_eq!(forge.counts().codes, codes);
    }
}
