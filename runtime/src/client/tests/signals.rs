//! What a provider's dialect says of responses: dead tokens, missing scopes, limits.

use super::*;

/// A chat whose errors come with status 200.
#[provider(
    api = "https://chat.example/api",
    authorize = "https://chat.example/authorize",
    token = "https://chat.example/token",
    api_headers("Accept" = "application/vnd.chat+json", "X-Version" = "2026-11-01"),
    rate_limited(status = 400, pointer = "/errors/0/code", values("RATELIMITED")),
    insufficient_scope(pointer = "/error", values("missing_scope"), needed = "/needed"),
    invalid_token(pointer = "/error", values("token_expired", "190")),
    api_error(pointer = "/ok", values("false"))
)]
enum Chat {
    /// Reads.
    #[scope("chat:read", access = read, also = "read:chat")]
    Read,
}

/// A disk that answers 401 where a scope is missing.
#[provider(
    api = "https://disk.example/api",
    authorize = "https://disk.example/authorize",
    token = "https://disk.example/token",
    scope_prefix = "https://disk.example/",
    insufficient_scope(
        status = 401,
        pointer = "/error/.tag",
        values("missing_scope"),
        needed = "/error/required"
    ),
    invalid_token(status = 403, header = "X-Reason", values("expired"))
)]
enum Disk {
    /// Reads.
    #[scope("files", access = read)]
    Read,
}

fn chat(status: u16, headers: &'static [(&str, &str)], body: &'static str) -> AuthedClient<Chat> {
    AuthedClient::testing_with(move |_| reply(status, headers, body))
}

fn reply(status: u16, headers: &[(&str, &str)], body: &'static str) -> http::Response<Bytes> {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json; charset=utf-8")];

async fn kind(client: AuthedClient<Chat>) -> ErrorKind {
    client.get("/x").send().await.unwrap_err().kind().clone()
}

#[tokio::test]
async fn a_success_that_says_that_the_token_is_dead_is_a_401() {
    for body in [r#"{"ok":false,"error":"token_expired"}"#, r#"{"error":190}"#] {
        let expired = ErrorKind::GrantExpired { provider: "Chat" };
        assert_eq!(kind(chat(200, JSON, body)).await, expired, "{body}");
    }
    // A file is read as it is, whatever it says.
    let file = chat(200, &[("content-type", "text/plain")], r#"{"error":"token_expired"}"#);
    assert!(file.get("/x").send().await.unwrap().text().await.unwrap().contains("expired"));
}

#[tokio::test]
async fn a_success_that_lacks_a_scope_says_which() {
    let missing = |scopes: &[&str]| ErrorKind::ScopeMissing {
        provider: "Chat",
        scopes: scopes.iter().map(ToString::to_string).collect(),
    };
    let body =
        r#"{"ok":false,"error":"missing_scope","needed":"read:chat,chat:write","provided":"a"}"#;
    assert_eq!(kind(chat(200, JSON, body)).await, missing(&["chat:read", "chat:write"]));
    let body = r#"{"ok":false,"error":"missing_scope","needed":["a"]}"#;
    assert_eq!(kind(chat(200, JSON, body)).await, missing(&["a"]));
    let body = r#"{"ok":false,"error":"missing_scope"}"#;
    assert_eq!(kind(chat(200, JSON, body)).await, missing(&[]));
}

#[tokio::test]
async fn another_error_in_a_success_is_a_refusal() {
    let client = chat(200, JSON, r#"{"ok":false,"error":"channel_not_found"}"#);
    let error = client.get("/x").send().await.unwrap_err();
    let ErrorKind::UpstreamRefused { status, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(*status, 400);
    assert!(error.message().contains("channel_not_found"), "{error}");
}

#[tokio::test]
async fn a_good_response_comes_whole() {
    let body = r#"{"ok":true,"error":null,"text":"hello"}"#;
    let response = chat(200, JSON, body).get("/x").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), body);
    let large: &str =
        format!(r#"{{"error":"token_expired","text":"{}"}}"#, "x".repeat(200_000)).leak();
    let response = chat(200, JSON, large).get("/x").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), large, "errors are short");
}

#[tokio::test]
async fn a_limit_in_a_400_is_a_429_with_its_end() {
    let headers = &[
        ("content-type", "application/json"),
        ("x-ratelimit-requests-remaining", "0"),
        ("x-ratelimit-reset-after", "7.5"),
    ];
    let limited = kind(chat(400, headers, r#"{"errors":[{"code":"RATELIMITED"}]}"#)).await;
    let retry_after = Some(Duration::from_millis(7500));
    assert_eq!(limited, ErrorKind::UpstreamRefused { provider: "Chat", status: 429, retry_after });
}

#[tokio::test]
async fn a_401_that_lacks_a_scope_keeps_the_grant() {
    let disk = AuthedClient::<Disk>::testing_with(|_| {
        let body = r#"{"error":{".tag":"missing_scope","required":"https://disk.example/files"}}"#;
        reply(401, JSON, body)
    });
    let error = disk.get("/x").send().await.unwrap_err();
    let scopes = vec!["files".to_owned()];
    assert_eq!(*error.kind(), ErrorKind::ScopeMissing { provider: "Disk", scopes });

    let disk = AuthedClient::<Disk>::testing_with(|_| reply(403, &[("x-reason", "expired")], ""));
    let error = disk.get("/x").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::GrantExpired { provider: "Disk" });
}

#[tokio::test]
async fn requests_have_the_headers_that_the_api_wants() {
    let client = AuthedClient::<Chat>::testing_with(|request| {
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        http::Response::new(format!("{} {}", header("accept"), header("x-version")).into())
    });
    let get = async |request: RequestBuilder| request.send().await.unwrap().text().await.unwrap();
    assert_eq!(get(client.get("/x")).await, "application/vnd.chat+json 2026-11-01");
    let own = client.get("/x").header("x-version", "2027-01-01");
    assert_eq!(get(own).await, "application/vnd.chat+json 2027-01-01");
}
