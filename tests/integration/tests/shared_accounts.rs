//! Accounts and clients: what one client of a person connected, another one gets only after the
//! person has said so.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::get,
};
use forge::{Config, Running};
use integration::{
    broker::{Browser, Page},
    client::{link_in, text_of},
    deployment::Deployment,
    host::client_at,
    recorder::Recorder,
    tools::{delete_repository, list_issues},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use toolgate::{
    gate::{AuthError, BrowserIdentity, Claims, Gate, async_trait},
    grant::{Clock, GrantStore, ManualClock, MemoryStore},
    prelude::*,
    testing::{Issuer, Token},
};

/// The application in which people are signed in, by a cookie.
struct Application;

#[async_trait]
impl BrowserIdentity for Application {
    async fn person(&self, headers: &HeaderMap) -> Result<Option<Claims>, AuthError> {
        let cookies = headers.get("cookie").and_then(|all| all.to_str().ok()).unwrap_or_default();
        let user = cookies.split("; ").find_map(|pair| pair.strip_prefix("user="));
        Ok(user.map(|user| Claims::new(Issuer::NAME, user)))
    }

    fn sign_in(&self, _: &str) -> String {
        "/nobody".to_owned()
    }
}

/// The browser is this user from now on.
async fn be(Path(user): Path<String>) -> impl IntoResponse {
    ([("set-cookie", format!("user={user}; Path=/"))], "")
}

struct Shared {
    url: String,
    forge: Running,
    issuer: Issuer,
    clock: Arc<ManualClock>,
    recorder: Recorder,
}

impl Shared {
    async fn start() -> Self {
        Self::with(Config::default(), |gate| gate).await
    }

    async fn with(config: Config, set_up: impl FnOnce(Gate) -> Gate) -> Self {
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        Self::over(config, MemoryStore::with_clock(clock.clone()), clock, set_up).await
    }

    async fn over(
        config: Config,
        store: impl GrantStore,
        clock: Arc<ManualClock>,
        set_up: impl FnOnce(Gate) -> Gate,
    ) -> Self {
        let forge = forge::start(config).await.unwrap();
        let issuer = Issuer::new();
        let deployment = Deployment::prepare().await;
        let url = deployment.url().to_owned();
        let gate = Gate::new(issuer.verifier().clock(clock.clone())).resource(format!("{url}/mcp"));
        let gate = set_up(gate.browser(Application));
        let recorder = Recorder::default();
        let server = || {
            let client = client_at(forge.url()).revoke(format!("{}/oauth/revoke", forge.url()));
            toolgate::Server::new("shared", "1")
                .provider(client)
                .gate(gate.clone())
                .tools(tools![list_issues, delete_repository])
                .clock(clock.clone())
                .public_url(&url)
                .observe(recorder.clone())
        };
        let finish = |router: axum::Router| router.route("/be/{user}", get(be));
        deployment.serve_router(store, &clock, server, finish).await;
        Self { url, forge, issuer, clock, recorder }
    }

    fn token(&self, user: &str, client: &str) -> Token {
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let token = self.issuer.token(user).audience(format!("{}/mcp", self.url));
        token.claim("client_id", client).claim("iat", now).claim("exp", now + 300)
    }

    async fn answer(&self, token: &Token, tool: &str, capabilities: Value, more: Value) -> Value {
        let mut body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": { "owner": "alice", "repo": "compass" },
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": capabilities,
            },
        }});
        for (name, value) in more.as_object().unwrap() {
            body["params"][name] = value.clone();
        }
        let request = reqwest::Client::new()
            .post(format!("{}/mcp", self.url))
            // A call that is held is not answered by a stream.
            .header("accept", "application/json")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .bearer_auth(token)
            .json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// What a client reads that shows links as text.
    async fn says(&self, user: &str, client: &str, tool: &str) -> String {
        text_of(&self.answer(&self.token(user, client), tool, json!({}), json!({})).await)
    }

    async fn browser(&self, user: &str) -> Browser {
        let browser = Browser::new();
        browser.open(&format!("{}/be/{user}", self.url)).await;
        browser
    }

    /// The person connects the account through this client.
    async fn connect(&self, browser: &Browser, user: &str, client: &str) {
        let link = link_in(&self.says(user, client, "list_issues").await);
        let page = browser.open(&link).await;
        let page = browser.at_forge(page, user, "approve").await;
        assert!(page.body.contains("Forge is connected"), "{}", page.body);
        self.works(user, client).await;
    }

    async fn works(&self, user: &str, client: &str) {
        let says = self.says(user, client, "list_issues").await;
        assert!(says.contains("compass drifts"), "{client}: {says}");
    }

    /// The link at which the person is asked about this client.
    async fn question(&self, user: &str, client: &str) -> String {
        let says = self.says(user, client, "list_issues").await;
        assert!(says.contains("connected through another application"), "{client}: {says}");
        link_in(&says)
    }
}

async fn decide(browser: &Browser, page: &Page, decision: &str) -> Page {
    browser.send(page, &[("decision", decision)], &[("sec-fetch-site", "same-origin")]).await
}

fn assert_page(page: &Page, status: u16, says: &str) {
    assert_eq!(page.status.as_u16(), status, "{}", page.body);
    assert!(page.body.contains(says), "{says} is not in {}", page.body);
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(page.header("cache-control"), "no-store");
}

const QUESTION: &str = "codex wants to use your Forge account that you connected through claude";

#[tokio::test]
async fn another_client_of_a_person_is_asked_about_once_and_not_at_the_provider() {
    let server = Shared::start().await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;

    let link = server.question("alice", "codex").await;
    let page = alice.open(&link).await;
    assert_page(&page, 200, QUESTION);
    assert!(page.body.contains("repo:read"), "what it gets: {}", page.body);
    server.works("alice", "claude").await;
    assert_page(&decide(&alice, &page, "allow").await, 200, "codex may use your Forge account");
    for client in ["codex", "claude", "codex"] {
        server.works("alice", client).await;
    }
    assert_eq!(server.forge.counts().codes, 1, "the provider was asked once");
    let needed = server.recorder.all("consent_needed");
    assert_eq!(needed.last().unwrap()["reason"], "other_client");
    let uses = server.recorder.all("account_use");
    let decisions: Vec<_> = uses.iter().map(|event| &event["decision"]).collect();
    assert_eq!(decisions, ["asked", "allowed"]);
    assert_eq!(uses[0]["client"], "codex");
    assert_page(&alice.open(&link).await, 410, "no longer good");

    // A third one is asked about, and another person is another matter.
    let page = alice.open(&server.question("alice", "cursor").await).await;
    assert_page(&page, 200, "that you connected through claude and codex");
    assert!(server.says("bob", "codex", "list_issues").await.contains("not connected yet"));
}

#[tokio::test]
async fn a_refusal_and_forged_answers_let_nobody_in() {
    let server = Shared::start().await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    let link = server.question("alice", "codex").await;
    let page = alice.open(&link).await;

    let bob = server.browser("bob").await;
    assert_page(&bob.open(&link).await, 403, "This link is for another person");
    assert_eq!(server.recorder.all("link_opened").last().unwrap()["by"], "other_person");
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
    ] {
        let sent = alice.send(&page, &[("decision", "allow")], headers).await;
        assert_page(&sent, 403, "Nothing was changed");
    }
    let allow = ("decision", "allow");
    for csrf in ["", "guess"] {
        let sent = alice.send(&page, &[allow, ("csrf", csrf)], &[]).await;
        assert_page(&sent, 403, "Nothing was changed");
    }
    assert_page(&bob.send(&page, &[allow], &[]).await, 403, "Nothing was changed");
    // The same browser, which is another person's in the meantime.
    alice.open(&format!("{}/be/bob", server.url)).await;
    assert_page(&alice.send(&page, &[allow], &[]).await, 403, "This link is for another person");
    alice.open(&format!("{}/be/alice", server.url)).await;
    // The form of one link answers no other.
    let other = link_in(&server.says("alice", "cursor", "list_issues").await);
    let form = alice.open(&link).await;
    let replaced = Page { body: form.body.replace(link_id(&link), link_id(&other)), ..form };
    assert_page(&alice.send(&replaced, &[allow], &[]).await, 403, "Nothing was changed");
    let page = alice.open(&link).await;
    assert_page(
        &alice.send(&page, &[("decision", "perhaps")], &[]).await,
        400,
        "belongs to nothing",
    );
    for client in ["codex", "cursor"] {
        server.question("alice", client).await;
    }

    assert_page(&decide(&alice, &page, "deny").await, 200, "codex may not use your Forge account");
    assert_eq!(server.recorder.all("account_use").last().unwrap()["decision"], "denied");
    assert_eq!(server.recorder.one("consent_failed")["reason"], "use_denied");
    assert_page(&decide(&alice, &page, "allow").await, 410, "no longer good");
    let again = server.question("alice", "codex").await;
    assert_ne!(again, link, "a new question, with a new link");
    server.works("alice", "claude").await;
}

fn link_id(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn a_client_that_needs_more_is_asked_about_first_and_then_the_provider_is() {
    let server = Shared::start().await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    let says = server.says("alice", "codex", "delete_repository").await;
    assert!(says.contains("connected through another application"), "{says}");
    let page = alice.open(&link_in(&says)).await;
    assert_page(&page, 200, QUESTION);
    assert!(page.body.contains("repo:delete"), "{}", page.body);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:*"), "{policy}");
    let page = decide(&alice, &page, "allow").await;
    assert_eq!(page.url.path(), "/oauth/authorize", "{}", page.body);
    let page = alice.at_forge(page, "alice", "approve").await;
    assert_page(&page, 200, "Forge is connected");
    for client in ["codex", "claude"] {
        server.works("alice", client).await;
    }
    let deleted = server.says("alice", "codex", "delete_repository").await;
    assert!(!deleted.contains("http://"), "it is done: {deleted}");
}

#[tokio::test]
async fn the_answer_reaches_the_call_that_waits_in_the_form_the_client_supports() {
    let server = Shared::start().await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    let (codex, url) = (server.token("alice", "codex"), json!({ "elicitation": { "url": {} } }));
    let asked = server.answer(&codex, "list_issues", url.clone(), json!({})).await;
    let result = &asked["result"];
    let elicited = &result["inputRequests"]["forge"]["params"];
    let link = elicited["url"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned();
    let retry = json!({
        "requestState": result["requestState"],
        "inputResponses": { "forge": { "action": "accept" } },
    });
    // The state of one client is of no use to another one of the same person.
    let cursor = server.token("alice", "cursor");
    let stolen = server.answer(&cursor, "list_issues", url.clone(), retry.clone()).await;
    assert!(stolen["error"]["message"].as_str().unwrap().contains("requestState"), "{stolen}");

    let (result, page) = tokio::join!(server.answer(&codex, "list_issues", url, retry), async {
        let page = alice.open(&link).await;
        decide(&alice, &page, "allow").await
    });
    assert_page(&page, 200, "codex may use your Forge account");
    assert!(text_of(&result).contains("compass drifts"), "{result}");
}

#[tokio::test]
async fn a_server_may_share_accounts_among_clients() {
    let server = Shared::with(Config::default(), |gate| gate.share_accounts(true)).await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    server.works("alice", "codex").await;
    let accounts = alice.open(&format!("{}/accounts", server.url)).await;
    assert!(!accounts.body.contains("application may use it"), "{}", accounts.body);
}

#[tokio::test]
async fn a_person_sees_which_clients_use_an_account_and_takes_it_away_from_one() {
    let server = Shared::start().await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    let page = alice.open(&server.question("alice", "codex").await).await;
    decide(&alice, &page, "allow").await;

    let accounts = format!("{}/accounts", server.url);
    let page = alice.open(&accounts).await;
    for client in ["claude", "codex"] {
        assert_page(&page, 200, &format!("Take it away from {client}"));
    }
    for (browser, headers) in
        [(&alice, &[("sec-fetch-site", "cross-site")][..]), (&server.browser("bob").await, &[])]
    {
        let sent = browser.send(&page, &[("client", "codex")], headers).await;
        assert_page(&sent, 403, "Nothing was changed");
    }
    server.works("alice", "codex").await;
    let taken = alice.send(&page, &[("client", "codex")], &[]).await;
    assert_page(&taken, 200, "can no longer use your Forge account");
    server.question("alice", "codex").await;
    server.works("alice", "claude").await;

    // Disconnecting forgets every client.
    let page = alice.open(&accounts).await;
    assert_page(&alice.send(&page, &[], &[]).await, 200, "Forge has revoked the access");
    server.connect(&alice, "alice", "codex").await;
    server.question("alice", "claude").await;
}

#[tokio::test]
async fn a_machine_does_not_use_the_account_of_a_person_whose_identifier_it_has() {
    let server = Shared::with(Config::default(), |gate| gate.share_accounts(true)).await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    // A token of the client credentials grant has the client's identifier as its subject.
    let says = server.says("alice", "alice", "list_issues").await;
    assert!(says.contains("the caller is a machine"), "{says}");
    server.works("alice", "claude").await;
}

#[tokio::test]
async fn many_clients_of_one_person_take_bounded_room_and_shut_out_nobody_else() {
    let server = Shared::start().await;
    let (alice, bob) = (server.browser("alice").await, server.browser("bob").await);
    server.connect(&alice, "alice", "claude").await;
    server.connect(&bob, "bob", "claude").await;
    for n in 0..40 {
        let page = alice.open(&server.question("alice", &format!("client-{n}")).await).await;
        decide(&alice, &page, "allow").await;
        server.clock.advance(Duration::from_secs(3));
    }
    server.works("alice", "client-39").await;
    server.question("alice", "client-0").await;
    server.works("bob", "claude").await;
    let accounts = alice.open(&format!("{}/accounts", server.url)).await;
    assert_eq!(accounts.body.matches("Take it away from").count(), 32);
}

#[tokio::test]
async fn a_second_consent_asks_the_provider_for_a_refresh_token_of_its_own() {
    let server = Shared::with(Config::default().refresh_token_once(), |gate| gate).await;
    let alice = server.browser("alice").await;
    server.connect(&alice, "alice", "claude").await;
    let says = server.says("alice", "claude", "delete_repository").await;
    let page = alice.open(&link_in(&says)).await;
    assert!(page.url.as_str().contains("prompt=consent"), "{}", page.url);
    let page = alice.at_forge(page, "alice", "approve").await;
    assert_page(&page, 200, "Forge is connected");
    // The tokens are those of the second consent: it is renewed without the person.
    server.clock.advance(Duration::from_secs(4000));
    server.forge.advance(Duration::from_secs(4000));
    let renewed = timeout(Duration::from_secs(60), server.works("alice", "claude"));
    renewed.await.expect("it is renewed");
    assert_eq!(server.forge.counts().refreshes, 1);
}

#[tokio::test]
async fn a_browser_that_opens_many_links_keeps_few_cookies() {
    let server = Shared::start().await;
    let link = link_in(&server.says("alice", "claude", "list_issues").await);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    // In the order in which they were set, as browsers send them.
    let mut cookies = vec!["user=alice".to_owned()];
    for _ in 0..20 {
        let request = client.get(&link).header("cookie", cookies.join("; "));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        for set in answer.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, _) = set.split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                cookies.retain(|cookie| !cookie.starts_with(&format!("{name}=")));
            } else {
                cookies.push(set.split(';').next().unwrap().to_owned());
            }
        }
    }
    assert_eq!(cookies.len(), 1 + 8, "{cookies:?}");
    assert_eq!(cookies[0], "user=alice");
}

#[tokio::test]
async fn without_people_to_recognise_there_are_no_accounts_to_show() {
    let issuer = Issuer::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gate = Gate::new(issuer.verifier()).resource(format!("{url}/mcp"));
    let app = toolgate::Server::new("plain", "1")
        .gate(gate)
        .tools(tools![integration::tools::add])
        .public_url(&url)
        .build()
        .await
        .unwrap();
    integration::host::serve_at(listener, app.into_router());
    let answer = reqwest::get(format!("{url}/accounts")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}
