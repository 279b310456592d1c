//! Attacks on the inspector: another page, another name, a proxy, another address.

use std::fmt::Write as _;

use integration::wire::Wire;
use reqwest::Method;
use serde_json::json;

use super::{Inspected, command, http, said};

/// A request with these headers; the status of the answer.
async fn status(page: &Inspected, line: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let address = page.origin.strip_prefix("http://").unwrap();
    let mut request = format!("{line} HTTP/1.1\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        let _ = write!(request, "host: {address}\r\n");
    }
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    let _ = write!(request, "content-length: {}\r\n\r\n{body}", body.len());
    let mut wire = Wire::with(address.parse().unwrap(), &request).await;
    wire.answer().await.status
}

#[tokio::test]
async fn the_link_becomes_a_cookie_that_no_script_reads() {
    let page = Inspected::start().await;
    let opened = http().get(&page.link).send().await.unwrap();
    let cookie = opened.headers()["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/inspector"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let document = page.request(Method::GET, "").send().await.unwrap();
    assert_eq!(document.status(), 200);
    assert_eq!(document.headers()["content-encoding"], "gzip");
    assert_eq!(document.headers()["x-content-type-options"], "nosniff");
    let policy = document.headers()["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    for name in ["inspector.js", "inspector.css", "bridge.js"] {
        assert_eq!(page.request(Method::GET, name).send().await.unwrap().status(), 200, "{name}");
    }
    assert_eq!(page.request(Method::GET, "hook.js").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    let page = Inspected::start().await;
    let (start, token) = page.link.split_once("token=").unwrap();
    for wrong in ["", "x", &token[1..], &format!("{token}0"), &"0".repeat(32)] {
        let opened = http().get(format!("{start}token={wrong}")).send().await.unwrap();
        assert_eq!(opened.status(), 401, "{wrong}");
        assert!(opened.headers().get("set-cookie").is_none());
    }
    let name = page.cookie.split('=').next().unwrap();
    let cookie = format!("{name}={}", "0".repeat(32));
    for path in ["", "inspector.js", "api/state", "api/events"] {
        for cookie in ["a=b", &cookie] {
            let request = http().get(page.url(path)).header("toolgate-inspector", "1");
            let answer = request.header("cookie", cookie).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path} with {cookie}");
        }
    }
}

#[tokio::test]
async fn another_page_of_the_same_browser_gets_nothing() {
    let page = Inspected::start().await;
    let cookie = ("cookie", &*page.cookie);
    let own = ("toolgate-inspector", "1");
    let get = "GET /inspector/api/state";
    assert_eq!(status(&page, get, &[cookie, own], "").await, 200);
    // What a form, an image or a link of another page sends.
    assert_eq!(status(&page, get, &[cookie], "").await, 403);
    assert_eq!(status(&page, get, &[cookie, ("toolgate-inspector", "0")], "").await, 403);
    for site in ["cross-site", "same-site", "none"] {
        let headers = [cookie, own, ("sec-fetch-site", site)];
        assert_eq!(status(&page, get, &headers, "").await, 403, "{site}");
    }
    for site in ["cross-site", "same-site"] {
        let headers = [cookie, ("sec-fetch-site", site)];
        assert_eq!(status(&page, "GET /inspector/", &headers, "").await, 403, "{site}");
    }
    let other_port = "http://127.0.0.1:1";
    let other_name = page.origin.replace("127.0.0.1", "localhost");
    for origin in ["https://evil.example", "null", other_port, &other_name] {
        let headers = [cookie, own, ("origin", origin), ("sec-fetch-site", "same-origin")];
        let act = r#"{"act":"sign_out","person":"alice"}"#;
        assert_eq!(status(&page, "POST /inspector/api/act", &headers, act).await, 403, "{origin}");
    }
    // A preflight is not answered with any permission.
    let headers = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    assert_eq!(status(&page, "OPTIONS /inspector/api/act", &headers, "").await, 403);
    assert!(page.state().await["people"][0]["token"].is_object(), "alice is still signed in");
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_gets_nothing() {
    let page = Inspected::start().await;
    let (cookie, own) = (("cookie", &*page.cookie), ("toolgate-inspector", "1"));
    let port = page.origin.rsplit(':').next().unwrap();
    for host in [
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        "127.0.0.1".to_owned(),
        "127.0.0.1:1".to_owned(),
        format!("user@127.0.0.1:{port}@evil.example"),
    ] {
        let headers = [cookie, own, ("host", &*host)];
        assert_eq!(status(&page, "GET /inspector/api/state", &headers, "").await, 403, "{host}");
        let token = page.link.split("token=").nth(1).unwrap();
        let link = format!("GET /inspector?token={token}");
        assert_eq!(status(&page, &link, &[("host", &*host)], "").await, 403, "{host}");
    }
    let local = format!("localhost:{port}");
    let headers = [cookie, own, ("host", &*local)];
    assert_eq!(status(&page, "GET /inspector/api/state", &headers, "").await, 200);
}

#[tokio::test]
async fn a_proxy_gets_nothing() {
    let page = Inspected::start().await;
    let (cookie, own) = (("cookie", &*page.cookie), ("toolgate-inspector", "1"));
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "127.0.0.1"),
        ("cf-connecting-ip", "127.0.0.1"),
    ] {
        let headers = [cookie, own, (name, value)];
        assert_eq!(status(&page, "GET /inspector/api/state", &headers, "").await, 403, "{name}");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let page = Inspected::start().await;
    for path in ["x", "api/", "api/x", "api/state/x", "../mcp", "index.html.gz"] {
        let url = format!("GET /inspector/{path}");
        let headers = [("cookie", &*page.cookie), ("toolgate-inspector", "1")];
        assert_eq!(status(&page, &url, &headers, "").await, 404, "{path}");
    }
    for (method, path) in
        [(Method::POST, "api/state"), (Method::GET, "api/act"), (Method::DELETE, "inspector.js")]
    {
        let answer = page.request(method.clone(), path).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method} {path}");
    }
    for body in ["", "{", "{}", r#"{"act":"format"}"#, "[]"] {
        let act = page.request(Method::POST, "api/act").body(body).send().await.unwrap();
        assert_eq!(act.status(), 400, "{body}");
        let sent = page.request(Method::POST, "api/send").body(body).send().await.unwrap();
        assert_eq!(sent.status(), 400, "{body}");
    }
}

#[tokio::test]
async fn a_server_of_others_has_no_inspector() {
    for (arguments, expected) in [
        (&["--inspector", "--http", "0.0.0.0:0"][..], "can be reached from other machines"),
        (&["--inspector", "--trusted-proxy", "10.0.0.0/8"], "trusts proxies"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let mut command = command(env!("CARGO_BIN_EXE_inspected"), data.path());
        let output = command.args(arguments).stderr(std::process::Stdio::piped()).output();
        let output = output.await.unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn without_the_inspector_there_is_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(env!("CARGO_BIN_EXE_inspected"), data.path());
    let mut child = command.env("TOOLGATE_INSPECTOR", "false").spawn().unwrap();
    let mut lines = said(&mut child);
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(!first.contains("/inspector"), "{first}");
    let address = first.split("http://").nth(1).unwrap().split('/').next().unwrap();
    let answer = http().get(format!("http://{address}/inspector")).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(!data.path().join("inspector-token").exists());
}

#[tokio::test]
async fn a_stranger_cannot_end_a_sign_in() {
    let page = Inspected::start().await;
    for query in ["", "code=a", "code=a&state=", "code=a&state=b", "error=x&state=y"] {
        let url = format!("{}/inspector/callback?{query}", page.origin);
        let answer = http().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("not known"), "{text}");
    }
}

#[tokio::test]
async fn headers_of_a_message_cannot_carry_another_identity() {
    let page = Inspected::start().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let sent = json!({ "person": null, "era": "2026-07-28", "body": body.to_string(), "headers": [
        ["authorization", "Bearer x"], ["cookie", "a=b"], ["host", "evil.example"],
        ["x-forwarded-for", "192.0.2.1"], ["mcp-protocol-version", "2026-07-28"],
        ["mcp-method", "tools/list"],
    ] });
    let exchange = page.request(Method::POST, "api/send").json(&sent).send().await.unwrap();
    let exchange: serde_json::Value = exchange.json().await.unwrap();
    let headers = exchange["request_headers"].to_string();
    assert!(!headers.contains("authorization") && !headers.contains("evil.example"), "{headers}");
}
