//! Calls that take long: their responses go on as streams of server-sent events.
//!
//! A gateway or a host that sees nothing for some time takes the connection for dead. So a call that
//! has no result by then is answered with the head of a stream, with comments for as long as it runs,
//! and with one event that has the result.
//!
//! Such a stream does not end with the caller's token, as that of a subscription does. It has one result
//! of a call that was allowed when it began, and whose effects are there; a caller who does not get it
//! would call again. A call is counted and bounded as one that runs, by its permit, in either form.

use std::{cell::RefCell, future::poll_fn, pin::pin, task::Poll, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{StatusCode, header};
use http_body_util::{BodyExt, Collected};
use rmcp::model::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Interval, sleep};
use tokio_util::sync::ReusableBoxFuture;

use super::{
    keep_alive::keep_alive,
    negotiation::{Accepted, event, has_type},
};
use crate::mcp::message::Message;

const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// How many boxes of answered requests a thread keeps for others.
const MAX_FREE_BOXES: usize = 32;

/// The response to a request, under way. It can be moved, from the request's future to the body of a
/// stream.
type Running = ReusableBoxFuture<'static, Response>;

thread_local! {
    /// The boxes of answered requests. Every request needs one, of the same size, before it is known
    /// whether it takes long.
    static FREE_BOXES: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

/// Completes with the response to the message in `body`: with that of `future`, or, if the message is
/// a call whose client accepts events and which takes longer than `sse_after`, with a stream that will
/// have it. `future` is dropped together with the response.
pub(super) fn respond(
    future: impl Future<Output = Response> + Send + 'static,
    (body, accepted): (Bytes, Accepted),
    sse_after: Duration,
) -> impl Future<Output = Response> + Send {
    // At once, so that the future of every request is not as large as two of these.
    finish(boxed(future), (body, accepted), sse_after)
}

async fn finish(
    mut running: Running,
    (body, accepted): (Bytes, Accepted),
    sse_after: Duration,
) -> Response {
    let mut timer = pin!(None);
    let in_time = poll_fn(|cx| {
        if let Poll::Ready(response) = running.poll(cx) {
            return Poll::Ready(Some(response));
        }
        // Most responses are ready at once, and a timer would cost them more than their tool.
        if accepted.events && timer.is_none() {
            timer.set(Some(sleep(sse_after)));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    });
    let response = match in_time.await {
        Some(response) => response,
        None => match call_id(&body) {
            Some(id) => return stream_of(running, id),
            None => (&mut running).await,
        },
    };
    let _ = FREE_BOXES.try_with(|free| {
        let mut free = free.borrow_mut();
        if free.len() < MAX_FREE_BOXES {
            free.push(running);
        }
    });
    response
}

/// The future in a box, which is one that was used before where there is one.
fn boxed(future: impl Future<Output = Response> + Send + 'static) -> Running {
    match FREE_BOXES.try_with(|free| free.borrow_mut().pop()) {
        Ok(Some(mut running)) => {
            running.set(future);
            running
        }
        _ => Running::new(future),
    }
}

/// The identifier of the request, if it is a call. Others are not: the response to `initialize` has a
/// session in its head, which a stream that began before would lack.
fn call_id(body: &Bytes) -> Option<Value> {
    let message = Message::parse(body).ok().filter(|message| message.method() == "tools/call")?;
    Some(message.id()).filter(|id| !id.is_null())
}

/// What is left of a stream.
enum Rest {
    Waiting(Running, Interval, Value),
    Result(BodyDataStream),
}

/// The stream of a call: comments until its response is there, and the message of that.
fn stream_of(running: Running, id: Value) -> Response {
    let rest = Rest::Waiting(running, keep_alive(), id);
    let frames = stream::unfold(rest, async |rest| {
        let mut result = match rest {
            Rest::Waiting(mut running, mut keep_alive, id) => tokio::select! {
                biased;
                response = &mut running => events(response, &id).await.into_data_stream(),
                _ = keep_alive.tick() => {
                    return Some((Ok(KEEP_ALIVE), Rest::Waiting(running, keep_alive, id)));
                }
            },
            Rest::Result(result) => result,
        };
        Some((result.next().await?, Rest::Result(result)))
    });
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        (header::CACHE_CONTROL.as_str(), "no-cache"),
        // nginx would keep the comments until its buffer is full.
        ("x-accel-buffering", "no"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// The events of a response whose head can no longer be sent.
async fn events(response: Response, id: &Value) -> Body {
    if has_type(&response, "text/event-stream") {
        return response.into_body();
    }
    let status = response.status();
    let message = response.into_body().collect().await.map(Collected::to_bytes);
    let message = message.unwrap_or_default();
    match status.is_success() {
        // A call that its client cancelled has no response.
        true if message.is_empty() => Body::empty(),
        true => Body::from(event(&message)),
        false => Body::from(event(failure(id, status, &message).as_bytes())),
    }
}

/// The message that refuses the request with this identifier, from a response with an error status.
fn failure(id: &Value, status: StatusCode, message: &[u8]) -> String {
    #[derive(Deserialize)]
    struct WithError {
        error: Value,
    }
    // A refusal of the transport names no request, and may be no JSON.
    let error = serde_json::from_slice(message).map_or_else(
        |_| json!({ "code": ErrorCode::INTERNAL_ERROR, "message": format!("the call failed: {status}") }),
        |WithError { error }| error,
    );
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::http::keep_alive::KEEP_ALIVE_INTERVAL;

    const ALL: Accepted = Accepted { json: true, events: true };

    fn of(status: StatusCode, body: &'static str) -> Response {
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }

    /// A timer would need a runtime.
    #[test]
    fn a_response_that_is_ready_at_once_needs_no_timer() {
        for _ in 0..3 {
            let ready = async { of(StatusCode::OK, "{}") };
            let response = respond(ready, (Bytes::new(), ALL), Duration::from_secs(10));
            assert_eq!(
                response.now_or_never().map(|response| response.status()),
                Some(StatusCode::OK)
            );
        }
    }

    #[test]
    fn boxes_are_used_again() {
        // A thread of its own has no boxes of other tests.
        let used = std::thread::spawn(|| {
            let answer = |n: u16| async move { StatusCode::from_u16(n).unwrap().into_response() };
            let respond = |n| respond(answer(n), (Bytes::new(), ALL), Duration::from_secs(10));
            let free = || FREE_BOXES.with_borrow(Vec::len);
            assert_eq!((respond(201).now_or_never().unwrap().status().as_u16(), free()), (201, 1));
            assert_eq!((respond(202).now_or_never().unwrap().status().as_u16(), free()), (202, 1));
            // One that is dropped on its way is no one's any more.
            let accepted = Accepted { json: true, events: false };
            let pending =
                super::respond(std::future::pending(), (Bytes::new(), accepted), Duration::MAX);
            assert!(pending.now_or_never().is_none());
            free()
        });
        assert_eq!(used.join().unwrap(), 0);
    }

    #[test]
    fn calls_alone_become_streams() {
        let id = |message: Value| call_id(&Bytes::from(message.to_string()));
        let request = |method: &str| json!({ "jsonrpc": "2.0", "id": "a", "method": method, "params": { "name": "t" } });
        assert_eq!(id(request("tools/call")), Some(json!("a")));
        for other in ["initialize", "tools/list", "notifications/cancelled"] {
            assert_eq!(id(request(other)), None, "{other}");
        }
        assert_eq!(
            id(json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "t" } })),
            None
        );
        assert_eq!(id(json!({ "jsonrpc": "2.0", "id": "a", "result": {} })), None);
        assert_eq!(call_id(&Bytes::from_static(b"[")), None);
    }

    #[tokio::test]
    async fn every_response_is_told_in_an_event() {
        let id = json!(7);
        let said = async |status, body| {
            let body = events(of(status, body), &id).await.collect().await.unwrap().to_bytes();
            String::from_utf8(body.to_vec()).unwrap()
        };
        let result = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
        assert_eq!(said(StatusCode::OK, result).await, format!("data: {result}\n\n"));
        // What the client has cancelled has no response.
        assert_eq!(said(StatusCode::ACCEPTED, "").await, "");
        for (status, body, error) in [
            (
                StatusCode::NOT_FOUND,
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no session"}}"#,
                json!({ "code": -32001, "message": "no session" }),
            ),
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "at line\n\ndata: 3",
                json!({ "code": -32603, "message": "the call failed: 500 Internal Server Error" }),
            ),
            (
                StatusCode::GONE,
                "",
                json!({ "code": -32603, "message": "the call failed: 410 Gone" }),
            ),
        ] {
            let event = said(status, body).await;
            let data = event.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n"));
            let message: Value = serde_json::from_str(data.unwrap()).unwrap();
            assert_eq!(message, json!({ "jsonrpc": "2.0", "id": 7, "error": error }));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn comments_begin_with_the_stream_and_a_stalled_reader_gets_one_for_all_that_it_missed() {
        let (ended, running) = tokio::sync::oneshot::channel::<Response>();
        let running = Running::new(async move { running.await.unwrap() });
        let mut stream = stream_of(running, json!(1)).into_body().into_data_stream();
        assert_eq!(stream.next().await.unwrap().unwrap(), KEEP_ALIVE);
        tokio::time::advance(KEEP_ALIVE_INTERVAL * 10).await;
        assert_eq!(stream.next().await.unwrap().unwrap(), KEEP_ALIVE);
        assert!(stream.next().now_or_never().is_none());
        tokio::time::advance(KEEP_ALIVE_INTERVAL).await;
        assert_eq!(stream.next().await.unwrap().unwrap(), KEEP_ALIVE);
        ended.send(of(StatusCode::OK, "{}")).unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), "data: {}\n\n");
        assert!(stream.next().await.is_none());
    }
}
