//! Trace context of a request (W3C Trace Context, W3C Baggage), as clients send it in `_meta`
//! (SEP-414) and as it goes on to the APIs of providers.
//!
//! What is malformed or too long is left out, and never fails a request.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::id::SpanId;
use crate::support::crypto::fill_random;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The length of a `traceparent` of version 00.
const TRACE_PARENT_LEN: usize = 55;

/// The longest `tracestate` (Trace Context §3.3.1.5), and the most members.
const MAX_TRACE_STATE_LEN: usize = 512;
const MAX_TRACE_STATE_MEMBERS: usize = 32;

/// The longest `baggage`, and the most members: an eighth of what other systems have to take, because
/// a provider may refuse long headers.
const MAX_BAGGAGE_LEN: usize = 1024;
const MAX_BAGGAGE_MEMBERS: usize = 64;

/// A span of another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteSpan {
    /// The identifier of the trace.
    pub trace_id: [u8; 16],
    /// The identifier of the span.
    pub span_id: [u8; 8],
    /// Whether its process records it.
    pub is_sampled: bool,
}

/// The trace that a request belongs to. It is known where an
/// [observer wants it](super::Observer::wants_trace_context).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceContext {
    /// The identifier of the trace: that of the client, or a new one.
    pub trace_id: [u8; 16],
    /// The client's span, if the client sent one.
    pub parent: Option<RemoteSpan>,
    /// The span of the HTTP request, if its headers name one. One HTTP request and one request of the
    /// protocol are independent of each other, so it is a link.
    pub link: Option<RemoteSpan>,
    /// `tracestate`, or empty.
    pub trace_state: Box<str>,
    /// `baggage`, or empty.
    pub baggage: Box<str>,
}

/// What `_meta` may say of the trace.
#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(default, borrow)]
    traceparent: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    tracestate: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    baggage: Option<std::borrow::Cow<'a, str>>,
}

impl RemoteSpan {
    /// Parses a `traceparent`. A version after 00 may have more fields, which are ignored.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let field = |at: usize, len: usize| {
            let field = bytes.get(at..at + len)?;
            field.iter().all(is_hex).then(|| &text[at..at + len])
        };
        let dashes = [2, 35, 52].iter().all(|&at| bytes.get(at) == Some(&b'-'));
        let version = field(0, 2)?;
        let fits = match version {
            "00" => bytes.len() == TRACE_PARENT_LEN,
            "ff" => false,
            _ => bytes.len() == TRACE_PARENT_LEN || bytes.get(TRACE_PARENT_LEN) == Some(&b'-'),
        };
        let trace_id = u128::from_str_radix(field(3, 32)?, 16).ok().filter(|&id| id != 0)?;
        let span_id = u64::from_str_radix(field(36, 16)?, 16).ok().filter(|&id| id != 0)?;
        let flags = u8::from_str_radix(field(53, 2)?, 16).ok()?;
        (dashes && fits).then(|| Self {
            trace_id: trace_id.to_be_bytes(),
            span_id: span_id.to_be_bytes(),
            is_sampled: flags & 1 == 1,
        })
    }
}

/// The text, if it is a list of at most so many members and so long, and may be a header.
fn bounded(text: Option<&str>, max_len: usize, max_members: usize) -> Box<str> {
    let is_printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let text = text.filter(|text| {
        text.len() <= max_len && text.split(',').count() <= max_members && is_printable(text)
    });
    text.unwrap_or_default().into()
}

impl TraceContext {
    /// The context of a request with these headers, before its message is read.
    pub(crate) fn of_headers(headers: Option<&HeaderMap>) -> Self {
        let header = headers.and_then(|headers| headers.get(TRACE_PARENT)?.to_str().ok());
        let mut trace_id = [0; 16];
        fill_random(&mut trace_id);
        let link = header.and_then(RemoteSpan::parse);
        Self { trace_id, parent: None, link, trace_state: "".into(), baggage: "".into() }
    }

    /// The same context, with the client's of the message, if it has one.
    pub(crate) fn of_message(self, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            params: Params<'a>,
        }
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(rename = "_meta", borrow)]
            meta: Fields<'a>,
        }
        match serde_json::from_slice::<Message<'_>>(body) {
            Ok(message) => self.with(message.params.meta),
            Err(_) => self,
        }
    }

    /// The same context, with the client's of these members of `_meta`, if there are any.
    pub(crate) fn of_meta<'m>(self, meta: impl Fn(&str) -> Option<&'m str>) -> Self {
        let text = |name| meta(name).map(Into::into);
        let [traceparent, tracestate, baggage] = ["traceparent", "tracestate", "baggage"].map(text);
        self.with(Fields { traceparent, tracestate, baggage })
    }

    fn with(mut self, fields: Fields<'_>) -> Self {
        self.parent = fields.traceparent.as_deref().and_then(RemoteSpan::parse);
        if let Some(parent) = self.parent {
            self.trace_id = parent.trace_id;
            let state = fields.tracestate.as_deref();
            self.trace_state = bounded(state, MAX_TRACE_STATE_LEN, MAX_TRACE_STATE_MEMBERS);
        }
        self.baggage = bounded(fields.baggage.as_deref(), MAX_BAGGAGE_LEN, MAX_BAGGAGE_MEMBERS);
        self
    }

    /// Whether the spans of the request are recorded: as the client decided for its own, and without
    /// one always.
    pub fn is_sampled(&self) -> bool {
        self.parent.is_none_or(|parent| parent.is_sampled)
    }

    /// The context of what a span caused, and that span, by its [`trace_parent`](Self::trace_parent).
    pub(super) fn continued(trace_parent: &str) -> Option<(Self, SpanId)> {
        let parent = RemoteSpan::parse(trace_parent)?;
        let (trace_id, state) = (parent.trace_id, || "".into());
        let context = Self {
            trace_id,
            parent: Some(parent),
            link: None,
            trace_state: state(),
            baggage: state(),
        };
        Some((context, SpanId::new(u64::from_be_bytes(parent.span_id))))
    }

    /// The `traceparent` of what the span `id` causes.
    pub(super) fn trace_parent(&self, id: SpanId) -> String {
        let mut parent = String::with_capacity(TRACE_PARENT_LEN);
        parent.push_str("00-");
        for byte in self.trace_id {
            let _ = write!(parent, "{byte:02x}");
        }
        let _ = write!(parent, "-{id}-{:02x}", u8::from(self.is_sampled()));
        parent
    }

    /// Adds the headers of a request whose span is `id`.
    pub(crate) fn propagate(&self, id: SpanId, headers: &mut HeaderMap) {
        let parent = self.trace_parent(id);
        let values = [
            (TRACE_PARENT, &*parent),
            (TRACE_STATE, &*self.trace_state),
            (BAGGAGE, &*self.baggage),
        ];
        for (name, value) in values {
            match HeaderValue::from_str(value) {
                // Headers that the tool has set take precedence.
                Ok(value) if !value.is_empty() => _ = headers.entry(name).or_insert(value),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(meta: &serde_json::Value) -> TraceContext {
        let body = serde_json::json!({ "method": "tools/call", "params": { "_meta": meta } });
        TraceContext::of_headers(None).of_message(body.to_string().as_bytes())
    }

    #[test]
    fn a_trace_context_is_that_of_the_client() {
        let meta =
            serde_json::json!({ "traceparent": PARENT, "tracestate": "a=b", "baggage": "k=v" });
        let context = of(&meta);
        let parent = context.parent.unwrap();
        assert_eq!(parent.trace_id, context.trace_id);
        assert_eq!(parent.span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        let mut headers = HeaderMap::new();
        context.propagate(SpanId::new(161), &mut headers);
        assert_eq!(
            headers[TRACE_PARENT],
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000a1-01"
        );
        assert_eq!(
            (headers[TRACE_STATE].to_str().unwrap(), &headers[BAGGAGE]),
            ("a=b", &HeaderValue::from_static("k=v"))
        );
    }

    #[test]
    fn what_is_malformed_or_too_long_is_left_out() {
        for parent in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ] {
            assert_eq!(RemoteSpan::parse(parent), None, "{parent}");
        }
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more";
        assert!(!RemoteSpan::parse(later).unwrap().is_sampled);
        let many = vec!["a=b"; MAX_BAGGAGE_MEMBERS + 1].join(",");
        for baggage in [&*"x".repeat(MAX_BAGGAGE_LEN + 1), &many, "a=b\r\nx: y", "a=é"] {
            let context = of(&serde_json::json!({ "baggage": baggage }));
            assert_eq!(&*context.baggage, "", "{baggage}");
        }
        let state = of(&serde_json::json!({ "traceparent": "x", "tracestate": "a=b" })).trace_state;
        assert_eq!(&*state, "", "without its parent it means nothing");
        assert_eq!(of(&serde_json::json!({ "traceparent": 5 })).parent, None);
        assert_ne!(of(&serde_json::json!({})).trace_id, of(&serde_json::json!({})).trace_id);
    }
}
