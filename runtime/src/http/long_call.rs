//! Calls that take long: their responses go on as streams of server-sent events.
//!
//! A gateway or a host that sees nothing for some time takes the connection for dead. So a call that
//! has no result by then is answered with the head of a stream, with comments for as long as it runs,
//! and with one event that has the result.

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
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::ReusableBoxFuture;

use super::negotiation::{Accepted, event, has_type};
use crate::mcp::message::Message;

/// The longest silence of a stream. nginx, the strictest of the usual gateways with their defaults,
/// closes a connection after 60 s of it.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

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
pub(super) async fn respond(
    future: impl Future<Output = Response> + Send + 'static,
    (body, accepted): (Bytes, Accepted),
    sse_after: Duration,
) -> Response {
    let mut running = boxed(future);
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
    let mut keep_alive = interval(KEEP_ALIVE_INTERVAL);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let rest = Rest::Waiting(running, keep_alive, id);
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
