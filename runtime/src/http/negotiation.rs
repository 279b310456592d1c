//! Content negotiation: which kinds of response a request accepts (RFC 9110 §12.5.1).
//!
//! rmcp wants both kinds to be named, and chooses one by itself. Here a request is served if the kind
//! of its response is accepted, and rmcp's response is converted where only the other kind is.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde_json::{Value, value::RawValue};

use super::headers::ACCEPT_BOTH;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// The kinds of response that a request accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) json: bool,
    /// A stream of server-sent events.
    pub(crate) events: bool,
}

impl Accepted {
    const ALL: Self = Self { json: true, events: true };

    /// What the `Accept` headers say. A request without any accepts everything.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::ACCEPT).iter();
        match values.next() {
            None => return Self::ALL,
            // What most clients send.
            Some(value) if value == ACCEPT_BOTH && values.next().is_none() => return Self::ALL,
            Some(_) => {}
        }
        if media_ranges(headers).next().is_none() {
            return Self::ALL;
        }
        Self { json: accepts(headers, JSON), events: accepts(headers, EVENTS) }
    }

    pub(crate) fn any(self) -> bool {
        self.json || self.events
    }

    /// Converts a response of the kind that is not accepted into the other kind.
    pub(crate) async fn convert(self, response: Response) -> Response {
        match self {
            Self { json: true, events: false } if has_type(&response, EVENTS) => {
                last_message(response).await
            }
            Self { json: false, events: true }
                if has_type(&response, JSON) && response.status() == StatusCode::OK =>
            {
                one_event(response).await
            }
            _ => response,
        }
    }
}

/// Whether the most specific media range that includes the type has a weight above zero.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let (kind, _) = media_type.split_once('/').unwrap_or_default();
    let mut best = (0, false);
    for (range, accepted) in media_ranges(headers) {
        let specificity = match range.split_once('/') {
            _ if range.eq_ignore_ascii_case(media_type) => 3,
            Some((of, "*")) if of.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            // Java's `HttpURLConnection` sends it for `*/*`.
            None if range == "*" => 1,
            _ => continue,
        };
        best = best.max((specificity, accepted));
    }
    best.1
}

/// The media ranges, and whether the weight of each is above zero.
fn media_ranges(headers: &HeaderMap) -> impl Iterator<Item = (&str, bool)> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|entry| {
            let mut parts = entry.split(';');
            let range = parts.next().map(str::trim).filter(|range| !range.is_empty())?;
            Some((range, parts.all(|parameter| !is_zero_weight(parameter))))
        })
}

/// Whether a parameter is the weight zero. A malformed weight is passed over.
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q")
        && value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
}

pub(super) fn has_type(response: &Response, media_type: &str) -> bool {
    let value = response.headers().get(header::CONTENT_TYPE);
    value.is_some_and(|value| value.as_bytes().starts_with(media_type.as_bytes()))
}

/// The response with the message that ends a stream as its body. The notifications before it are
/// dropped.
async fn last_message(response: Response) -> Response {
    let (mut parts, mut body) = response.into_parts();
    let mut received = Vec::new();
    let message = loop {
        let data = match body.frame().await {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(_)) | None => break None,
        };
        let scanned = received.len();
        received.extend_from_slice(&data);
        // An event is looked at once its line is complete.
        let Some(end) = received[scanned..].iter().rposition(|&byte| byte == b'\n') else {
            continue;
        };
        let complete = scanned + end + 1;
        let found = received[..complete].split(|&byte| byte == b'\n').find_map(final_message);
        if let Some(message) = found {
            break Some(message.to_vec());
        }
        received.drain(..complete);
    };
    let Some(message) = message else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    parts.headers.remove(header::CONTENT_LENGTH);
    // What only a stream has.
    parts.headers.remove(header::CACHE_CONTROL);
    parts.headers.remove("x-accel-buffering");
    Response::from_parts(parts, Body::from(message))
}

/// The data of an event's line, if it is a response.
fn final_message(line: &[u8]) -> Option<&[u8]> {
    #[derive(serde::Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        result: Option<&'a RawValue>,
        error: Option<Value>,
        method: Option<Value>,
    }
    let data = line.strip_prefix(b"data:")?.trim_ascii();
    let members: Members<'_> = serde_json::from_slice(data).ok()?;
    let ends = members.method.is_none() && (members.result.is_some() || members.error.is_some());
    ends.then_some(data)
}

/// The response as a stream of one event.
async fn one_event(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(message) = body.collect().await.map(Collected::to_bytes) else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENTS));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(event(&message)))
}

/// The event that has this message.
pub(super) fn event(message: &[u8]) -> Vec<u8> {
    // JSON has no line feed outside of its strings but for layout, and the data of an event none.
    let line = message.iter().filter(|&&byte| !matches!(byte, b'\r' | b'\n')).copied();
    b"data: ".iter().copied().chain(line).chain(*b"\n\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> (bool, bool) {
        let headers =
            values.iter().map(|value| (header::ACCEPT, HeaderValue::from_str(value).unwrap()));
        let accepted = Accepted::of(&headers.collect());
        (accepted.json, accepted.events)
    }

    #[test]
    fn the_most_specific_range_decides() {
        for (values, expected) in [
            (&[][..], (true, true)),
            (&[""], (true, true)),
            (&[" , "], (true, true)),
            (&[ACCEPT_BOTH], (true, true)),
            (&["application/json"], (true, false)),
            (&["Text/Event-Stream"], (false, true)),
            (&["application/*"], (true, false)),
            (&["*/*"], (true, true)),
            (&["*"], (true, true)),
            (&["*/*;q=0"], (false, false)),
            (&["*/*, application/json;q=0"], (false, true)),
            (&["application/json;q=0.000, application/*"], (false, false)),
            (&["application/*;q=0, application/json;q=0.001"], (true, false)),
            (&["application/json; charset=utf-8; q=0.5"], (true, false)),
            (&["application/json;q=high"], (true, false)),
            (&["application/json", "text/event-stream"], (true, true)),
            (&["application/jsonp, text/html"], (false, false)),
            (&["application/xml, */json"], (false, false)),
        ] {
            assert_eq!(of(values), expected, "{values:?}");
        }
    }

    #[tokio::test]
    async fn the_response_is_found_in_a_stream_whatever_its_pieces_are() {
        let stream = ": priming\r\nid: 0\n\nevent: message\ndata: {\"method\":\"a\",\"params\":{\"result\":1}}\n\ndata: {\"id\":1,\"result\":{\"a\":\"é\"}}\n\ndata: {\"id\":2,\"result\":{}}\n\n";
        for size in [1, 2, 3, 7, 40, 1000] {
            let pieces: Vec<Result<_, std::convert::Infallible>> =
                stream.as_bytes().chunks(size).map(|piece| Ok(piece.to_vec())).collect();
            let mut response = Response::new(Body::from_stream(futures::stream::iter(pieces)));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENTS));
            let response = Accepted { json: true, events: false }.convert(response).await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], JSON);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "{\"id\":1,\"result\":{\"a\":\"é\"}}", "{size}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_ends_without_a_response_is_an_error() {
        let mut response = Response::new(Body::from("data: {\"method\":\"a\"}\n\n"));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENTS));
        let response = Accepted { json: true, events: false }.convert(response).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
