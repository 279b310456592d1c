//! Responses of a server under test.

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::RESOURCE;

/// A response of a server under test.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    pub(super) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        // If the tool sent messages while it ran, the response is a stream whose last event is the
        // result.
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let body = serde_json::from_str(last.unwrap_or(&text)).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(super) fn faulty(error: &http::Error) -> Self {
        let body = json!({ "error": { "message": error.to_string() } });
        Self { status: StatusCode::BAD_REQUEST, headers: HeaderMap::new(), body }
    }

    /// Returns the HTTP status. It is 200 also if the tool failed.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns the challenge of a refusal (`WWW-Authenticate`), or an empty string.
    pub fn challenge(&self) -> &str {
        let value = self.headers.get(header::WWW_AUTHENTICATE);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the body as JSON.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// Returns the text blocks of the result, which the model reads.
    pub fn text(&self) -> String {
        let blocks = self.body["result"]["content"].as_array().cloned().unwrap_or_default();
        let texts: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        texts.join("\n")
    }

    /// Returns the link to connect an account, if the response has one.
    pub fn link(&self) -> Option<String> {
        let text = self.body.to_string();
        let start = text.find(&format!("{}connect/", RESOURCE.trim_end_matches("mcp")))?;
        let end = |c: char| !(c.is_ascii_alphanumeric() || ":/.-_".contains(c));
        text[start..].split(end).next().map(str::to_owned)
    }

    /// Returns whether the tool failed.
    pub fn is_error(&self) -> bool {
        self.body["result"]["isError"] == true
    }

    /// Deserializes the structured content: the value that the tool returned in a
    /// [`Json`](crate::Json).
    ///
    /// # Errors
    ///
    /// The result has no structured content, or not one of type `T`.
    pub fn structured<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        let content = &self.body["result"]["structuredContent"];
        let only = content.as_object().filter(|content| content.len() == 1);
        // A value that is not an object is wrapped in one with this key.
        match only.and_then(|content| content.get("result")) {
            Some(wrapped) => T::deserialize(wrapped).or_else(|_| T::deserialize(content)),
            None => T::deserialize(content),
        }
    }
}
