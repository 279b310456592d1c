//! Request bodies: bounded in size and in time.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use axum::BoxError;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::rejection::Rejection;

/// The largest body that is read.
pub(crate) const MAX_BODY_BYTES: usize = 4 << 20;

/// How long a client may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the whole body.
pub(crate) async fn read<B>(body: B) -> Result<Bytes, Rejection>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut collected = std::pin::pin!(collect(body));
    // The first poll asks the connection for the body, and by the second one most bodies are there.
    // Only the others need a timer, which would cost more than reading a small body.
    let collected = match poll_twice(collected.as_mut()).await {
        Some(collected) => Ok(collected),
        None => tokio::time::timeout(BODY_TIMEOUT, collected).await,
    };
    match collected {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BodyError::Interrupted)) => Err(Rejection::body_interrupted()),
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

enum BodyError {
    TooLarge,
    Interrupted,
}

/// Collects the body. One that comes as a single frame, as most do, is not copied.
async fn collect<B>(mut body: B) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Interrupted)?.into_data() else { continue };
        if first.len() + all.len() + data.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLarge);
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
