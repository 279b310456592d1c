//! A session of streamable HTTP.

use std::net::SocketAddr;

use http::HeaderMap;
use reqwest::Client;
use serde_json::Value;

use super::{Opening, Refusal, events::Events};

/// The session.
#[derive(Debug)]
pub(super) struct Session {
    http: Client,
    url: String,
    headers: HeaderMap,
}

impl Session {
    pub(super) fn new(address: SocketAddr, opening: &Opening) -> Self {
        let http = Client::builder().local_address(opening.from).build().expect("a client");
        let url = format!("http://{address}{}", opening.target("/mcp"));
        Self { http, url, headers: opening.headers.clone() }
    }

    /// Posts a message, and returns those that come back.
    pub(super) async fn post(&mut self, text: String) -> Result<Vec<Value>, Refusal> {
        let request = self
            .http
            .post(&self.url)
            .headers(self.headers.clone())
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(text);
        let response = request.send().await.expect("the server answers");
        let type_of = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let is_stream =
            type_of("content-type").is_some_and(|of| of.starts_with("text/event-stream"));
        if !response.status().is_success() {
            return Err(Refusal::read(response).await);
        }
        if let Some(id) = response.headers().get("mcp-session-id") {
            self.headers.insert("mcp-session-id", id.clone());
        }
        let body = response.bytes().await.expect("the whole answer");
        if body.is_empty() {
            return Ok(Vec::new());
        }
        if !is_stream {
            return Ok(vec![serde_json::from_slice(&body).expect("JSON")]);
        }
        let mut events = Events::default();
        events.push(&body);
        let events = std::iter::from_fn(|| events.next());
        Ok(events.map(|event| serde_json::from_str(&event.data).expect("JSON")).collect())
    }
}
