//! Messages of the page to its own server, byte for byte, as one of its people.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{exchanges::Exchange, sessions::SessionKey, state::Inspector};
use crate::http::{ExchangeRecorder as _, PATH, RecordedExchange};

/// The first version of the protocol without sessions.
const FIRST_WITHOUT_SESSIONS: &str = "2026-07-28";

/// The name of the header with a session's identifier.
const SESSION: &str = "mcp-session-id";

/// Headers that are not taken from the page.
static OWN_HEADERS: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
];

/// A message to send.
#[derive(Deserialize)]
pub(super) struct Sent {
    pub(super) person: Option<String>,
    pub(super) era: String,
    /// The JSON-RPC message.
    pub(super) body: String,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
}

impl Inspector {
    /// Sends a message. The error is a sentence.
    pub(super) async fn send(&self, sent: &Sent) -> Result<Exchange, String> {
        let recorded = self.send_recorded(sent).await?;
        Ok(self.0.exchanges.keep_own(&recorded, sent.person.as_deref()))
    }

    async fn send_recorded(&self, sent: &Sent) -> Result<RecordedExchange, String> {
        if *sent.era >= *FIRST_WITHOUT_SESSIONS {
            return self.post(sent, None).await;
        }
        let key = SessionKey { person: sent.person.clone(), era: sent.era.clone() };
        if is_initialize(&sent.body) {
            let answer = self.post(sent, None).await?;
            self.keep_session(key, &answer);
            return Ok(answer);
        }
        let session = match self.0.sessions.get(&key) {
            Some(session) => Some(session),
            None => match self.open_session(&key).await? {
                Ok(session) => session,
                // The refusal is the answer: of the token, for instance.
                Err(refusal) => return Ok(*refusal),
            },
        };
        let answer = self.post(sent, session.as_deref()).await?;
        if answer.status != StatusCode::NOT_FOUND || session.is_none() {
            return Ok(answer);
        }
        // The session has ended: a client begins another one (MCP 2025-11-25, Session Management).
        self.0.sessions.forget(&key);
        match self.open_session(&key).await? {
            Ok(session) => self.post(sent, session.as_deref()).await,
            Err(refusal) => Ok(*refusal),
        }
    }

    /// Opens a session, and keeps it. A server may have none.
    async fn open_session(
        &self,
        key: &SessionKey,
    ) -> Result<Result<Option<String>, Box<RecordedExchange>>, String> {
        let message = |body: Value| Sent {
            person: key.person.clone(),
            era: key.era.clone(),
            body: body.to_string(),
            headers: vec![("mcp-protocol-version".to_owned(), key.era.clone())],
        };
        let initialize = message(json!({
            "jsonrpc": "2.0", "id": "initialize", "method": "initialize",
            "params": {
                "protocolVersion": key.era,
                "capabilities": { "elicitation": { "url": {} } },
                "clientInfo": {
                    "name": "toolgate-inspector", "version": env!("CARGO_PKG_VERSION"),
                },
            },
        }));
        let answer = self.post(&initialize, None).await?;
        if !answer.status.is_success() {
            return Ok(Err(Box::new(answer)));
        }
        self.0.exchanges.keep_own(&answer, key.person.as_deref());
        let session = self.keep_session(key.clone(), &answer);
        let initialized =
            message(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let answer = self.post(&initialized, session.as_deref()).await?;
        self.0.exchanges.keep_own(&answer, key.person.as_deref());
        Ok(Ok(session))
    }

    fn keep_session(&self, key: SessionKey, answer: &RecordedExchange) -> Option<String> {
        let session = answer.response_headers.get(SESSION)?.to_str().ok()?.to_owned();
        self.0.sessions.keep(key, session.clone());
        Some(session)
    }

    async fn post(&self, sent: &Sent, session: Option<&str>) -> Result<RecordedExchange, String> {
        let mut headers = page_headers(&sent.headers)?;
        if let Some(session) = session {
            let session = HeaderValue::from_str(session).map_err(|error| error.to_string())?;
            headers.insert(SESSION, session);
        }
        if let Some(person) = &sent.person {
            let token = self.token_to_send(person).await?;
            let bearer = HeaderValue::try_from(format!("Bearer {token}"));
            let mut bearer = bearer.map_err(|error| error.to_string())?;
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let path = format!("{}{PATH}", self.0.base.path().trim_end_matches('/'));
        let mut request = Request::new(sent.body.clone().into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().map_err(|_| "The URL of the server has no path.")?;
        *request.headers_mut() = headers;
        self.0.local.exchange(self.0.exchanges.next_id(), request).await
    }
}

/// The headers that a page may set, with those that every client of the protocol sends.
fn page_headers(given: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{}` is no name of a header.", name.escape_debug()))?;
        if OWN_HEADERS.contains(&header) {
            continue;
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("The value of `{header}` does not fit into a header."))?;
        headers.append(header, value);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "application/json, text/event-stream"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    Ok(headers)
}

fn is_initialize(body: &str) -> bool {
    #[derive(Deserialize)]
    struct Head {
        method: String,
    }
    serde_json::from_str::<Head>(body).is_ok_and(|head| head.method == "initialize")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(headers: &[(&str, &str)]) -> Result<HeaderMap, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        page_headers(&headers.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn credentials_and_addresses_are_not_taken_from_the_page() {
        let headers = given(&[
            ("authorization", "Bearer x"),
            ("Cookie", "a=b"),
            ("host", "evil.example"),
            ("origin", "https://evil.example"),
            ("content-length", "1"),
            ("transfer-encoding", "chunked"),
            ("mcp-method", "tools/call"),
            ("content-type", "text/plain"),
        ])
        .unwrap();
        assert_eq!(headers["mcp-method"], "tools/call");
        assert_eq!(headers["content-type"], "text/plain", "a wrong one can be tried");
        assert_eq!(headers.len(), 3, "{headers:?}");
    }

    #[test]
    fn a_header_that_is_none_is_an_error() {
        assert!(given(&[("a b", "c")]).is_err());
        assert!(given(&[("a", "b\r\nc: d")]).is_err());
    }

    #[test]
    fn initialize_is_recognised() {
        assert!(is_initialize(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#));
        assert!(!is_initialize(r#"{"method":"tools/call"}"#) && !is_initialize("{"));
    }
}
