//! Exchanges as the page shows them: of every host, and of the page itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{HeaderMap, header};
use serde::Serialize;

use super::{event_log::EventLog, masking, token::DecodedToken};
use crate::{
    http::{ExchangeRecorder, PATH, RecordedExchange},
    support::escape::escape,
};

/// The name of the page's own exchanges.
const PEER: &str = "inspector";

/// Paths whose exchanges are recorded, besides that of the endpoint.
const RECORDED_PATHS: [&str; 6] =
    ["/oauth", "/.well-known", "/connect", "/callback", "/dev", "/sign-in"];

/// Keeps exchanges in the log.
pub(super) struct Exchanges {
    log: Arc<EventLog>,
    /// The time of the events' zero.
    started: Instant,
    /// The path of the server's URL.
    root: String,
    next: AtomicU64,
}

/// One exchange, without secrets.
#[derive(Serialize)]
pub(super) struct Exchange {
    id: u64,
    span: String,
    at_us: u64,
    peer: String,
    person: Option<String>,
    method: String,
    path: String,
    request_headers: Vec<(String, String)>,
    request: String,
    pub(super) status: u16,
    response_headers: Vec<(String, String)>,
    pub(super) response: String,
    ms: u64,
}

impl Exchanges {
    pub(super) fn new(log: Arc<EventLog>, started: Instant, root: &str) -> Self {
        Self { log, started, root: root.to_owned(), next: AtomicU64::new(1) }
    }

    /// Goes on with this number, after the exchanges of another program.
    pub(super) fn continue_at(&self, next: u64) {
        self.next.fetch_max(next, Ordering::Relaxed);
    }

    /// Keeps an exchange of the page's, as this person. Its body has links, which the person opens.
    pub(super) fn keep_own(&self, recorded: &RecordedExchange, person: Option<&str>) -> Exchange {
        let mut exchange = self.shown(recorded);
        PEER.clone_into(&mut exchange.peer);
        exchange.person = person.map(str::to_owned);
        self.log.add_exchange(&exchange);
        exchange
    }

    fn shown(&self, recorded: &RecordedExchange) -> Exchange {
        let path = recorded.uri.path();
        let has_body = recorded.is_message
            || self.is_endpoint(path)
            || self.below_root(path).starts_with("/.well-known");
        // Forms and answers of the other paths have codes, tokens and passwords.
        let body = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(if has_body { bytes } else { &[] });
            masking::tokens(&text).into_owned()
        };
        Exchange {
            id: recorded.id,
            span: recorded.span.map(|span| span.to_string()).unwrap_or_default(),
            at_us: microseconds(recorded.began.saturating_duration_since(self.started)),
            peer: product(&recorded.request_headers),
            person: person(recorded),
            method: if recorded.is_message {
                "MESSAGE".into()
            } else {
                recorded.method.to_string()
            },
            path: masking::target(&recorded.uri),
            request_headers: masking::headers(&recorded.request_headers),
            request: body(&recorded.request),
            status: recorded.status.as_u16(),
            response_headers: masking::headers(&recorded.response_headers),
            response: body(&recorded.response),
            ms: u64::try_from(recorded.elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The path without that of the server's URL.
    fn below_root<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&*self.root).unwrap_or(path)
    }

    fn is_endpoint(&self, path: &str) -> bool {
        let path = self.below_root(path);
        path == PATH || path.strip_suffix('/') == Some(PATH)
    }
}

impl ExchangeRecorder for Exchanges {
    fn wants(&self, path: &str) -> bool {
        let below = self.below_root(path);
        self.is_endpoint(path) || RECORDED_PATHS.iter().any(|start| below.starts_with(start))
    }

    fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn record(&self, exchange: &RecordedExchange) {
        self.log.add_exchange(&self.shown(exchange));
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The product at the beginning of the `User-Agent`, without its version.
fn product(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let product = agent.and_then(|agent| agent.split(['/', ' ']).next()).unwrap_or_default();
    if product.is_empty() { "a client".to_owned() } else { escape(product).into_owned() }
}

/// Whom the token of a request names. It may have been refused.
fn person(recorded: &RecordedExchange) -> Option<String> {
    if let Some(person) = &recorded.person {
        return Some(escape(person).into_owned());
    }
    let authorization = recorded.request_headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, token) = authorization.split_once(' ')?;
    let claims = DecodedToken::of(token)?;
    Some(escape(claims.text("sub")?).into_owned())
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;

    fn recorded(path: &str, headers: &[(&'static str, &str)]) -> RecordedExchange {
        let mut request_headers = HeaderMap::new();
        for (name, value) in headers {
            request_headers.insert(*name, value.parse().unwrap());
        }
        RecordedExchange {
            id: 7,
            span: None,
            began: Instant::now(),
            method: Method::POST,
            uri: path.parse().unwrap(),
            request_headers,
            request: b"code=secret".to_vec(),
            status: StatusCode::OK,
            response_headers: HeaderMap::new(),
            response: br#"{"access_token":"secret"}"#.to_vec(),
            elapsed: Duration::ZERO,
            is_message: false,
            person: None,
        }
    }

    #[test]
    fn bodies_are_kept_of_the_endpoint_and_of_metadata() {
        let exchanges = Exchanges::new(Arc::default(), Instant::now(), "");
        for (path, kept) in [
            ("/mcp", true),
            ("/mcp/", true),
            ("/.well-known/oauth-protected-resource/mcp", true),
            ("/oauth/token", false),
            ("/oauth/register", false),
            ("/dev/token", false),
            ("/connect/link", false),
            ("/mcpx", false),
        ] {
            let shown = exchanges.shown(&recorded(path, &[]));
            assert_eq!(shown.request.is_empty(), !kept, "{path}");
            assert_eq!(shown.response.is_empty(), !kept, "{path}");
        }
    }

    #[test]
    fn the_page_is_not_recorded() {
        let exchanges = Exchanges::new(Arc::default(), Instant::now(), "/tools");
        for path in ["/mcp", "/tools/mcp", "/oauth/token", "/tools/oauth/token"] {
            assert!(exchanges.wants(path), "{path}");
        }
        for path in ["/inspector/api/state", "/inspector", "/", "/accounts"] {
            assert!(!exchanges.wants(path), "{path}");
        }
    }

    #[test]
    fn an_exchange_names_its_client_and_its_person() {
        let exchanges = Exchanges::new(Arc::default(), Instant::now(), "");
        let token = "Bearer e30.eyJzdWIiOiJhbGljZSJ9.c2ln";
        let headers = [("user-agent", "claude-code/2.1 (cli)"), ("authorization", token)];
        let shown = exchanges.shown(&recorded("/mcp", &headers));
        assert_eq!((&*shown.peer, shown.person.as_deref()), ("claude-code", Some("alice")));
        assert_eq!(shown.request_headers[1].1, "Bearer ••••");
        let own = exchanges.keep_own(&recorded("/mcp", &headers), Some("bob"));
        assert_eq!((&*own.peer, own.person.as_deref()), ("inspector", Some("bob")));
    }
}
