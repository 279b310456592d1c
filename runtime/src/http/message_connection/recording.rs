//! Recording of the messages of a connection: each request with its response, as an exchange.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, Method, StatusCode, Uri, request::Parts};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use crate::{
    gate::Claims,
    http::{
        headers as names,
        recording::{ExchangeRecorder, RecordedExchange, append},
    },
    mcp::message::Message,
    trace::SpanId,
};

/// How many requests wait for their response to be recorded with it.
const MAX_WAITING_REQUESTS: usize = 256;

/// Records the messages of one connection.
pub(crate) struct MessageRecorder {
    recorder: Arc<dyn ExchangeRecorder>,
    uri: Uri,
    headers: HeaderMap,
    /// By the JSON of their identifiers.
    waiting: Mutex<HashMap<String, RecordedExchange>>,
}

/// What tells a response from other messages of a server.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<IgnoredAny>,
}

impl MessageRecorder {
    /// `head`: that of the request that opened the connection.
    pub(super) fn new(recorder: Arc<dyn ExchangeRecorder>, head: &Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in [http::header::USER_AGENT, http::header::ORIGIN, names::VERSION.clone()] {
            if let Some(value) = head.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let uri = head.uri.path().parse().unwrap_or_default();
        Self { recorder, uri, headers, waiting: Mutex::default() }
    }

    /// Records a message of the client. A request is recorded again with its response.
    pub(super) fn received(
        &self,
        message: &Message<'_>,
        (body, caller): (&[u8], Option<&Claims>),
        span: Option<SpanId>,
    ) {
        let mut exchange = self.exchange(span);
        exchange.person = caller.map(|caller| caller.subject().to_owned());
        append(&mut exchange.request, body);
        exchange.status = StatusCode::ACCEPTED;
        self.recorder.record(&exchange);
        if message.id.is_some() && !message.method().is_empty() {
            let mut waiting = self.waiting();
            if waiting.len() < MAX_WAITING_REQUESTS {
                waiting.insert(message.id().to_string(), exchange);
            }
        }
    }

    /// Records a message to the client: with its request, or as one of the server.
    pub(super) fn sent(&self, text: &str) {
        let Ok(sent) = serde_json::from_str::<Sent<'_>>(text) else { return };
        let id = sent.id.filter(|_| sent.method.is_none());
        let id = id.and_then(|id| serde_json::from_str::<Value>(id.get()).ok());
        let request = id.and_then(|id| self.waiting().remove(&id.to_string()));
        let mut exchange = request.unwrap_or_else(|| self.exchange(None));
        exchange.status = StatusCode::OK;
        append(&mut exchange.response, text.as_bytes());
        exchange.elapsed = exchange.began.elapsed();
        self.recorder.record(&exchange);
    }

    fn exchange(&self, span: Option<SpanId>) -> RecordedExchange {
        RecordedExchange {
            id: self.recorder.next_id(),
            span,
            began: Instant::now(),
            method: Method::GET,
            uri: self.uri.clone(),
            request_headers: self.headers.clone(),
            request: Vec::new(),
            status: StatusCode::OK,
            response_headers: HeaderMap::new(),
            response: Vec::new(),
            elapsed: Duration::ZERO,
            is_message: true,
            person: None,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, RecordedExchange>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
