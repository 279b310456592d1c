//! Events of other transports, of widgets and of clients that are known by a document.

use axum::{Json, Router, routing::get};
use forge::Config;
use integration::{
    broker::{Application, Browser, REDIRECT, listen},
    client::params,
    host::client_at,
    recorder::Recorder,
    tools::{Forge, add, list_issues},
};
use rmcp::ServiceExt;
use serde_json::json;
use toolgate::{grant::MemoryStore, prelude::*, testing::Client, tools};

use super::assert_has;

/// Shows a number.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Shown {
    n: u8,
}

/// Shows a number.
#[widget(view = "<p></p><script toolgate></script>")]
async fn number(n: u8) -> Shown {
    Shown { n }
}

#[tokio::test]
async fn a_page_of_a_widget_is_traced_when_it_is_read() {
    let recorder = Recorder::default();
    let server = toolgate::Server::new("traced", "1").tools(tools![number]);
    let server = server.live_views(false).observe(recorder.clone());
    let client = Client::of(server).await.unwrap();
    let listed = client.request("tools/list", json!({})).await;
    let uri = listed.body()["result"]["tools"][0]["_meta"]["ui"]["resourceUri"].clone();
    recorder.clear();
    client.read(uri.as_str().unwrap()).await;
    let read = recorder.one("widget_page_read");
    assert_has(&read, &json!({ "uri": uri, "live": false }));
    assert_eq!(read["span"], recorder.one("request_received")["span"]);
}

#[tokio::test]
async fn a_call_over_a_pipe_is_a_request_of_its_own() {
    let recorder = Recorder::default();
    let server = toolgate::Server::new("traced", "1").tools(tools![add]);
    let app = server.observe(recorder.clone()).build().await.unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let handler = app.handler();
    tokio::spawn(async move { handler.serve(far).await.unwrap().waiting().await });
    let client = ().serve(near).await.unwrap();
    for _ in 0..2 {
        client.call_tool(params("add", json!({ "a": 1, "b": 2 }))).await.unwrap();
    }
    let received = recorder.all("request_received");
    assert_eq!(received.len(), 2);
    for event in &received {
        let expected = json!({ "transport": "stdio", "http_method": null, "headers": null });
        assert_has(event, &expected);
    }
    let ended = recorder.all("call_ended");
    for (received, ended) in received.iter().zip(&ended) {
        assert_eq!(received["span"], ended["span"]);
        assert_has(ended, &json!({ "caller": null, "outcome": "done" }));
    }
    assert_ne!(ended[0]["span"], ended[1]["span"]);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_document_of_a_client_is_traced_when_it_is_fetched() {
    let recorder = Recorder::default();
    let forge = forge::start(Config::default()).await.unwrap();
    let published = listen(|url| {
        let document = json!({
            "client_id": format!("{url}/client"),
            "client_name": "Published",
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
        });
        Router::new().route("/client", get(async move || Json(document)))
    });
    let published = published.await;
    let observer = recorder.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = toolgate::Server::new("traced", "1")
        .provider(client_at(forge.url()))
        .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
        .tools(tools![list_issues])
        .store(MemoryStore::new())
        .public_url(url.as_str())
        .observe(observer)
        .build()
        .await
        .unwrap();
    integration::host::serve_at(listener, app.into_router());
    let host = Application::register_at(&url).await;
    let (good, bad) = (format!("{published}/client"), format!("{published}/none"));
    for (id, outcome) in [(&good, "fetched"), (&bad, "invalid")] {
        recorder.clear();
        Browser::new().open(&host.with_id(id).link("repo:read", &[])).await;
        let fetched = json!({ "host": "127.0.0.1", "outcome": outcome });
        assert_has(&recorder.one("document_fetched"), &fetched);
    }
    recorder.clear();
    Browser::new().open(&host.with_id(&good).link("repo:read", &[])).await;
    assert!(recorder.all("document_fetched").is_empty(), "it is cached");
    let begun = json!({ "client": good, "trust": "document" });
    assert_has(&recorder.one("authorization_begun"), &begun);
}
