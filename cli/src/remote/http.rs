//! HTTP requests whose answers are bounded in time and in size.

use std::{error::Error as _, fmt, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderMap, LOCATION},
    redirect::Policy,
};
use serde_json::Value;
use url::Url;

use super::text::quoted;

/// The most bytes of an answer that are read.
const MAX_BODY_BYTES: usize = 4 << 20;

/// The most redirects of one request.
const MAX_REDIRECTS: usize = 5;

/// A client that keeps no cookies and follows redirects only where it is asked to.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    timeout: Duration,
}

/// How much of an answer is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    /// Status and headers: the body may be a stream without an end.
    Headers,
    /// The body, of a stream of events until the first response of JSON-RPC.
    Message,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The URLs that redirected to it.
    pub(crate) via: Vec<Url>,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Timeout(Duration),
    /// The certificate, or another step of TLS.
    Tls(String),
    Connect(String),
    Redirects,
    TooLarge,
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(limit) => write!(f, "no answer in {} s", limit.as_secs_f32()),
            Self::Tls(error) | Self::Connect(error) | Self::Other(error) => f.write_str(error),
            Self::Redirects => write!(f, "more than {MAX_REDIRECTS} redirects"),
            Self::TooLarge => write!(f, "the answer is larger than {} MiB", MAX_BODY_BYTES >> 20),
        }
    }
}

impl Http {
    pub(crate) fn new(timeout: Duration) -> anyhow::Result<Self> {
        let agent = concat!("cargo-toolgate/", env!("CARGO_PKG_VERSION"));
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .user_agent(agent)
            .build()?;
        Ok(Self { client, timeout })
    }

    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.client.request(method, url.clone())
    }

    /// Sends a request once.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        read: Read,
    ) -> Result<Answer, Failure> {
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let (url, status) = (response.url().clone(), response.status().as_u16());
        let headers = response.headers().clone();
        let body = match read {
            Read::Headers => Vec::new(),
            Read::Message => self.body(response).await?,
        };
        Ok(Answer { url, status, headers, body, via: Vec::new() })
    }

    /// Gets a document, and follows redirects to it.
    pub(crate) async fn get(&self, url: &Url) -> Result<Answer, Failure> {
        let (mut url, mut via) = (url.clone(), Vec::new());
        loop {
            let mut answer = self.send(self.request(Method::GET, &url), Read::Message).await?;
            match answer.redirect() {
                None => {
                    answer.via = via;
                    return Ok(answer);
                }
                Some(_) if via.len() == MAX_REDIRECTS => return Err(Failure::Redirects),
                Some(target) => via.push(std::mem::replace(&mut url, target)),
            }
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let is_stream = media_type(response.headers()) == "text/event-stream";
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
            if is_stream && response_in_events(&body).is_some() {
                break;
            }
        }
        Ok(body)
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        if error.is_timeout() {
            return Failure::Timeout(self.timeout);
        }
        // The outermost error repeats the URL, which may have a query.
        let mut texts = Vec::new();
        let mut source = error.source();
        while let Some(error) = source {
            texts.push(error.to_string());
            source = error.source();
        }
        let last = texts.last().cloned().unwrap_or_else(|| "the request failed".to_owned());
        let text = quoted(&last);
        let of_tls = ["certificate", "tls", "handshake", "UnknownIssuer"];
        let is_tls = texts.iter().any(|text| of_tls.iter().any(|word| text.contains(word)));
        match (error.is_connect(), is_tls) {
            (true, true) => Failure::Tls(text),
            (true, false) => Failure::Connect(text),
            (false, _) => Failure::Other(text),
        }
    }
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type without parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        media_type(&self.headers)
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Where it redirects to.
    pub(crate) fn redirect(&self) -> Option<Url> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        self.header(LOCATION).filter(|_| is_redirect).and_then(|to| self.url.join(to).ok())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The message of JSON-RPC: the body, or the response in a stream of events.
    pub(crate) fn message(&self) -> Option<Value> {
        match self.media_type().as_str() {
            "text/event-stream" => response_in_events(&self.body),
            _ => self.json(),
        }
    }

    /// Status, media type and the beginning of the text, for a sentence.
    pub(crate) fn summary(&self) -> String {
        let kind = self.media_type();
        let text = String::from_utf8_lossy(&self.body);
        let begin: String = text.chars().take(60).collect();
        match (kind.is_empty(), begin.trim().is_empty()) {
            (true, true) => self.status.to_string(),
            (false, true) => format!("{} ({})", self.status, quoted(&kind)),
            (true, false) => format!("{}: {}", self.status, quoted(&begin)),
            (false, false) => format!("{} ({}): {}", self.status, quoted(&kind), quoted(&begin)),
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The first response (not a request or a notification) in a stream of events.
fn response_in_events(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let events = text.split_inclusive("\n\n").filter(|event| event.ends_with("\n\n"));
    events.filter_map(event_data).find(|message| message.get("method").is_none())
}

fn event_data(event: &str) -> Option<Value> {
    let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
    let data: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    serde_json::from_str(&data.join("\n")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_found_among_events() {
        let events =
            b": hello\n\nevent: message\ndata: {\"method\":\"notifications/progress\"}\n\n\
            id: 1\r\ndata: {\"id\":1,\r\ndata: \"result\":{}}\r\n\r\n";
        assert_eq!(response_in_events(events), Some(serde_json::json!({ "id": 1, "result": {} })));
        assert_eq!(
            response_in_events(b"data: {\"id\":1,\"result\":{}}\n"),
            None,
            "it is not whole"
        );
    }
}
