//! Recording of exchanges: requests with their responses, as the inspector shows them.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, request::Parts};
use http_body::{Frame, SizeHint};

use super::negotiation::has_type;
use crate::trace::SpanId;

/// The most that is kept of a body, in bytes.
pub(crate) const MAX_RECORDED_BODY_BYTES: usize = 256 << 10;

/// Receives the exchanges of a server.
pub(crate) trait ExchangeRecorder: Send + Sync + 'static {
    /// Whether exchanges of this path are recorded.
    fn wants(&self, path: &str) -> bool;

    /// The number of the next exchange.
    fn next_id(&self) -> u64;

    /// Receives an exchange when its response has ended, and that of a stream when it begins as well.
    fn record(&self, exchange: &RecordedExchange);
}

/// A request, and its response as far as it was sent. There is no `Debug`: it would show secrets.
pub(crate) struct RecordedExchange {
    /// The same for the same exchange.
    pub(crate) id: u64,
    /// The span of the request.
    pub(crate) span: Option<SpanId>,
    pub(crate) began: Instant,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) request_headers: HeaderMap,
    pub(crate) request: Vec<u8>,
    pub(crate) status: StatusCode,
    pub(crate) response_headers: HeaderMap,
    pub(crate) response: Vec<u8>,
    /// From the request's head to what was recorded last.
    pub(crate) elapsed: Duration,
    /// Whether it is a message of a connection, and its response.
    pub(crate) is_message: bool,
    /// Whose message of a connection it is: there is no token in its headers.
    pub(crate) person: Option<String>,
}

/// What passed of a body.
type Passed = Arc<Mutex<Vec<u8>>>;

/// An exchange whose request was received.
pub(super) struct Recording {
    recorder: Arc<dyn ExchangeRecorder>,
    exchange: RecordedExchange,
    request: Passed,
}

impl Recording {
    /// Begins an exchange. The body that is returned is the request's, and is copied as it is read.
    pub(super) fn begin(
        recorder: &Arc<dyn ExchangeRecorder>,
        (parts, body): (&Parts, Body),
        span: Option<SpanId>,
    ) -> (Self, Body) {
        let exchange = RecordedExchange {
            id: recorder.next_id(),
            span,
            began: Instant::now(),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            request_headers: parts.headers.clone(),
            request: Vec::new(),
            status: StatusCode::OK,
            response_headers: HeaderMap::new(),
            response: Vec::new(),
            elapsed: Duration::ZERO,
            is_message: false,
            person: None,
        };
        let request = Passed::default();
        let body = Body::new(Copied { body, kept: Arc::clone(&request) });
        (Self { recorder: Arc::clone(recorder), exchange, request }, body)
    }

    /// Records the response when its body has ended.
    pub(super) fn hold_until_end(mut self, response: Response) -> Response {
        self.exchange.status = response.status();
        self.exchange.response_headers = response.headers().clone();
        if has_type(&response, "text/event-stream") {
            self.report();
        }
        response.map(|body| Body::new(Copied { body, kept: UntilEnd(self) }))
    }

    fn report(&mut self) {
        let passed = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        self.exchange.request.clone_from(&passed);
        drop(passed);
        self.exchange.elapsed = self.exchange.began.elapsed();
        self.recorder.record(&self.exchange);
    }
}

/// Appends data, up to the bound.
pub(super) fn append(kept: &mut Vec<u8>, data: &[u8]) {
    let room = MAX_RECORDED_BODY_BYTES.saturating_sub(kept.len());
    kept.extend_from_slice(&data[..data.len().min(room)]);
}

/// What keeps the data of a body.
trait Keep: Unpin {
    fn keep(&mut self, data: &[u8]);
}

impl Keep for Passed {
    fn keep(&mut self, data: &[u8]) {
        append(&mut self.lock().unwrap_or_else(PoisonError::into_inner), data);
    }
}

/// A recording that is reported when its response has ended, or its client has left.
struct UntilEnd(Recording);

impl Keep for UntilEnd {
    fn keep(&mut self, data: &[u8]) {
        append(&mut self.0.exchange.response, data);
    }
}

impl Drop for UntilEnd {
    fn drop(&mut self) {
        self.0.report();
    }
}

/// A body that is copied as it is read.
struct Copied<K> {
    body: Body,
    kept: K,
}

impl<K: Keep> http_body::Body for Copied<K> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            self.kept.keep(data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use http_body::Body as _;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<(String, String, u16)>>);

    impl ExchangeRecorder for Kept {
        fn wants(&self, _: &str) -> bool {
            true
        }

        fn next_id(&self) -> u64 {
            1
        }

        fn record(&self, exchange: &RecordedExchange) {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let (request, response) = (text(&exchange.request), text(&exchange.response));
            self.0.lock().unwrap().push((request, response, exchange.status.as_u16()));
        }
    }

    async fn exchange(kept: &Arc<Kept>, response: Response) {
        let recorder: Arc<dyn ExchangeRecorder> = Arc::<Kept>::clone(kept);
        let (parts, ()) = http::Request::new(()).into_parts();
        let (recording, body) = Recording::begin(&recorder, (&parts, Body::from("asked")), None);
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "asked");
        let response = recording.hold_until_end(response);
        response.into_body().collect().await.unwrap();
    }

    #[tokio::test]
    async fn an_exchange_is_recorded_when_it_has_ended() {
        let kept = Arc::new(Kept::default());
        exchange(&kept, Response::new(Body::from("answered"))).await;
        let expected = [("asked".to_owned(), "answered".to_owned(), 200)];
        assert_eq!(*kept.0.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_stream_is_recorded_when_it_begins_as_well() {
        let kept = Arc::new(Kept::default());
        let mut response = Response::new(Body::from("data: 1"));
        let events = "text/event-stream".parse().unwrap();
        response.headers_mut().insert(http::header::CONTENT_TYPE, events);
        exchange(&kept, response).await;
        let responses: Vec<_> =
            kept.0.lock().unwrap().iter().map(|(_, response, _)| response.clone()).collect();
        assert_eq!(responses, ["", "data: 1"]);
    }

    #[tokio::test]
    async fn what_is_kept_of_a_body_is_bounded() {
        let kept = Arc::new(Kept::default());
        exchange(&kept, Response::new(Body::from("x".repeat(MAX_RECORDED_BODY_BYTES + 9)))).await;
        assert_eq!(kept.0.lock().unwrap()[0].1.len(), MAX_RECORDED_BODY_BYTES);
    }
}
