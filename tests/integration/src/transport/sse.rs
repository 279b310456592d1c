//! HTTP with server-sent events, as of 2024-11-05: a stream, and an address for messages.

use std::{fmt, net::SocketAddr, pin::Pin};

use futures::StreamExt;
use http::HeaderMap;
use reqwest::Client;
use serde_json::Value;

use super::{
    Opening, Refusal,
    events::{Event, Events},
};

type Chunks = Pin<Box<dyn futures::Stream<Item = reqwest::Result<Vec<u8>>> + Send>>;

/// The stream of a client, and where it sends.
pub struct Stream {
    http: Client,
    origin: String,
    headers: HeaderMap,
    chunks: Chunks,
    events: Events,
    /// Where messages are sent, as the server says.
    pub endpoint: String,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Stream {
    pub(super) async fn open(address: SocketAddr, opening: &Opening) -> Result<Self, Refusal> {
        let http = Client::builder().local_address(opening.from).build().expect("a client");
        let origin = format!("http://{address}");
        let response = http
            .get(format!("{origin}{}", opening.target("/sse")))
            .headers(opening.headers.clone())
            .header("accept", "text/event-stream")
            .send()
            .await
            .expect("the server answers");
        if response.status() != 200 {
            return Err(Refusal::read(response).await);
        }
        let chunks = response.bytes_stream().map(|chunk| chunk.map(|chunk| chunk.to_vec()));
        let mut stream = Self {
            http,
            origin,
            headers: opening.headers.clone(),
            chunks: Box::pin(chunks),
            events: Events::default(),
            endpoint: String::new(),
        };
        let first = stream.next().await.expect("an event");
        assert_eq!(first.name, "endpoint", "{first:?}");
        stream.endpoint = first.data;
        Ok(stream)
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(event);
            }
            // A connection that breaks has ended as well.
            self.events.push(&self.chunks.next().await?.ok()?);
        }
    }

    pub(super) async fn receive(&mut self) -> Option<Value> {
        let event = self.next().await?;
        assert_eq!(event.name, "message", "{event:?}");
        Some(serde_json::from_str(&event.data).expect("JSON"))
    }

    pub(super) async fn post(&self, text: String) -> Result<(), Refusal> {
        self.post_to(&self.endpoint, &self.headers, text).await
    }

    /// Posts to another address, or with other headers.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    ///
    /// # Panics
    ///
    /// There is no answer, or it is 2xx and no 202.
    pub async fn post_to(
        &self,
        endpoint: &str,
        headers: &HeaderMap,
        text: impl Into<reqwest::Body>,
    ) -> Result<(), Refusal> {
        let request = self
            .http
            .post(format!("{}{endpoint}", self.origin))
            .headers(headers.clone())
            .header("content-type", "application/json")
            .body(text);
        let response = request.send().await.expect("the server answers");
        if !response.status().is_success() {
            return Err(Refusal::read(response).await);
        }
        assert_eq!(response.status(), 202);
        Ok(())
    }
}
