//! What a server answers.

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::RESOURCE;

/// The answer to one request.
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
        // A tool that speaks while it runs is answered by a stream, whose last event is the result.
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let body = serde_json::from_str(last.unwrap_or(&text)).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(super) fn faulty(error: &http::Error) -> Self {
        let body = json!({ "error": { "message": error.to_string() } });
        Self { status: StatusCode::BAD_REQUEST, headers: HeaderMap::new(), body }
    }

    /// The status of HTTP: 200 also where the tool failed.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The challenge of a refusal (`WWW-Authenticate`), or an empty text.
    pub fn challenge(&self) -> &str {
        let value = self.headers.get(header::WWW_AUTHENTICATE);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The whole JSON.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// What the model reads: the texts of the result.
    pub fn text(&self) -> String {
        let blocks = self.body["result"]["content"].as_array().cloned().unwrap_or_default();
        let texts: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        texts.join("\n")
    }

    /// The link under which the person connects an account, if the answer has one.
    pub fn link(&self) -> Option<String> {
        let text = self.body.to_string();
        let start = text.find(&format!("{}connect/", RESOURCE.trim_end_matches("mcp")))?;
        let end = |c: char| !(c.is_ascii_alphanumeric() || ":/.-_".contains(c));
        text[start..].split(end).next().map(str::to_owned)
    }

    /// Did the tool fail?
    pub fn is_error(&self) -> bool {
        self.body["result"]["isError"] == true
    }

    /// The structured content, as the value that the tool returned in its [`Json`](crate::Json).
    ///
    /// # Errors
    ///
    /// There is none, or it has another shape.
    pub fn structured<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        let content = &self.body["result"]["structuredContent"];
        let only = content.as_object().filter(|content| content.len() == 1);
        // What is no object stands under this key.
        match only.and_then(|content| content.get("result")) {
            Some(wrapped) => T::deserialize(wrapped).or_else(|_| T::deserialize(content)),
            None => T::deserialize(content),
        }
    }
}
