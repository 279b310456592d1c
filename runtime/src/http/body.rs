//! Request bodies: what their headers announce, and the bounds in size and in time.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use axum::BoxError;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::rejection::Rejection;
use crate::support::http_client::{BodyError, bounded_bytes};

/// The largest body that is read.
pub(crate) const MAX_BODY_BYTES: usize = 4 << 20;

/// How long a client may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The length that the headers announce, if it is within the bound.
pub(crate) fn announced_length(headers: &HeaderMap) -> Result<Option<usize>, Rejection> {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(Rejection::body_too_large(MAX_BODY_BYTES));
    }
    Ok(length)
}

/// Whether the body is announced as JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    const JSON: &[u8] = b"application/json";
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|content_type| content_type.as_bytes().get(..JSON.len()))
        .is_some_and(|content_type| content_type.eq_ignore_ascii_case(JSON))
}

/// Reads the whole body.
pub(crate) async fn read<B>(body: B) -> Result<Bytes, Rejection>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut collected = std::pin::pin!(bounded_bytes(body.map_err(drop), MAX_BODY_BYTES));
    // The first poll asks the connection for the body, and by the second one most bodies are there.
    // Only the others need a timer, which would cost more than reading a small body.
    let collected = match poll_twice(collected.as_mut()).await {
        Some(collected) => Ok(collected),
        None => tokio::time::timeout(BODY_TIMEOUT, collected).await,
    };
    match collected {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BodyError::Broken(()))) => Err(Rejection::body_interrupted()),
        Ok(Err(BodyError::TooLarge)) => Err(Rejection::body_too_large(MAX_BODY_BYTES)),
        Err(_) => Err(Rejection::body_timeout()),
    }
}

/// The output of `future`, if it is ready within two polls.
async fn poll_twice<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut polled = false;
    poll_fn(|cx| match Pin::new(&mut future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polled => Poll::Ready(None),
        Poll::Pending => {
            polled = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
