//! A server that wants more of this command than a sign-in and a consent on the web.

use std::net::Ipv4Addr;

use axum::{
    Json, Router,
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::call;

/// Serves `router` on an address of this machine, and returns the URL with this host.
async fn serve(host: Ipv4Addr, router: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let base = format!("http://{host}:{}", listener.local_addr().unwrap().port());
    let router = router(&base);
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// The endpoint of a server whose tool answers with this error, or with this result.
async fn of_tool(answer: &Value) -> String {
    let answer = answer.clone();
    let endpoint = move |body: Bytes| {
        let answer = answer.clone();
        async move {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let mut response = json!({ "jsonrpc": "2.0", "id": request["id"] });
            if request["method"] == "initialize" {
                response["result"] = json!({ "protocolVersion": "2025-11-25" });
            } else {
                response.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
            }
            Json(response)
        }
    };
    let base = serve(Ipv4Addr::LOCALHOST, |_| Router::new().route("/mcp", post(endpoint))).await;
    format!("{base}/mcp")
}

fn consent(link: &str) -> Value {
    let elicitation = json!({ "mode": "url", "url": link });
    json!({ "error": { "code": -32042, "message": "m", "data": { "elicitations": [elicitation] } } })
}

#[tokio::test]
async fn a_link_that_is_no_page_is_not_opened() {
    for link in [
        "file:///etc/passwd",
        "smb://files.evil.example/share",
        "vscode://localhost/evil",
        "javascript:alert(1)",
        "ms-msdt:/id",
    ] {
        let url = of_tool(&consent(link)).await;
        let (code, said, error) = call(&url, &["a", "--wait", "1"]).await;
        assert_eq!((code, said.as_str()), (2, ""), "{link}: {error}");
        assert!(error.contains("no page of the web"), "{link}: {error}");
        assert!(!error.contains("needs your consent"), "{link} was opened: {error}");
    }
    let url = of_tool(&consent("https://tools.example/connect/x")).await;
    let (_, _, error) = call(&url, &["a", "--wait", "1"]).await;
    assert!(error.contains("needs your consent:\n  https://tools.example/connect/x"), "{error}");
}

/// Serves a server with these endpoints of its authorization server, and returns the URL of the MCP
/// endpoint.
async fn of_issuer(host: Ipv4Addr, endpoints: &Value) -> String {
    let endpoints = endpoints.clone();
    let base = serve(host, |base| {
        let document =
            json!({ "resource": format!("{base}/mcp"), "authorization_servers": [base] });
        let mut issuer = json!({ "issuer": base });
        issuer.as_object_mut().unwrap().extend(endpoints.as_object().unwrap().clone());
        let refused = (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]);
        Router::new()
            .route("/mcp", post(move || async move { refused }))
            .route("/.well-known/oauth-protected-resource/mcp", of_json(document))
            .route("/.well-known/oauth-authorization-server", of_json(issuer))
    });
    format!("{}/mcp", base.await)
}

fn of_json(document: Value) -> axum::routing::MethodRouter {
    get(move || async move { Json(document) })
}

#[tokio::test]
async fn a_sign_in_that_is_no_page_is_not_opened() {
    for link in ["vscode://localhost/evil", "file://localhost/etc/passwd", "http://evil.example/"] {
        let endpoints = json!({
            "authorization_endpoint": link,
            "token_endpoint": "https://evil.example/token",
        });
        let url = of_issuer(Ipv4Addr::LOCALHOST, &endpoints).await;
        let (code, _, error) = call(&url, &["a", "--client-id", "me", "--wait", "1"]).await;
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("authorization_endpoint is without https"), "{link}: {error}");
        assert!(!error.contains("Sign in:"), "{link} was opened: {error}");
    }
}

/// A server elsewhere gets nothing sent to what listens on this machine.
#[tokio::test]
async fn a_server_elsewhere_names_no_endpoint_of_this_machine() {
    let (asked, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let answer = move || {
        let asked = asked.clone();
        async move {
            asked.send(()).unwrap();
            Json(json!({ "client_id": "me" })).into_response() as Response
        }
    };
    let local = serve(Ipv4Addr::LOCALHOST, |_| Router::new().fallback(any(answer))).await;
    let endpoints = json!({
        "authorization_endpoint": "https://evil.example/authorize",
        "token_endpoint": "https://evil.example/token",
        "registration_endpoint": format!("{local}/containers/create"),
    });
    let url = of_issuer(Ipv4Addr::UNSPECIFIED, &endpoints).await;
    let (code, _, error) = call(&url, &["a", "--wait", "1"]).await;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("registration_endpoint is without https"), "{error}");
    assert!(requests.try_recv().is_err(), "it was asked");
}

#[tokio::test]
async fn people_without_a_password_are_of_this_machine() {
    let endpoints = json!({});
    let url = of_issuer(Ipv4Addr::UNSPECIFIED, &endpoints).await;
    let (code, _, error) = call(&url, &["a", "--as", "alice", "--consent"]).await;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("are those of a server on this machine"), "{error}");
}

#[tokio::test]
async fn no_result_commands_the_terminal() {
    let commands = "\u{1b}]0;title\u{7}\u{9b}2J\u{7f}\u{202e}";
    for answer in [
        json!({ "result": { "content": [{ "type": "text", "text": commands }] } }),
        json!({ "result": { "structuredContent": { "a": commands } } }),
        json!({ "error": { "code": commands, "message": commands } }),
    ] {
        for arguments in [&["a"][..], &["a", "--json"]] {
            let (_, said, error) = call(&of_tool(&answer).await, arguments).await;
            assert!(!said.is_empty(), "{answer}: {error}");
            let printed = said + &error;
            let is_command = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!printed.contains(is_command), "{answer}: {printed:?}");
        }
    }
    let (_, said, _) =
        call(&of_tool(&json!({ "result": { "a": commands } })).await, &["a", "--json"]).await;
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result["a"], commands, "it is the same JSON");
}
