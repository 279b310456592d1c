//! Signals of a provider's dialect in an API's responses.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyDataStream, BodyExt};
use serde_json::Value;

use crate::provider::{ApiSignals, Condition, Place};

/// The most that is read of a body to find a signal in it. Errors are short.
const MAX_SIGNAL_BYTES: usize = 64 << 10;

/// The most scopes that are read of a response, and the longest one.
const MAX_SCOPES: usize = 16;
const MAX_SCOPE_LEN: usize = 128;

/// What a response means besides its status.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signal {
    None,
    RateLimited,
    /// With the scopes that are needed, if the response names them.
    InsufficientScope(Vec<String>),
    InvalidToken,
    ApiError,
}

/// Whether a response with this status has to be looked at.
pub(super) fn is_watched(signals: &ApiSignals, status: StatusCode) -> bool {
    conditions(signals).any(|condition| condition.status == status.as_u16())
}

fn conditions(signals: &ApiSignals) -> impl Iterator<Item = &Condition> {
    let ApiSignals { rate_limited, insufficient_scope, invalid_token, api_error, .. } = signals;
    [rate_limited, insufficient_scope, invalid_token, api_error].into_iter().flatten()
}

/// Finds the signal in a response, and returns the response with its whole body.
pub(super) async fn read(
    signals: &ApiSignals,
    response: reqwest::Response,
) -> Result<(Signal, reqwest::Response), reqwest::Error> {
    let status = response.status();
    let reads_body = conditions(signals).any(|condition| {
        condition.status == status.as_u16() && matches!(condition.place, Place::Pointer(_))
    });
    if !reads_body || !is_json(response.headers()) {
        return Ok((find(signals, status, response.headers(), &Value::Null), response));
    }
    let (parts, mut body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let (mut begin, mut has_ended) = (BytesMut::new(), false);
    while begin.len() <= MAX_SIGNAL_BYTES && !has_ended {
        match body.frame().await {
            Some(frame) => begin.extend_from_slice(&frame?.into_data().unwrap_or_default()),
            None => has_ended = true,
        }
    }
    let begin = begin.freeze();
    let json = if has_ended { serde_json::from_slice(&begin) } else { Ok(Value::Null) };
    let signal = find(signals, status, &parts.headers, &json.unwrap_or_default());
    let body = if has_ended { begin.into() } else { followed_by(begin, body) };
    Ok((signal, http::Response::from_parts(parts, body).into()))
}

fn followed_by(begin: Bytes, rest: reqwest::Body) -> reqwest::Body {
    let begin = stream::iter([Ok::<_, reqwest::Error>(begin)]);
    reqwest::Body::wrap_stream(begin.chain(BodyDataStream::new(rest)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.to_ascii_lowercase().contains("json"))
}

fn find(signals: &ApiSignals, status: StatusCode, headers: &HeaderMap, json: &Value) -> Signal {
    let holds = |condition: &Option<Condition>| {
        condition.as_ref().is_some_and(|condition| is_met(condition, status, headers, json))
    };
    if holds(&signals.rate_limited) {
        Signal::RateLimited
    } else if holds(&signals.insufficient_scope) {
        let needed = signals.needed_scopes.and_then(|pointer| json.pointer(pointer));
        Signal::InsufficientScope(needed.map(scopes).unwrap_or_default())
    } else if holds(&signals.invalid_token) {
        Signal::InvalidToken
    } else if holds(&signals.api_error) {
        Signal::ApiError
    } else {
        Signal::None
    }
}

fn is_met(condition: &Condition, status: StatusCode, headers: &HeaderMap, json: &Value) -> bool {
    if condition.status != status.as_u16() {
        return false;
    }
    let is_wanted = |found: &str| condition.values.is_empty() || condition.values.contains(&found);
    match condition.place {
        Place::Status => true,
        Place::Header(name) => {
            headers.get_all(name).iter().any(|value| value.to_str().is_ok_and(is_wanted))
        }
        Place::Pointer(pointer) => match json.pointer(pointer) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => is_wanted(text),
            Some(value) => is_wanted(&value.to_string()),
        },
    }
}

/// The scope tokens (RFC 6749 §3.3) of a text or a list.
fn scopes(value: &Value) -> Vec<String> {
    let is_scope = |scope: &&str| {
        let in_grammar = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) && b != b'`';
        !scope.is_empty() && scope.len() <= MAX_SCOPE_LEN && scope.bytes().all(in_grammar)
    };
    let texts: Vec<&str> = match value {
        Value::String(text) => text.split([',', ' ']).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().filter(is_scope).take(MAX_SCOPES).map(str::to_owned).collect()
}
