//! Servers behind proxies: whose requests are counted together, and who is believed about it.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, StatusCode};
use integration::{
    client::call_message,
    host::client_at,
    tools::{Forge, list_issues},
};
use serde_json::{Value, json};
use toolgate::{
    gate::{ForwardedRequest, Gate, PeerAddress},
    grant::MemoryStore,
    prelude::*,
    testing::{Issuer, RESOURCE},
    tools,
};
use tower::ServiceExt;

/// Shows whom the request came from.
#[tool]
async fn origin(context: Context) -> Json<Value> {
    let parts =
        context.request().and_then(|request| request.extensions.get::<http::request::Parts>());
    let extensions = parts.map(|parts| &parts.extensions);
    let address =
        extensions.and_then(|all| all.get::<PeerAddress>().map(|peer| peer.0.to_string()));
    let request = extensions.and_then(|all| all.get::<ForwardedRequest>());
    Json(json!({
        "address": address,
        "proto": request.and_then(|request| request.proto.clone()),
        "host": request.and_then(|request| request.host.clone()),
        "prefix": request.and_then(|request| request.prefix.clone()),
    }))
}

/// Sends a request as the peer `peer`, by the service of a listener or by a router.
async fn send(
    router: &Router,
    peer: &str,
    request: http::request::Builder,
    body: &str,
) -> (StatusCode, Value) {
    let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn behind(proxies: &[&str], limit: u32) -> (Router, Router, String) {
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).rate_limit_per_ip(limit);
    let server = toolgate::server!().gate(gate).tools(tools![origin]);
    let app = server.trusted_proxies(proxies.iter().copied()).build().await.unwrap();
    let token = format!("Bearer {}", issuer.token("alice"));
    let router = app.into_router();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).rate_limit_per_ip(limit);
    let server = toolgate::server!().gate(gate).tools(tools![origin]);
    let app = server.trusted_proxies(proxies.iter().copied()).build().await.unwrap();
    let service = Router::new().fallback_service(app.into_service());
    (router, service, token)
}

fn call(token: &str, headers: &[(&str, &str)]) -> (http::request::Builder, String) {
    let body = call_message("origin", json!({}));
    let mut request = Request::post("/mcp")
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "origin")
        .header("authorization", token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    (request, body.to_string())
}

#[tokio::test]
async fn clients_of_a_trusted_proxy_are_counted_one_by_one() {
    let (router, service, token) = behind(&["10.0.0.0/8", "fd00::/8"], 1).await;
    for server in [router, service] {
        let status = async |peer: &str, headers: &[(&str, &str)]| {
            let (request, body) = call(&token, headers);
            send(&server, peer, request, &body).await.0.as_u16()
        };
        let xff = |value| [("x-forwarded-for", value)];
        assert_eq!(status("10.0.0.1", &xff("203.0.113.1")).await, 200);
        assert_eq!(status("10.0.0.2", &xff("203.0.113.1")).await, 429, "by another proxy");
        assert_eq!(status("10.0.0.1", &xff("203.0.113.2")).await, 200);
        assert_eq!(
            status("10.0.0.1", &xff("198.51.100.1, 203.0.113.2")).await,
            429,
            "its own claim"
        );
        assert_eq!(status("10.0.0.1", &xff("203.0.113.3, 10.9.9.9")).await, 200, "two proxies");
        let forwarded = [("forwarded", "for=\"[2001:db8:1::7]:99\";proto=https")];
        assert_eq!(status("[fd00::1]", &forwarded).await, 200);
        let network = [("forwarded", "for=\"[2001:db8:1::8]\"")];
        assert_eq!(status("10.0.0.1", &network).await, 429, "one network is one client");
        // Hidden clients are counted as their proxy.
        assert_eq!(status("10.0.0.5", &[("forwarded", "for=_a")]).await, 200);
        assert_eq!(status("10.0.0.5", &[("forwarded", "for=_b")]).await, 429);
        // Others are not believed.
        assert_eq!(status("192.0.2.7", &xff("203.0.113.71")).await, 200);
        assert_eq!(status("192.0.2.7", &xff("203.0.113.72")).await, 429);
        assert_eq!(status("192.0.2.7", &[("forwarded", "for=203.0.113.73")]).await, 429);
    }
}

#[tokio::test]
async fn without_a_trusted_proxy_no_header_is_believed() {
    let (router, service, token) = behind(&[], 1).await;
    for server in [router, service] {
        let status = async |client: &str| {
            let (request, body) = call(&token, &[("x-forwarded-for", client)]);
            send(&server, "10.0.0.1", request, &body).await.0.as_u16()
        };
        assert_eq!(status("203.0.113.1").await, 200);
        assert_eq!(status("203.0.113.2").await, 429);
    }
}

#[tokio::test]
async fn a_tool_sees_what_the_proxy_said() {
    let (router, service, token) = behind(&["127.0.0.1"], 100).await;
    for server in [router, service] {
        let seen = async |peer: &str| {
            let headers = [
                ("x-forwarded-for", "203.0.113.1"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "corp.example"),
                ("x-forwarded-prefix", "/tools"),
            ];
            let (request, body) = call(&token, &headers);
            send(&server, peer, request, &body).await.1["result"]["structuredContent"]["result"]
                .clone()
        };
        let expected = json!({
            "address": "203.0.113.1", "proto": "https", "host": "corp.example", "prefix": "/tools",
        });
        assert_eq!(seen("127.0.0.1").await, expected);
        let nothing = json!({ "address": null, "proto": null, "host": null, "prefix": null });
        assert_eq!(seen("127.0.0.2").await, nothing);
    }
}

/// One stranger behind the proxy does not keep everyone else from signing in.
#[tokio::test]
async fn the_broker_counts_the_clients_of_a_proxy_one_by_one() {
    for (proxies, others) in [(&["10.0.0.1"][..], 400), (&[], 429)] {
        let app = toolgate::server!()
            .provider(client_at("http://127.0.0.1:1"))
            .broker::<Forge>(|broker| broker.user("/user", "login"))
            .gate(Gate::for_broker().resource("https://tools.example/mcp"))
            .tools(tools![list_issues])
            .store(MemoryStore::new())
            .trusted_proxies(proxies.iter().copied())
            .build()
            .await
            .unwrap();
        let service = Router::new().fallback_service(app.into_service());
        let authorize = async |client: &str| {
            let request = Request::get("/oauth/authorize").header("x-forwarded-for", client);
            send(&service, "10.0.0.1", request, "").await.0.as_u16()
        };
        let mut last = 0;
        for _ in 0..1000 {
            last = authorize("203.0.113.1").await;
            if last == 429 {
                break;
            }
        }
        assert_eq!(last, 429, "one client has a limit");
        assert_eq!(authorize("198.51.100.2").await, others, "{proxies:?}");
    }
}

#[tokio::test]
async fn a_range_that_is_none_stops_the_start() {
    let server = toolgate::server!().tools(tools![origin]).trusted_proxies(["10.0.0.0/33", "here"]);
    let error = server.build().await.unwrap_err().to_string();
    assert!(error.contains("10.0.0.0/33") && error.contains("`here`"), "{error}");
}

#[tokio::test]
async fn a_server_without_a_gate_refuses_what_a_proxy_passed_on() {
    let app = toolgate::server!().tools(tools![origin]).trusted_proxies(["127.0.0.1"]);
    let app = app.build().await.unwrap();
    let service = Router::new().fallback_service(app.into_service());
    for (header, status) in [
        ("x-unknown", 200),
        ("x-real-ip", 403),
        ("via", 403),
        ("x-forwarded-host", 403),
        ("x-forwarded-proto", 403),
        ("x-forwarded-for", 403),
        ("forwarded", 403),
        ("cf-connecting-ip", 403),
    ] {
        let (request, body) = call("", &[("host", "127.0.0.1:8765"), (header, "127.0.0.1")]);
        let (found, answer) = send(&service, "127.0.0.1", request, &body).await;
        assert_eq!(found.as_u16(), status, "{header}: {answer}");
    }
}
