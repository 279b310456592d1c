//! A server below a path: `https://corp.example/tools/mcp`, behind a proxy that removes the path or
//! leaves it.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{Router, body::Body, extract::ConnectInfo};
use forge::Config;
use http::{HeaderMap, Method, Request, StatusCode, header};
use integration::{
    broker::s256,
    client::call_message,
    front_proxy::FrontProxy,
    host::client_at,
    tools::{Forge, list_issues},
};
use serde_json::{Value, json};
use toolgate::{gate::Gate, grant::MemoryStore, prelude::*};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

const ORIGIN: &str = "https://corp.example";

/// What passes requests for `https://corp.example` on to the server.
enum Proxy {
    /// A function. `strips`: it removes `/tools`.
    Simulated { server: Router, strips: bool },
    /// A program, which this client finds under the name.
    Program(reqwest::Client),
}

/// A browser at `https://corp.example`.
struct Browser {
    proxy: Proxy,
    cookies: BTreeMap<String, String>,
    /// For pages of other servers.
    web: reqwest::Client,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Page {
    fn location(&self) -> Url {
        let location = self.headers[header::LOCATION].to_str().unwrap();
        Url::parse(ORIGIN).unwrap().join(location).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The values of an attribute, in order.
    fn all(&self, attribute: &str) -> Vec<String> {
        let start = format!("{attribute}=\"");
        let pieces = self.body.split(&start).skip(1);
        pieces.map(|piece| piece.split('"').next().unwrap().replace("&amp;", "&")).collect()
    }

    fn hidden(&self, name: &str) -> String {
        let field = self.body.split(&format!("name=\"{name}\"")).nth(1).unwrap_or_default();
        field.split("value=\"").nth(1).unwrap_or_default().split('"').next().unwrap().to_owned()
    }
}

impl Proxy {
    async fn pass(&self, url: &Url, mut request: Request<Body>) -> (HeaderMap, StatusCode, String) {
        match self {
            Self::Simulated { server, strips } => {
                let path = match url.path().strip_prefix("/tools") {
                    Some("") if *strips => "/",
                    Some(rest) if *strips => rest,
                    _ => url.path(),
                };
                let target = match url.query() {
                    Some(query) => format!("{path}?{query}"),
                    None => path.to_owned(),
                };
                *request.uri_mut() = target.parse().unwrap();
                request.headers_mut().insert("host", "backend:1".parse().unwrap());
                let peer = SocketAddr::from(([127, 0, 0, 1], 9));
                request.extensions_mut().insert(ConnectInfo(peer));
                let response = server.clone().oneshot(request).await.unwrap();
                let (parts, body) = response.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                (parts.headers, parts.status, String::from_utf8(body.to_vec()).unwrap())
            }
            Self::Program(client) => {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let request = client.request(parts.method, url.clone());
                let response = request.headers(parts.headers).body(body).send().await.unwrap();
                let (headers, status) = (response.headers().clone(), response.status());
                (headers, status, response.text().await.unwrap())
            }
        }
    }
}

impl Browser {
    fn new(proxy: Proxy) -> Self {
        let web = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let web = web.cookie_store(true).build().unwrap();
        Self { proxy, cookies: BTreeMap::new(), web }
    }

    async fn send(
        &mut self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Page {
        let url = Url::parse(ORIGIN).unwrap().join(url).unwrap();
        assert_eq!(url.origin().ascii_serialization(), ORIGIN, "{url}");
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (headers, status, body) = self.proxy.pass(&url, request).await;
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.starts_with("__Host-") && cookie.contains("Path=/;")
                    || cookie.ends_with("Path=/"),
                "{cookie}"
            );
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Page { status, headers, body }
    }

    async fn get(&mut self, url: &str) -> Page {
        self.send(Method::GET, url, &[("accept", "text/html")], "").await
    }

    async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", ORIGIN),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(Method::POST, url, &headers, &form).await
    }

    /// Every page is found below the path, and so are its stylesheet, its links and its forms.
    async fn check_links(&mut self, page: &Page) {
        for link in page.all(" href").into_iter().chain(page.all(" action")) {
            // Of another site, or of an application.
            if Url::parse(&link).is_ok() {
                continue;
            }
            assert!(link.starts_with("/tools/"), "{link} in {}", page.body);
            if link.split('.').next_back() == Some("css") {
                assert_eq!(self.get(&link).await.status, 200, "{link}");
            }
        }
    }

    /// Signs in at forge as alice, and returns to where it sends the browser.
    async fn sign_in_at_forge(&self, url: Url) -> Url {
        let mut response = self.web.get(url).send().await.unwrap();
        loop {
            if let Some(location) = response.headers().get("location") {
                let next = response.url().join(location.to_str().unwrap()).unwrap();
                if next.host_str() == Some("corp.example") {
                    return next;
                }
                response = self.web.get(next).send().await.unwrap();
                continue;
            }
            let (url, status) = (response.url().clone(), response.status());
            let page =
                Page { status, headers: HeaderMap::new(), body: response.text().await.unwrap() };
            let action = page.all(" action").remove(0);
            let mut form: Vec<(String, String)> = Vec::new();
            for input in page.body.split("<input").skip(1) {
                let of = |name: &str| {
                    let value = input.split(&format!("{name}=\"")).nth(1)?;
                    Some(value.split('"').next().unwrap().replace("&amp;", "&"))
                };
                if let (Some(name), Some(value)) = (of("name"), of("value")) {
                    form.push((name, value));
                }
            }
            match action.as_str() {
                "/login" => {
                    form.push(("user".into(), "alice".into()));
                    form.push(("password".into(), "alice-password".into()));
                }
                _ => form.push(("decision".into(), "approve".into())),
            }
            let target = url.join(&action).unwrap();
            response = self.web.post(target).form(&form).send().await.unwrap();
        }
    }
}

async fn start(strips: bool) -> (Browser, forge::Running) {
    let callback = format!("{ORIGIN}/tools/callback/forge");
    let forge = forge::start(Config::default().redirect(callback)).await.unwrap();
    let app = server(&forge).build().await.unwrap();
    let server = Router::new().fallback_service(app.into_service());
    (Browser::new(Proxy::Simulated { server, strips }), forge)
}

fn server(forge: &forge::Running) -> toolgate::Server {
    toolgate::Server::new("tools", "1")
        .provider(client_at(forge.url()))
        .broker::<Forge>(|broker| broker.user("/user", "login"))
        .gate(Gate::for_broker().resource("https://corp.example/tools/mcp").rate_limit_per_ip(100))
        .tools(tools![list_issues])
        .store(MemoryStore::new())
        .trusted_proxies(["127.0.0.1"])
}

fn call() -> String {
    call_message("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 1 }))
        .to_string()
}

#[tokio::test]
async fn a_whole_sign_in_works_below_a_path() {
    for strips in [true, false] {
        let (mut browser, _forge) = start(strips).await;
        walk(&mut browser).await;
    }
}

/// nginx itself, with TLS. `.ci/proxies` says where it is.
#[tokio::test]
async fn a_whole_sign_in_works_behind_nginx() {
    let Some(nginx) = std::env::var_os("NGINX_PROGRAM") else { return };
    for strips in [true, false] {
        behind(async |backend| FrontProxy::nginx(&nginx, backend, strips).await).await;
    }
}

/// Caddy itself, with TLS. `.ci/proxies` says where it is.
#[tokio::test]
async fn a_whole_sign_in_works_behind_caddy() {
    let Some(caddy) = std::env::var_os("CADDY_PROGRAM") else { return };
    behind(async |backend| FrontProxy::caddy(&caddy, backend).await).await;
}

/// A sign-in and a call behind a proxy, and limits that count its clients one by one.
async fn behind(start: impl AsyncFnOnce(SocketAddr) -> FrontProxy) {
    let callback = format!("{ORIGIN}/tools/callback/forge");
    let forge = forge::start(Config::default().redirect(callback)).await.unwrap();
    let app = server(&forge).build().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = listener.local_addr().unwrap();
    let service = Router::new().fallback_service(app.into_service());
    integration::host::serve_at(listener, service);
    let proxy = start(backend).await;
    walk(&mut Browser::new(Proxy::Program(proxy.client("127.0.0.1")))).await;

    // Clients are counted one by one, whatever they claim.
    let status = async |client: &reqwest::Client, claim: &str| {
        let request = client.post(format!("{ORIGIN}/tools/mcp"));
        let request = request.header("x-forwarded-for", claim).header("forwarded", "");
        request.send().await.unwrap().status().as_u16()
    };
    let (one, other) = (proxy.client("127.0.0.5"), proxy.client("127.0.0.6"));
    let mut last = 0;
    for n in 0..200 {
        last = status(&one, &format!("203.0.113.{n}")).await;
        if last == 429 {
            break;
        }
        assert_eq!(last, 401);
    }
    assert_eq!(last, 429);
    assert_eq!(status(&other, "203.0.113.1").await, 401);
}

async fn walk(browser: &mut Browser) {
    {
        let headers = |token: &str| {
            [
                ("accept", "application/json".to_owned()),
                ("content-type", "application/json".to_owned()),
                ("mcp-protocol-version", "2026-07-28".to_owned()),
                ("mcp-method", "tools/call".to_owned()),
                ("mcp-name", "list_issues".to_owned()),
                ("authorization", format!("Bearer {token}")),
            ]
        };
        // From the challenge to the metadata.
        let refused = browser.send(Method::POST, "/tools/mcp", &[], "").await;
        assert_eq!(refused.status, 401, "{}", refused.body);
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        let document = "https://corp.example/.well-known/oauth-protected-resource/tools/mcp";
        assert!(challenge.contains(document), "{challenge}");
        let metadata = browser.get(document).await.json();
        assert_eq!(metadata["resource"], "https://corp.example/tools/mcp");
        assert_eq!(metadata["authorization_servers"], json!(["https://corp.example/tools"]));
        let mut server = Value::Null;
        for place in ["", "/"] {
            let place = format!("/.well-known/oauth-authorization-server/tools{place}");
            server = browser.get(&place).await.json();
            assert_eq!(server["issuer"], "https://corp.example/tools", "{place}");
        }
        let endpoint = |name: &str| server[name].as_str().unwrap().to_owned();
        assert_eq!(endpoint("token_endpoint"), "https://corp.example/tools/oauth/token");

        // Registration, consent, sign-in.
        let client = json!({
            "client_name": "host",
            "redirect_uris": ["http://127.0.0.1:7777/back"],
            "token_endpoint_auth_method": "none",
        });
        let json_type = [("content-type", "application/json")];
        let registration = endpoint("registration_endpoint");
        let registered =
            browser.send(Method::POST, &registration, &json_type, &client.to_string()).await;
        let client_id = registered.json()["client_id"].as_str().unwrap().to_owned();
        let verifier = "v".repeat(43);
        let mut authorize = Url::parse(&endpoint("authorization_endpoint")).unwrap();
        authorize.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &client_id),
            ("redirect_uri", "http://127.0.0.1:7777/back"),
            ("state", "s"),
            ("code_challenge", &s256(&verifier)),
            ("code_challenge_method", "S256"),
            ("resource", "https://corp.example/tools/mcp"),
        ]);
        let consent = browser.get(authorize.as_str()).await;
        assert_eq!(consent.status, 200, "{}", consent.body);
        browser.check_links(&consent).await;
        let action = consent.all(" action").remove(0);
        let (request, csrf) = (consent.hidden("request"), consent.hidden("csrf"));
        let form = [("request", &*request), ("csrf", &*csrf), ("decision", "allow")];
        let allowed = browser.post(&action, &form).await;
        assert_eq!(allowed.status, 303, "{}", allowed.body);
        let back = browser.sign_in_at_forge(allowed.location()).await;
        assert_eq!(back.path(), "/tools/callback/forge");
        let done = browser.get(back.as_str()).await;
        assert_eq!(done.status, 303, "{}", done.body);
        let answer = done.location();
        assert_eq!(answer.host_str(), Some("127.0.0.1"), "{answer}");
        let code = answer.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();

        // The token, and a call.
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", "http://127.0.0.1:7777/back"),
            ("client_id", &*client_id),
            ("code_verifier", &*verifier),
        ];
        let tokens = browser.post(&endpoint("token_endpoint"), &form).await;
        let token = tokens.json()["access_token"].as_str().unwrap().to_owned();
        let headers = headers(&token);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for path in ["/tools/mcp", "/tools/mcp/"] {
            let called = browser.send(Method::POST, path, &headers, &call()).await;
            assert_eq!(called.status, 200, "{}", called.body);
            assert_eq!(called.json()["result"]["isError"], false, "{}", called.body);
        }

        // The page of accounts, and a form of it.
        let accounts = browser.get("/tools/accounts").await;
        assert_eq!(accounts.status, 200, "{:?} {}", accounts.headers, accounts.body);
        browser.check_links(&accounts).await;
        assert!(
            accounts.all(" action").contains(&"/tools/accounts".to_owned()),
            "{}",
            accounts.body
        );
        let csrf = accounts.hidden("csrf");
        let gone = browser.post("/tools/accounts", &[("provider", "forge"), ("csrf", &csrf)]).await;
        assert_eq!(gone.status, 200, "{}", gone.body);
        assert!(gone.body.contains("is disconnected"), "{}", gone.body);
        browser.check_links(&gone).await;
        let landing = browser.get("/tools/").await;
        assert_eq!(landing.status, 200, "{}", landing.body);
        assert!(landing.body.contains("https://corp.example/tools/mcp"), "{}", landing.body);
        browser.check_links(&landing).await;
    }
}

/// Redirects within the server stay below the path as well.
#[tokio::test]
async fn who_is_not_signed_in_comes_back_below_the_path() {
    for strips in [true, false] {
        let (mut browser, _forge) = start(strips).await;
        let away = browser.get("/tools/accounts").await;
        assert_eq!(away.status, 303, "{}", away.body);
        let authorize = away.location();
        assert_eq!(authorize.path(), "/tools/oauth/authorize");
        let asked = browser.get(authorize.as_str()).await;
        let next = if asked.status == 303 {
            asked.location()
        } else {
            let action = asked.all(" action").remove(0);
            let (request, csrf) = (asked.hidden("request"), asked.hidden("csrf"));
            let form = [("request", &*request), ("csrf", &*csrf), ("decision", "allow")];
            browser.post(&action, &form).await.location()
        };
        let back = browser.sign_in_at_forge(next).await;
        let signed_in = browser.get(back.as_str()).await.location();
        assert_eq!(signed_in.path(), "/tools/signed-in");
        let accounts = browser.get(signed_in.as_str()).await.location();
        assert_eq!(accounts.path(), "/tools/accounts");
        assert_eq!(browser.get(accounts.as_str()).await.status, 200);
    }
}

#[tokio::test]
async fn a_public_url_must_be_https_or_of_this_machine() {
    for (url, expected) in [
        ("http://tools.example", "is not https"),
        ("https://tools.example?x", "query or a fragment"),
        ("https://tools.example/#x", "query or a fragment"),
    ] {
        let server = toolgate::Server::new("tools", "1")
            .provider(client_at("http://127.0.0.1:1"))
            .tools(tools![list_issues])
            .store(MemoryStore::new())
            .public_url(url);
        let error = server.build().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{url}: {error}");
    }
}
