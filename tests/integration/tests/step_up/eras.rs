//! Clients that open links themselves, of both eras, and sessions.

use integration::client::{link_in, text_of};
use serde_json::{Value, json};
use toolgate::gate::StepUp;

use super::{SignedIn, Site, is_opened, titled};

fn opens_links() -> Value {
    json!({ "elicitation": { "url": {} } })
}

/// Calls `open_issue` as a client of 2026-07-28 that opens links, with more parameters.
async fn call_2026(site: &Site, token: &str, more: &Value) -> Value {
    let mut params = json!({ "arguments": titled() });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    let answer = site.call_with(token, "open_issue", params, opens_links()).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_client_of_2026_is_asked_for_input_and_its_retry_waits_for_the_person() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let asked = call_2026(&site, &alice.token, &json!({})).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let request = &asked["result"]["inputRequests"]["toolgate/access"];
    assert_eq!(request["params"]["mode"], "url", "{asked}");
    let link = request["params"]["url"].as_str().unwrap().to_owned();
    let accepted = answer_to(&asked, "toolgate/access", "accept");
    // The client says that the link was opened, and the person takes their time.
    let retried = call_2026(&site, &alice.token, &accepted);
    let (done, answer) = tokio::join!(alice.allow(&link, "alice"), retried);
    assert!(done.body.contains("It may do more now"), "{}", done.body);
    assert!(is_opened(&answer), "{answer}");
}

#[tokio::test]
async fn a_person_of_2026_who_declines_is_not_asked_again() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let asked = call_2026(&site, &alice.token, &json!({})).await;
    let answer = answer_to(&asked, "toolgate/access", "decline");
    let told = call_2026(&site, &alice.token, &answer).await;
    assert_eq!(told["result"]["isError"], true, "{told}");
    assert!(text_of(&told).contains("declined"), "{told}");
    assert!(!text_of(&told).contains("http"), "{told}");
}

#[tokio::test]
async fn a_host_without_a_window_which_cancels_prompts_gets_the_link_as_text() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let asked = call_2026(&site, &alice.token, &json!({})).await;
    let link = asked["result"]["inputRequests"]["toolgate/access"]["params"]["url"].clone();
    let answer = answer_to(&asked, "toolgate/access", "cancel");
    let told = text_of(&call_2026(&site, &alice.token, &answer).await);
    assert_eq!(link_in(&told), link.as_str().unwrap(), "the same link");
    alice.allow(&link_in(&told), "alice").await;
    assert!(is_opened(&call_2026(&site, &alice.token, &json!({})).await));

    // The same holds for the link to connect an account.
    site.forge.revoke_grants_of("alice");
    let asked = call_2026(&site, &alice.token, &json!({})).await;
    let answer = answer_to(&asked, "forge", "cancel");
    let told = text_of(&call_2026(&site, &alice.token, &answer).await);
    assert!(link_in(&told).contains("/connect/"), "{told}");
}

/// The parameters of a retry after `asked`, with this action of the user.
fn answer_to(asked: &Value, prompt: &str, action: &str) -> Value {
    json!({
        "requestState": asked["result"]["requestState"],
        "inputResponses": { prompt: { "action": action } },
    })
}

/// A session of 2025-11-25.
struct Session<'a> {
    site: &'a Site,
    token: &'a str,
    id: String,
}

impl<'a> Session<'a> {
    async fn start(site: &'a Site, alice: &'a SignedIn, capabilities: &Value) -> Self {
        let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "host", "version": "1" },
        }});
        let mut session = Self { site, token: &alice.token, id: String::new() };
        let answer = session.send(&initialize).await;
        session.id = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(session.send(&initialized).await.status(), 202);
        session
    }

    async fn send(&self, message: &Value) -> reqwest::Response {
        let mut request = reqwest::Client::new()
            .post(format!("{}/mcp", self.site.url))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .bearer_auth(self.token)
            .json(message);
        if !self.id.is_empty() {
            request = request.header("mcp-session-id", &self.id);
        }
        request.send().await.unwrap()
    }

    /// The answer to a call of `open_issue`, which is JSON or an event of a stream.
    async fn open_issue(&self) -> Value {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "open_issue", "arguments": titled(),
        }});
        let answer = self.send(&call).await;
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        let json = text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line));
        let mut found = json.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        found.find(|message| message["id"] == 1).unwrap_or_else(|| panic!("{text}"))
    }
}

#[tokio::test]
async fn a_client_of_2025_gets_the_link_in_an_error_and_its_next_call_waits() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let session = Session::start(&site, &alice, &opens_links()).await;
    let asked = session.open_issue().await;
    assert_eq!(asked["error"]["code"], -32042, "{asked}");
    let elicitation = &asked["error"]["data"]["elicitations"][0];
    assert_eq!(elicitation["mode"], "url");
    let link = elicitation["url"].as_str().unwrap().to_owned();
    let (done, answer) = tokio::join!(alice.allow(&link, "alice"), session.open_issue());
    assert!(done.body.contains("It may do more now"), "{}", done.body);
    assert!(is_opened(&answer), "{answer}");
}

#[tokio::test]
async fn a_client_of_2025_that_opens_no_links_gets_text() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let session = Session::start(&site, &alice, &json!({})).await;
    let asked = session.open_issue().await;
    let link = link_in(&text_of(&asked));
    assert!(asked["result"]["_meta"]["mcp/www_authenticate"].is_array(), "{asked}");
    alice.allow(&link, "alice").await;
    assert!(is_opened(&session.open_issue().await));
}

#[tokio::test]
async fn a_client_of_2025_is_challenged_for_all_scopes() {
    let site = Site::start(StepUp::Auto).await;
    let alice = site.sign_in("Test Host", "alice").await;
    let session = Session::start(&site, &alice, &opens_links()).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "open_issue", "arguments": titled(),
    }});
    let challenged = session.send(&call).await;
    assert_eq!(challenged.status(), 403);
    let challenge = challenged.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains(r#"scope="repo:write repo:read""#), "{challenge}");
    let asked = session.open_issue().await;
    assert_eq!(asked["error"]["code"], -32042, "{asked}");
}
