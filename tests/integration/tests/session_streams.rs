//! Streams of sessions: what a client hears there about a call that was answered without the stream.

use std::{sync::Arc, time::Duration};

use forge::{Config, person::Person};
use futures::StreamExt;
use integration::{
    deployment::Deployment,
    host::client_at,
    waiting::{Room, visit},
};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;
use toolgate::{
    Server,
    grant::{MemoryStore, SystemClock},
    tools,
};

struct Client {
    url: String,
    session: String,
}

impl Client {
    async fn post(&self, message: &Value) -> Response {
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .json(message);
        if !self.session.is_empty() {
            request = request
                .header("mcp-session-id", &self.session)
                .header("mcp-protocol-version", "2025-11-25");
        }
        request.send().await.unwrap()
    }

    async fn visit(&self) -> Value {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "visit",
            "arguments": {},
        }});
        self.post(&call).await.json().await.unwrap()
    }
}

#[tokio::test]
async fn a_client_that_listens_hears_when_its_user_has_connected() {
    let forge = forge::start(Config::default()).await.unwrap();
    let deployment = Deployment::prepare().await;
    let url = deployment.url().to_owned();
    let server = || {
        Server::new("server", "1")
            .provider(client_at(forge.url()))
            .tools(tools![visit])
            .state(Room::default())
            .public_url(url.as_str())
    };
    deployment.serve(MemoryStore::new(), &Arc::new(SystemClock), server).await;

    let mut client = Client { url: format!("{url}/mcp"), session: String::new() };
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": { "elicitation": { "url": {} } },
        "clientInfo": { "name": "c", "version": "1" },
    }});
    let begun = client.post(&initialize).await;
    client.session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(client.post(&initialized).await.status(), 202);

    // The capabilities that the client named at the beginning decide how it is asked.
    let asked = client.visit().await;
    assert_eq!(asked["error"]["code"], -32042, "{asked}");
    let asked = &asked["error"]["data"]["elicitations"][0];
    let listening = reqwest::Client::new()
        .get(&client.url)
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &client.session)
        .send()
        .await
        .unwrap();
    assert_eq!(listening.status(), 200);
    let page = Person::new("alice").approve(asked["url"].as_str().unwrap()).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);

    let mut events = listening.bytes_stream();
    let mut heard = String::new();
    let completion = async {
        while !heard.contains("notifications/elicitation/complete") {
            let event = events.next().await.expect("the stream goes on").unwrap();
            heard.push_str(&String::from_utf8_lossy(&event));
        }
    };
    timeout(Duration::from_secs(60), completion).await.expect("it hears of it");
    assert!(heard.contains(asked["elicitationId"].as_str().unwrap()), "{heard}");
    let visited = client.visit().await;
    let said = visited["result"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(said.contains("alice"), "{visited}");
}
