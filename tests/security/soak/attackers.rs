//! The attackers: strangers, a site of IPv6, and a person who signs in.

use futures::{StreamExt, stream};
use integration::{
    broker::{Application, Browser, s256},
    client::link_in,
};
use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use serde_json::json;

use super::server::Server;

/// How many requests an attacker has under way at once.
const AT_ONCE: usize = 16;

/// Whatever needs no sign-in, from many addresses.
struct Flood {
    http: Client,
    url: String,
}

impl Flood {
    fn new(server: &Server) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, url: server.url.clone() }
    }

    /// A request of each kind; `n` makes it differ from the others.
    fn requests(&self, peer: &str, n: u32) -> Vec<RequestBuilder> {
        let (http, url) = (&self.http, &self.url);
        let challenge = s256("verifier");
        let authorize = |client: &str| {
            http.get(format!("{url}/oauth/authorize")).query(&[
                ("response_type", "code"),
                ("client_id", client),
                ("redirect_uri", "https://evil.example/cb"),
                ("scope", "repo:read"),
                ("state", &n.to_string()),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
                ("resource", &format!("{url}/mcp")),
            ])
        };
        let metadata = json!({
            "client_name": format!("evil {n} {}", "x".repeat(40)),
            "redirect_uris": [format!("https://evil.example/{n}")],
            "token_endpoint_auth_method": "none",
        });
        let guess = format!("tgr_{n}.0.guess");
        let form = [("grant_type", "refresh_token"), ("refresh_token", &guess), ("client_id", "x")];
        [
            http.post(format!("{url}/oauth/register")).json(&metadata),
            authorize("unknown"),
            // Private, so that nothing is fetched, and counted all the same.
            authorize(&format!("https://127.0.0.1:9/{n}")),
            http.post(format!("{url}/oauth/token")).form(&form),
            http.post(format!("{url}/oauth/revoke")).form(&[("token", &guess)]),
            http.post(format!("{url}/oauth/consent")).form(&[("request", &guess)]),
            http.get(format!("{url}/connect/{guess}")),
            http.post(format!("{url}/connect/{guess}")).form(&[("decision", "allow")]),
            http.get(format!("{url}/callback/forge?state={guess}&code=x")),
            http.get(format!("{url}/accounts")),
            http.post(format!("{url}/mcp")).bearer_auth(format!("guess-{n}")).body("{}"),
        ]
        .map(|request| request.header("x-peer", peer))
        .into()
    }

    /// Sends so many requests of each kind from each of these addresses.
    async fn send(&self, peers: impl Iterator<Item = String>, each: u32, salt: u32) {
        let requests = peers.flat_map(|peer| {
            (0..each).flat_map(move |n| self.requests(&peer, salt.wrapping_mul(10_000) + n))
        });
        let sent = stream::iter(requests).map(RequestBuilder::send).buffer_unordered(AT_ONCE);
        sent.for_each(async |answer| {
            let status = answer.unwrap().status();
            assert!(!status.is_server_error() || status == 503, "{status}");
        })
        .await;
    }
}

/// Strangers at a dozen addresses.
pub(super) struct Strangers(Flood);

impl Strangers {
    pub(super) fn new(server: &Server) -> Self {
        Self(Flood::new(server))
    }

    pub(super) async fn attack(&self, hour: u32, in_full: bool) {
        let peers = (1..=12).map(|last| format!("203.0.113.{last}"));
        self.0.send(peers, if in_full { 70 } else { 1 }, hour).await;
    }
}

/// One site of IPv6, with a network for each request.
pub(super) struct Site(Flood);

impl Site {
    pub(super) fn new(server: &Server) -> Self {
        Self(Flood::new(server))
    }

    pub(super) async fn attack(&self, hour: u32, in_full: bool) {
        let networks = if in_full { 900 } else { 12 };
        let peers = (0..networks).map(|network| format!("2001:db8:77:{network:x}::1"));
        self.0.send(peers, 1, hour).await;
    }
}

/// A person who signs in, and wants to leave no room for others.
pub(super) struct Member<'s> {
    server: &'s Server,
    browser: Browser,
    http: Client,
    host: Application,
}

impl<'s> Member<'s> {
    pub(super) async fn sign_up(server: &'s Server) -> Self {
        let browser = Browser::at_address("203.0.113.200");
        let host = Application::register_named(&server.url, "Evil").await;
        host.sign_in(&browser, "repo:read", "alice").await;
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { server, browser, http, host }
    }

    pub(super) async fn attack(&mut self, hour: u32, in_full: bool) {
        // Each sign-in leaves a session, a consent, a code and a family of tokens.
        for n in 0..if in_full { 8 } else { 2 } {
            let registered = self.register(hour * 100 + n).await;
            let host = registered.unwrap_or_else(|| self.host.clone());
            let page = self.browser.sign_in(&host.link("repo:read", &[]), "alice").await;
            if !page.is_application {
                assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.body);
                continue;
            }
            if let Some(code) = page.answer().get("code") {
                let tokens = host.redeem(code).await;
                assert!(matches!(tokens.status.as_u16(), 200 | 429), "{}", tokens.body);
                if tokens.status == 200 {
                    self.open_links(&tokens.text("access_token"), in_full).await;
                }
            }
        }
    }

    /// Opens a link of her own again and again.
    async fn open_links(&self, token: &str, in_full: bool) {
        let says = self.server.says(token, "who_am_i", json!({})).await;
        if !says.contains("/connect/") {
            return;
        }
        let link = link_in(&says);
        for _ in 0..if in_full { 90 } else { 2 } {
            let page = self.browser.open(&link).await;
            assert!(!page.status.is_server_error(), "{}: {}", page.url, page.body);
        }
    }

    async fn register(&self, n: u32) -> Option<Application> {
        let metadata = json!({
            "client_name": format!("Evil {n}"),
            "redirect_uris": [self.host.redirect],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let request = self.http.post(format!("{}/oauth/register", self.server.url));
        let request = request.header("x-peer", "203.0.113.200").json(&metadata);
        let answer = request.send().await.unwrap();
        match answer.status() {
            StatusCode::CREATED => {
                let answer: serde_json::Value = answer.json().await.unwrap();
                Some(self.host.with_id(answer["client_id"].as_str().unwrap()))
            }
            status => {
                assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
                None
            }
        }
    }

    /// What is done to her tables is done to no one else's, and her own last sign-in works.
    pub(super) async fn still_works(&self) {
        let tokens = self.host.sign_in(&self.browser, "repo:read", "alice").await;
        let arguments = json!({ "owner": "alice", "repo": "compass" });
        let says = self.server.says(&tokens.text("access_token"), "list_issues", arguments).await;
        assert!(says.contains("compass drifts"), "{says}");
    }
}
