//! Calls of the page, and what it shows of them, with people in development.

use integration::client::{call_message, message_request};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Inspected, response};

fn access(state: &Value, person: usize, tool: &str) -> Value {
    state["people"][person]["access"][tool].clone()
}

#[tokio::test]
async fn people_are_signed_in_from_the_start() {
    let page = Inspected::start().await;
    let mut state = page.state().await;
    assert_eq!(state["server"]["access"], "dev");
    assert_eq!(state["server"]["development"], true);
    assert_eq!(state["server"]["url"], format!("{}/mcp", page.origin));
    let names: Vec<_> = state["people"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(names, ["alice", "bob"]);
    let token = &state["people"][0]["token"];
    assert_eq!(token["format"], "jwt");
    assert_eq!(token["claims"]["sub"], "alice");
    assert_eq!(token["audience"], json!([format!("{}/mcp", page.origin)]));
    assert_eq!(access(&state, 0, "orders")["state"], "callable");
    assert_eq!(
        access(&state, 0, "order"),
        json!({ "state": "step_up", "missing": ["orders:write"] })
    );
    let tools: Vec<_> = state["tools"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(tools, ["orders", "order"]);
    assert_eq!(state["tools"][1]["scopes"], json!([{ "scope": "orders:write" }]));
    assert_eq!(state["hosts"][0]["name"], "Claude Code");
    // Never a token, whose claims begin like this. So does the configuration in a link to a host.
    state["hosts"].take();
    assert!(!state.to_string().contains(".eyJ"), "{state}");
}

#[tokio::test]
async fn a_call_is_answered_and_shown() {
    let page = Inspected::start().await;
    let exchange = page.call(Some("alice"), "orders", json!({})).await;
    assert_eq!(exchange["status"], 200);
    assert_eq!(exchange["peer"], "inspector");
    assert_eq!(response(&exchange)["result"]["content"][0]["text"], "the orders of alice");
    let authorization = exchange["request_headers"].to_string();
    assert!(authorization.contains("Bearer ••••"), "{authorization}");
    let span = exchange["span"].as_str().unwrap();
    let events = page.events_until("\"event\":\"call_ended\"").await;
    assert!(events.starts_with("event: hello\ndata: {\"started_at\":"), "{events}");
    let of_call = events.lines().filter(|line| line.contains(&format!("\"span\":\"{span}\"")));
    let of_call: Vec<_> = of_call.collect();
    for event in ["request_received", "authenticated", "message_read", "call_ended"] {
        let event = format!("\"event\":\"{event}\"");
        assert!(of_call.iter().any(|line| line.contains(&event)), "{event} is not in {of_call:?}");
    }
    assert!(events.contains("event: exchange\n"), "{events}");
    assert!(events.contains("event: values\n"), "{events}");
    assert!(!events.contains(".eyJ"), "no token: {events}");
}

#[tokio::test]
async fn a_missing_scope_is_refused_and_mended() {
    let page = Inspected::start().await;
    let refused = page.call(Some("alice"), "order", json!({ "count": 1 })).await;
    assert_eq!(refused["status"], 403);
    let events = page.events_until("\"event\":\"scopes_checked\"").await;
    assert!(events.contains("{\"scope\":\"orders:write\",\"held_by\":null}"), "{events}");
    page.act(json!({ "act": "widen", "person": "alice", "scopes": ["orders:write"] })).await;
    let answered = page.call(Some("alice"), "order", json!({ "count": 1 })).await;
    assert_eq!(response(&answered)["result"]["content"][0]["text"], "1 for alice");
    let state = page.state().await;
    assert_eq!(access(&state, 0, "order")["state"], "callable");
    let coverage = state["people"][0]["token"]["coverage"].as_array().unwrap().clone();
    let read = coverage.iter().find(|row| row["scope"] == "orders:read").unwrap();
    assert_eq!(read["tools"], json!(["orders"]));
}

#[tokio::test]
async fn a_token_is_broken_on_purpose_and_renewed() {
    let page = Inspected::start().await;
    for (act, fault, check) in [
        (json!({ "act": "expire", "person": "alice" }), "expired", "time"),
        (json!({ "act": "break_signature", "person": "alice" }), "signature", "signature"),
    ] {
        page.act(act).await;
        assert_eq!(page.state().await["people"][0]["token"]["fault"], fault);
        let refused = page.call(Some("alice"), "orders", json!({})).await;
        assert_eq!(refused["status"], 401, "{refused}");
        page.events_until(&format!("\"check\":\"{check}\"")).await;
        page.act(json!({ "act": "renew", "person": "alice" })).await;
        let answered = page.call(Some("alice"), "orders", json!({})).await;
        assert_eq!(answered["status"], 200, "{answered}");
    }
    page.act(json!({ "act": "drop_scope", "person": "alice", "scope": "orders:read" })).await;
    assert_eq!(page.call(Some("alice"), "orders", json!({})).await["status"], 403);
    let none = page.try_act(json!({ "act": "expire", "person": "carol" })).await;
    assert_eq!(none.status(), 400);
}

#[tokio::test]
async fn a_token_of_a_minute_is_accepted() {
    let page = Inspected::start().await;
    let done = page.act(json!({ "act": "minute_token", "person": "bob" })).await;
    let token = done["token"].as_str().unwrap();
    let call = call_message("orders", json!({}));
    let answer = message_request(&format!("{}/mcp", page.origin), &call)
        .header("user-agent", "curl/8.0")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let events = page.events_until("\"peer\":\"curl\"").await;
    let line = events.lines().find(|line| line.contains("\"peer\":\"curl\"")).unwrap();
    assert!(line.contains("\"person\":\"bob\"") && line.contains("the orders of bob"), "{line}");
    assert!(!line.contains(".eyJ"), "{line}");
}

#[tokio::test]
async fn a_message_is_sent_byte_for_byte_and_a_broken_one_as_well() {
    let page = Inspected::start().await;
    for body in ["{\"jsonrpc\": \"2.0\",\n \"id\" : 1e0, ", "[]", ""] {
        let sent = json!({ "person": "alice", "era": "2026-07-28", "body": body });
        let exchange = page.request(Method::POST, "api/send").json(&sent).send().await.unwrap();
        assert_eq!(exchange.status(), 200);
        let exchange: Value = exchange.json().await.unwrap();
        assert_eq!(exchange["request"], body);
        assert_eq!(exchange["status"], 400, "{exchange}");
    }
}

#[tokio::test]
async fn a_session_is_opened_once_for_each_person() {
    let page = Inspected::start().await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "orders", "arguments": {},
    }});
    for _ in 0..2 {
        let exchange = page.send(Some("alice"), "2025-11-25", &call).await;
        assert_eq!(exchange["status"], 200, "{exchange}");
        let text = exchange["response"].as_str().unwrap();
        assert!(text.contains("the orders of alice"), "{text}");
        assert!(exchange["request_headers"].to_string().contains("mcp-session-id"), "{exchange}");
    }
    page.send(Some("bob"), "2025-11-25", &call).await;
    let events = page.events_until("the orders of bob").await;
    assert_eq!(events.matches("\\\"method\\\":\\\"initialize\\\"").count(), 2, "{events}");
}

#[tokio::test]
async fn calls_are_saved_and_run() {
    let page = Inspected::start().await;
    for (name, tool, expected, passed) in [
        ("good", "orders", "result", true),
        ("refused", "order", "403", true),
        ("wrong", "orders", "403", false),
    ] {
        let call = json!({
            "name": name, "tool": tool, "person": "alice", "arguments": "{}",
            "expect": { "outcome": expected },
        });
        page.act(json!({ "act": "save", "call": call })).await;
        page.act(json!({ "act": "run", "name": name })).await;
        let calls = page.state().await["calls"].as_array().unwrap().clone();
        let last = calls.iter().find(|call| call["name"] == name).unwrap()["last"].clone();
        assert_eq!(last["passed"], passed, "{last}");
    }
    assert!(page.data.path().join("calls/good.json").exists());
    page.act(json!({ "act": "remove", "name": "good" })).await;
    assert!(!page.data.path().join("calls/good.json").exists());
    let outside = json!({ "act": "remove", "name": "../inspector-token" });
    assert_eq!(page.try_act(outside).await.status(), 400);
    assert!(page.data.path().join("inspector-token").exists());
}

#[tokio::test]
async fn a_widget_has_an_origin_of_its_own() {
    let page = Inspected::start().await;
    let staged = json!({
        "act": "stage", "html": "<html><head></head><p>Hello", "csp": { "connectDomains": [] },
    });
    let url = page.act(staged).await["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://localhost:"), "{url}");
    assert!(!url.starts_with(&page.origin));
    let shown = super::http().get(&url).send().await.unwrap();
    let policy = shown.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(shown.text().await.unwrap().contains("<head><script src=\"/hook.js\">"));
    assert_eq!(super::http().get(&url).send().await.unwrap().status(), 404, "it is shown once");
    let origin = url.rsplit_once('/').unwrap().0;
    let report = json!({ "csp-report": {
        "violated-directive": "connect-src", "blocked-uri": "https://tracker.example",
    }});
    let reported = super::http().post(format!("{origin}/report")).body(report.to_string());
    assert_eq!(reported.send().await.unwrap().status(), 204);
    page.events_until("https://tracker.example").await;
}

#[tokio::test]
async fn an_open_page_goes_on_after_a_restart() {
    let first = Inspected::start().await;
    let Inspected { data, cookie, link, .. } = first;
    let token = |link: &str| link.split("token=").nth(1).unwrap().to_owned();
    let second = Inspected::of(env!("CARGO_BIN_EXE_inspected"), data).await;
    assert_eq!(token(&link), token(&second.link));
    assert_ne!(cookie, second.cookie, "the port is another one");
    let state = second.state().await;
    assert!(state["previous"].is_null(), "the tools are the same: {state}");
}

#[tokio::test]
async fn the_doctor_examines_the_server() {
    let page = Inspected::start().await;
    let done = page.act(json!({ "act": "doctor" })).await;
    let checks = done["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["outcome"] != "fault"), "{done}");
    assert!(checks.iter().any(|check| check["name"] == "Resource"), "{done}");
    let data = tempfile::tempdir().unwrap();
    let mut command = super::command(env!("CARGO_BIN_EXE_inspected"), data.path());
    let output = command.arg("--doctor").output().await.unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Resource"), "{said}");
}

#[tokio::test]
async fn a_sentence_has_no_character_that_is_not_seen() {
    let page = Inspected::start().await;
    let refused = page.try_act(json!({ "act": "renew", "person": "\u{202e}ecila\u{1b}[2J" })).await;
    let sentence = refused.text().await.unwrap();
    assert!(sentence.contains("\\u{202e}ecila\\u{1b}[2J"), "{sentence}");
    assert!(!sentence.trim_end().contains(['\u{202e}', '\u{1b}']), "{sentence}");
}
