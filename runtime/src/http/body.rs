//! The body of a message: all of it, in time, and not too large.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use axum::{BoxError, response::Response};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;

use super::endpoint::rpc_error;

/// The largest message, in bytes.
pub(crate) const LARGEST: usize = 4 << 20;

/// How long a client may take to send its message.
const SLOWEST: Duration = Duration::from_secs(30);

/// The message, if it comes in time and is not too large.
#[allow(clippy::result_large_err, reason = "the error is the answer, made once")]
pub(crate) async fn read<B>(body: B) -> Result<Bytes, Response>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let broke_off = || rpc_error(StatusCode::BAD_REQUEST, -32700, "the message broke off");
    let mut whole = std::pin::pin!(whole(body));
    // The first look says that the body is wanted. Nearly all are there at the second, and need no
    // timer.
    let whole = match once_more(whole.as_mut()).await {
        Some(whole) => Ok(whole),
        None => tokio::time::timeout(SLOWEST, whole).await,
    };
    match whole {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Some(_))) => Err(broke_off()),
        Ok(Err(None)) => Err(too_large()),
        Err(_) => Err(rpc_error(StatusCode::REQUEST_TIMEOUT, -32600, "the message took too long")),
    }
}

/// What comes of `future`, if it does so in two polls.
async fn once_more<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut looked = false;
    poll_fn(|cx| match Pin::new(&mut future).poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// All of a body; the error is `None` if it is too large. One that comes in one piece, as nearly
/// all do, is not copied.
async fn whole<B>(mut body: B) -> Result<Bytes, Option<BoxError>>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| Some(error.into()))?.into_data() else { continue };
        if first.len() + all.len() + data.len() > LARGEST {
            return Err(None);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            if body.is_end_stream() {
                break;
            }
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

pub(crate) fn too_large() -> Response {
    rpc_error(StatusCode::PAYLOAD_TOO_LARGE, -32600, "a message has at most 4 MiB")
}
