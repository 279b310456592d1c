//! The page for people: who gets it, what it shows to strangers, and what every page shows.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use integration::{acme::Acme, host::client_at};
use rmcp::ServerHandler as _;
use serde_json::json;
use toolgate::{
    client::http::HeaderMap as BrowserHeaders,
    gate::{AuthError, BrowserIdentity, Claims, Gate, async_trait},
    grant::MemoryStore,
    prelude::*,
    testing::{Client, Issuer, RESOURCE},
};
use tower::ServiceExt;

/// What Chromium sends when its user opens an address.
const NAVIGATION: [(&str, &str); 3] = [
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
];

/// Says whose orders these are.
#[tool(title = "Orders", scopes = "orders:read")]
async fn list_orders(caller: Caller<Acme>) -> String {
    caller.subject().to_owned()
}

/// Tells <b>the time</b>.
///
/// Only models read this.
#[tool]
async fn time_of_day() -> &'static str {
    "late"
}

/// Lists what is connected.
#[tool(scopes = "repo:read")]
async fn list_repositories(forge: AuthedClient<integration::tools::Forge>) -> Result<()> {
    forge.get(path!("/user/repos")).send().await.map(drop)
}

/// The application's own sessions: a cookie that says who it is.
struct Cookie;

#[async_trait]
impl BrowserIdentity for Cookie {
    async fn person(&self, headers: &BrowserHeaders) -> Result<Option<Claims>, AuthError> {
        match headers.get("cookie").and_then(|cookie| cookie.to_str().ok()) {
            Some("person=alice") => Ok(Some(Claims::new("https://login.example", "alice"))),
            Some("person=down") => Err(AuthError::Invalid),
            _ => Ok(None),
        }
    }

    fn sign_in(&self, path: &str) -> String {
        format!("/login?next={path}")
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn is_page(&self) -> bool {
        self.header("content-type") == "text/html; charset=utf-8"
    }
}

fn server() -> toolgate::Server {
    toolgate::Server::new("acme-tools", "3.2.1")
        .title("Acme <Tools>")
        .description("For Acme's \"customers\" & friends.")
        .instructions("Call time_of_day first.")
        .store(MemoryStore::new())
}

fn gated(configure: impl FnOnce(Gate) -> Gate) -> toolgate::Server {
    let gate = Gate::new(Issuer::new().verifier()).resource(RESOURCE).browser(Cookie);
    server().provider(client_at("http://127.0.0.1:1")).gate(configure(gate)).tools(tools![
        list_orders,
        time_of_day,
        list_repositories
    ])
}

/// Sends a request to a server that answers all paths of its listener.
async fn send(
    server: toolgate::Server,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
) -> Answer {
    let service = server.build().await.unwrap().into_service();
    answer(service.oneshot(request((method, path), headers)).await.unwrap()).await
}

async fn open(server: toolgate::Server, path: &str, more: &[(&str, &str)]) -> Answer {
    send(server, (Method::GET, path), &[&NAVIGATION, more].concat()).await
}

fn request((method, path): (Method, &str), headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let host = RESOURCE.split('/').nth(2).unwrap();
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", host);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 5000))));
    request
}

async fn answer(response: axum::response::Response) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn assert_hardened(page: &Answer) {
    let policy = page.header("content-security-policy");
    for directive in
        ["default-src 'none'", "style-src 'self'", "form-action 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    for never in ["<script", "onclick", "style=", "<b>the time", "<Tools>"] {
        assert!(!page.body.contains(never), "{never} is in {}", page.body);
    }
}

#[tokio::test]
async fn a_stranger_sees_the_server_and_nothing_that_needs_a_token() {
    for path in ["/", "/mcp"] {
        for cookie in ["", "person=bob", "person=down"] {
            let page = open(gated(|gate| gate), path, &[("cookie", cookie)]).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.is_page());
            assert_hardened(&page);
            assert_eq!(page.header("cache-control"), "no-store");
            for shown in [
                "Acme &lt;Tools&gt;",
                "For Acme's &quot;customers&quot; &amp; friends.",
                RESOURCE,
                "claude mcp add --transport http acme-tools",
                "href=\"/accounts\"",
                "3.2.1",
            ] {
                assert!(page.body.contains(shown), "{path}: {shown} is not in {}", page.body);
            }
            for hidden in
                ["list_orders", "orders:read", "time_of_day", "the time", "Forge", "repo:read"]
            {
                assert!(!page.body.contains(hidden), "{path}: {hidden} is in {}", page.body);
            }
        }
    }
}

#[tokio::test]
async fn a_person_who_is_signed_in_sees_the_tools_and_what_each_needs() {
    let alice = [("cookie", "person=alice")];
    let page = open(gated(|gate| gate), "/", &alice).await;
    assert_hardened(&page);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("vary").contains("cookie"), "{}", page.header("vary"));
    for shown in [
        "Call time_of_day first.",
        "Orders <code>list_orders</code>",
        "Needs a sign-in with <code>orders:read</code>.",
        "Tells &lt;b&gt;the time&lt;/b&gt;.",
        "Needs your Forge account with <code>repo:read</code>.",
        "only reads",
    ] {
        assert!(page.body.contains(shown), "{shown} is not in {}", page.body);
    }
    assert!(!page.body.contains("Only models read this"), "the first paragraph is for people");

    // Which scopes the person would grant a client is not known.
    let page = open(gated(|gate| gate.hide_unauthorized_tools(true)), "/", &alice).await;
    assert!(
        page.body.contains("time_of_day") && !page.body.contains("list_orders"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Tools that need more scopes"), "{}", page.body);
}

#[tokio::test]
async fn where_strangers_may_list_the_page_lists_the_same() {
    let page = open(gated(|gate| gate.allow_anonymous(true)), "/", &[]).await;
    assert_hardened(&page);
    assert!(page.body.contains("list_orders") && page.body.contains("Call time_of_day first."));
    assert_eq!(page.header("cache-control"), "no-cache");
    let tag = page.header("etag").to_owned();
    let same = [("if-none-match", tag.as_str())];
    let again = open(gated(|gate| gate.allow_anonymous(true)), "/", &same).await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    // A cache that passes over `Vary` would answer hosts with it.
    let at_endpoint = open(gated(|gate| gate.allow_anonymous(true)), "/mcp", &same).await;
    assert_eq!(at_endpoint.status, StatusCode::OK);
    assert_eq!(at_endpoint.header("cache-control"), "no-store");
    assert_eq!(at_endpoint.header("etag"), "");

    let hiding = || gated(|gate| gate.allow_anonymous(true).hide_unauthorized_tools(true));
    let page = open(hiding(), "/", &[]).await;
    let listed = Client::of(hiding()).await.unwrap().tools().await;
    assert_eq!(listed, ["time_of_day"]);
    for (tool, shown) in
        [("time_of_day", true), ("list_orders", false), ("list_repositories", false)]
    {
        assert_eq!(page.body.contains(&format!("<code>{tool}</code>")), shown, "{tool}");
    }
}

#[tokio::test]
async fn a_client_of_the_protocol_is_answered_as_if_there_were_no_page() {
    let cases: &[(Method, &[(&str, &str)])] = &[
        (Method::GET, &[("accept", "text/event-stream")]),
        (Method::GET, &[("accept", "application/json, text/event-stream")]),
        (Method::GET, &[("accept", "text/html, text/event-stream;q=0.1")]),
        (Method::GET, &[("accept", "*/*")]),
        (Method::GET, &[]),
        (Method::HEAD, &[("accept", "*/*")]),
        (Method::GET, &[("accept", "text/html"), ("authorization", "Bearer x")]),
        (Method::GET, &[("accept", "text/html"), ("mcp-session-id", "x")]),
        (Method::GET, &[("accept", "text/html"), ("mcp-protocol-version", "2025-11-25")]),
        (Method::GET, &[("accept", "text/html"), ("last-event-id", "1")]),
        (Method::GET, &[("accept", "text/html"), ("sec-fetch-dest", "empty")]),
        (Method::POST, &[("accept", "text/html"), ("sec-fetch-dest", "document")]),
        (Method::DELETE, &[("accept", "text/html"), ("sec-fetch-dest", "document")]),
        (Method::OPTIONS, &[("accept", "text/html"), ("sec-fetch-dest", "document")]),
    ];
    for path in ["/mcp", "/mcp/"] {
        for (method, headers) in cases {
            for has_gate in [true, false] {
                let server = |page| {
                    let server = if has_gate { gated(|gate| gate) } else { local() };
                    server.landing_page(page)
                };
                let headers = if has_gate {
                    headers.to_vec()
                } else {
                    [*headers, &[("host", "127.0.0.1:8765")]].concat()
                };
                let with = send(server(true), (method.clone(), path), &headers).await;
                let without = send(server(false), (method.clone(), path), &headers).await;
                let name = format!("{method} {path} {headers:?}, gate: {has_gate}");
                assert_eq!(with.status, without.status, "{name}");
                assert_eq!(with.header("www-authenticate"), without.header("www-authenticate"));
                assert_eq!(with.body, without.body, "{name}");
                assert!(!with.is_page(), "{name}");
            }
        }
    }
    let in_query = open(gated(|gate| gate), "/mcp?access_token=x", &[]).await;
    assert!(!in_query.is_page());
}

fn local() -> toolgate::Server {
    server().tools(tools![time_of_day])
}

#[tokio::test]
async fn without_a_gate_this_machine_sees_everything_under_the_name_it_used() {
    for (host, shown) in [
        ("127.0.0.1:8765", "http://127.0.0.1:8765/mcp"),
        ("localhost:9000", "http://localhost:9000/mcp"),
        ("[::1]:9000", "http://[::1]:9000/mcp"),
    ] {
        for path in ["/", "/mcp"] {
            let page = open(local(), path, &[("host", host)]).await;
            assert!(
                page.body.contains(&format!("<code class=\"copy\">{shown}</code>")),
                "{}",
                page.body
            );
            assert!(page.body.contains("time_of_day") && page.body.contains("Needs no account."));
            assert!(page.body.contains("on this computer only"), "{}", page.body);
        }
    }
    // A name that resolves to this machine (DNS rebinding), and another machine.
    let rebound = open(local(), "/", &[("host", "evil.example")]).await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    let service = local().build().await.unwrap().into_service();
    let mut other = request((Method::GET, "/"), &NAVIGATION);
    other.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 5000))));
    let refused = answer(service.oneshot(other).await.unwrap()).await;
    assert!(!refused.is_page() && !refused.body.contains("time_of_day"), "{}", refused.body);
}

#[tokio::test]
async fn its_addresses_are_those_that_the_public_knows() {
    let resource = "https://corp.example/tools/mcp";
    let gate = || Gate::new(Issuer::new().verifier()).resource(resource).browser(Cookie);
    let server = || {
        server()
            .provider(client_at("http://127.0.0.1:1"))
            .gate(gate())
            .tools(tools![list_repositories])
    };
    let page = open(server(), "/mcp", &[("host", "10.0.0.7:8080")]).await;
    for shown in [
        "<code class=\"copy\">https://corp.example/tools/mcp</code>",
        "claude mcp add --transport http acme-tools https://corp.example/tools/mcp",
        "codex mcp add acme-tools --url https://corp.example/tools/mcp",
        "Settings → Connectors",
        "href=\"/tools/connect.css\"",
        "href=\"/tools/accounts\"",
        "vscode:mcp/install?%7B",
        "cursor://anysphere.cursor-deeplink/mcp/install?name=acme-tools&amp;config=",
    ] {
        assert!(page.body.contains(shown), "{shown} is not in {}", page.body);
    }
    assert!(!page.body.contains("10.0.0.7"), "{}", page.body);
    // A proxy may strip the path, or not.
    for path in ["/", "/tools", "/tools/", "/tools/mcp"] {
        let page = open(server(), path, &[("host", "10.0.0.7:8080")]).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("https://corp.example/tools/mcp"), "{path}: {}", page.body);
        assert!(page.body.contains("href=\"/tools/connect.css\""), "{path}: {}", page.body);
        assert!(page.body.contains("href=\"/tools/accounts\""), "{path}: {}", page.body);
    }
    // What a client claims of a proxy changes nothing.
    let claims = [("x-forwarded-host", "evil.example"), ("x-forwarded-prefix", "/evil")];
    let page = open(server(), "/", &claims).await;
    assert!(!page.body.contains("evil"), "{}", page.body);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    for path in ["/", "/mcp"] {
        let page = open(gated(|gate| gate), path, &[]).await;
        let head = send(gated(|gate| gate), (Method::HEAD, path), &NAVIGATION).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
        for name in ["content-type", "content-security-policy", "cache-control", "vary"] {
            assert_eq!(head.header(name), page.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn the_page_can_be_left_out_and_an_application_keeps_its_root() {
    let page = open(gated(|gate| gate).landing_page(false), "/", &[]).await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::NOT_FOUND, ""));
    let refused = open(gated(|gate| gate).landing_page(false), "/mcp", &[]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);

    let app = gated(|gate| gate).build().await.unwrap();
    let router =
        Router::new().route("/", get(async || "of the application")).merge(app.into_router());
    let root = router.clone().oneshot(request((Method::GET, "/"), &NAVIGATION)).await.unwrap();
    assert_eq!(answer(root).await.body, "of the application");
    let page = router.oneshot(request((Method::GET, "/mcp"), &NAVIGATION)).await.unwrap();
    assert!(answer(page).await.is_page());
}

#[tokio::test]
async fn every_page_shows_the_name_and_the_icon_and_hosts_get_them_too() {
    let icon = "https://cdn.acme.example/icon.png";
    let server = || gated(|gate| gate).icon(icon).website_url("https://acme.example");
    for path in ["/", "/mcp", "/connect/unknown", "/callback/forge?state=x", "/accounts"] {
        let cookie = [("cookie", "person=alice")];
        let page = open(server(), path, &cookie).await;
        assert!(page.is_page(), "{path}: {}", page.status);
        assert!(page.body.contains("· Acme &lt;Tools&gt;</title>"), "{path}: {}", page.body);
        assert!(
            page.body.contains(&format!("<img src=\"{icon}\" alt=\"\"")),
            "{path}: {}",
            page.body
        );
        let policy = page.header("content-security-policy");
        assert!(policy.contains("img-src https://cdn.acme.example;"), "{policy}");
        let plain = open(gated(|gate| gate), path, &cookie).await;
        let policy = plain.header("content-security-policy");
        assert!(policy.contains("img-src 'none';"), "{policy}");
        assert!(plain.body.contains("<span class=\"mark\" aria-hidden=\"true\">A</span>"));
    }
    let info = server().build().await.unwrap().handler().get_info().server_info;
    assert_eq!(info.title.as_deref(), Some("Acme <Tools>"));
    assert_eq!(info.website_url.as_deref(), Some("https://acme.example"));
    assert_eq!(json!(info.icons), json!([{ "src": icon }]));

    for icon in ["http://cdn.example/a.png", "data:text/html,x", "icon.png", "javascript:alert(1)"]
    {
        let fault = server().icon(icon).build().await.unwrap_err().to_string();
        assert!(fault.contains(icon), "{fault}");
    }
}
