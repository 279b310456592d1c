//! Messages of connections: WebSocket, and the transport of 2024-11-05.

use integration::socket::Socket;
use serde_json::{Value, json};

use super::Inspected;

/// The exchanges in the events of a page.
fn exchanges(events: &str) -> Vec<Value> {
    let lines: Vec<&str> = events.lines().collect();
    let of = lines.windows(2).filter(|pair| pair[0] == "event: exchange");
    of.map(|pair| serde_json::from_str(pair[1].strip_prefix("data: ").unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn messages_of_a_websocket_are_shown_with_their_responses() {
    let page = Inspected::start().await;
    let token = page.act(json!({ "act": "minute_token", "person": "alice" })).await;
    let token = token["token"].as_str().unwrap();
    let address = page.origin.strip_prefix("http://").unwrap().parse().unwrap();
    let mut socket = Socket::begin(address, token, json!({})).await;
    let call = json!({ "name": "orders", "arguments": {} });
    let answered = socket.request("tools/call", call).await;
    assert_eq!(answered["result"]["content"][0]["text"], "the orders of alice");
    let refused = socket.request("tools/call", json!({ "name": "order", "arguments": {} })).await;
    assert!(refused["error"].is_object() || refused["result"]["isError"] == true, "{refused}");

    let events = page.events_until(r#""response":"{\"error\""#).await;
    assert!(!events.contains(token), "no token: {events}");
    let shown = exchanges(&events);
    let of_socket: Vec<_> = shown.iter().filter(|it| it["path"] == "/ws").collect();
    let find = |words: &str| {
        let mut of_call = of_socket.iter().rev();
        let found = of_call.find(|it| it["request"].as_str().unwrap().contains(words));
        *found.unwrap_or_else(|| panic!("{words} is not in {of_socket:?}"))
    };
    let call = find("\"orders\"");
    assert_eq!((&call["method"], &call["person"]), (&json!("MESSAGE"), &json!("alice")));
    assert!(call["response"].as_str().unwrap().contains("the orders of alice"), "{call}");
    let span = call["span"].as_str().unwrap();
    let ended = events.lines().any(|line| {
        line.contains(&format!("\"span\":\"{span}\"")) && line.contains("\"call_ended\"")
    });
    assert!(ended, "the exchange is of the call's span: {events}");
    find("notifications/initialized");
}
