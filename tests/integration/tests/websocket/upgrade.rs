//! The upgrade: who may open a connection.

use integration::socket::{Refusal, Socket};
use toolgate::{Server, tools};

use super::*;

const SUBPROTOCOL: (&str, &str) = ("sec-websocket-protocol", "mcp");

async fn refused(guarded: &Guarded, path: &str, headers: &[(&'static str, &str)]) -> Refusal {
    match Socket::try_open(guarded.address, path, headers).await {
        Err(refusal) => refusal,
        Ok(_) => panic!("it was opened: {path} {headers:?}"),
    }
}

#[tokio::test]
async fn without_a_good_token_there_is_the_challenge_of_a_request() {
    let guarded = Guarded::start().await;
    for (token, error) in [("", None), ("Bearer forged", Some("invalid_token"))] {
        let mut headers = vec![SUBPROTOCOL];
        if !token.is_empty() {
            headers.push(("authorization", token));
        }
        let refusal = refused(&guarded, "/ws", &headers).await;
        assert_eq!(refusal.status, 401, "{refusal:?}");
        let mut request = reqwest::Client::new().post(format!("http://{}/mcp", guarded.address));
        if !token.is_empty() {
            request = request.header("authorization", token);
        }
        let of_mcp = request.json(&json!({})).send().await.unwrap();
        let of_mcp = of_mcp.headers()["www-authenticate"].to_str().unwrap().to_owned();
        let challenge = refusal.headers["www-authenticate"].to_str().unwrap();
        assert_eq!(
            challenge,
            of_mcp.replace("oauth-protected-resource/mcp", "oauth-protected-resource/ws")
        );
        assert_eq!(challenge.contains("invalid_token"), error.is_some());
        let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap();
        let metadata = metadata.split('"').next().unwrap();
        let document: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
        assert_eq!(document["resource"], format!("http://{}/ws", guarded.address));
    }
}

#[tokio::test]
async fn a_token_comes_in_the_header_alone() {
    let guarded = Guarded::start().await;
    for headers in [vec![SUBPROTOCOL], vec![SUBPROTOCOL, ("authorization", "Bearer alice.")]] {
        let refusal = refused(&guarded, "/ws?access_token=alice.", &headers).await;
        assert_eq!(refusal.status, 400, "{refusal:?}");
        assert!(refusal.body.contains("`Authorization` alone"), "{}", refusal.body);
        assert!(!refusal.body.contains("alice."), "the token is not repeated");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_nothing() {
    let guarded = Guarded::with(|gate| gate.allow_origin("https://app.example"), "").await;
    let token = ("authorization", "Bearer alice.");
    for (origin, opens) in [
        ("https://app.example", true),
        ("http://127.0.0.1:1", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let headers = [SUBPROTOCOL, token, ("origin", origin)];
        let opened = Socket::try_open(guarded.address, "/ws", &headers).await;
        match opened {
            Ok(_) => assert!(opens, "{origin}"),
            Err(refusal) => assert_eq!((refusal.status, opens), (403, false), "{origin}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_upgrade_of_mcp_is_refused_in_words() {
    let guarded = Guarded::start().await;
    let token = ("authorization", "Bearer alice.");
    for headers in [vec![token], vec![token, ("sec-websocket-protocol", "graphql-ws")]] {
        let refusal = refused(&guarded, "/ws", &headers).await;
        assert_eq!(refusal.status, 400, "{refusal:?}");
        assert!(refusal.body.contains("the subprotocol `mcp`"), "{}", refusal.body);
    }
    let url = format!("http://{}/ws", guarded.address);
    let http = reqwest::Client::new();
    let plain = http.get(&url).bearer_auth("alice.").send().await.unwrap();
    assert_eq!(plain.status(), 426);
    assert_eq!(plain.headers()["upgrade"], "websocket");
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401, "the token comes first");
    let posted = http.post(&url).bearer_auth("alice.").send().await.unwrap();
    assert_eq!(posted.status(), 405);
    assert_eq!(posted.headers()["allow"], "GET");
}

#[tokio::test]
async fn among_several_subprotocols_mcp_is_chosen() {
    let guarded = Guarded::with(|gate| gate, "/tools").await;
    let headers = [("authorization", "Bearer alice."), ("sec-websocket-protocol", "a, mcp")];
    // Below the path of the server's URL as well.
    for path in ["/ws", "/ws/", "/tools/ws"] {
        let opened = Socket::try_open(guarded.address, path, &headers).await;
        let mut socket = opened.unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"));
        assert_eq!(text_of_sum(&mut socket).await, "3");
    }
}

async fn text_of_sum(socket: &mut Socket) -> String {
    socket.initialize(no_capabilities()).await;
    text_of(&socket.call("add", json!({ "a": 1, "b": 2 })).await).to_owned()
}

#[tokio::test]
async fn without_a_token_only_where_the_gate_allows_it_and_for_what_it_allows() {
    let guarded = Guarded::with(|gate| gate.allow_anonymous(true), "").await;
    let open = || Socket::try_open(guarded.address, "/ws", &[SUBPROTOCOL]);
    let mut socket = open().await.unwrap();
    assert_eq!(text_of_sum(&mut socket).await, "3");
    let refused = socket.call("orders", json!({})).await;
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let challenge = refused["error"]["data"]["mcp/www_authenticate"][0].as_str().unwrap();
    assert!(challenge.starts_with("Bearer scope="), "{challenge}");
    let mut held = vec![socket];
    let refusal = loop {
        match open().await {
            Ok(socket) => held.push(socket),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((refusal.status, held.len()), (429, 8));
    assert!(refusal.headers.contains_key("retry-after"));
    // A caller who signs in is counted apart.
    Socket::open(guarded.address, "alice.").await;
}

#[tokio::test]
async fn the_connections_of_one_caller_are_bounded() {
    let guarded = Guarded::start().await;
    let mut held = Vec::new();
    for _ in 0..256 {
        held.push(Socket::open(guarded.address, "alice.").await);
    }
    let headers = [SUBPROTOCOL, ("authorization", "Bearer alice.")];
    assert_eq!(refused(&guarded, "/ws", &headers).await.status, 429);
    Socket::open(guarded.address, "bob.").await;
    drop(held.pop());
    soon(async {
        while Socket::try_open(guarded.address, "/ws", &headers).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_without_a_gate_is_for_this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Server::new("local", "1").tools(tools![add]).websocket().build().await.unwrap();
    integration::host::serve_at(listener, app.into_router());
    let mut socket = Socket::try_open(address, "/ws", &[SUBPROTOCOL]).await.unwrap();
    assert_eq!(text_of_sum(&mut socket).await, "3");
    for header in [("origin", "https://evil.example"), ("x-forwarded-for", "192.0.2.1")] {
        let refused = Socket::try_open(address, "/ws", &[SUBPROTOCOL, header]).await;
        assert_eq!(refused.unwrap_err().status, 403, "{header:?}");
    }
}
