//! Request body that is not sent once it is too late.
//!
//! A connection and its TLS handshake take longer than the request itself, and a process may be
//! paused meanwhile. The body is looked at when the connection is about to write it.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body in one piece.
pub(super) struct TimelyBody {
    bytes: Bytes,
    latest: Instant,
    is_late: Arc<AtomicBool>,
}

impl TimelyBody {
    /// Creates a body that fails after `latest`, and a flag that tells whether it has failed.
    pub(super) fn new(bytes: Bytes, latest: Instant) -> (Self, Arc<AtomicBool>) {
        let is_late = Arc::new(AtomicBool::new(false));
        (Self { bytes, latest, is_late: Arc::clone(&is_late) }, is_late)
    }
}

impl Body for TimelyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if Instant::now() > self.latest {
            self.is_late.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(io::Error::other("it is too late to send this"))));
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_is_sent_whole_or_not_at_all() {
        let now = Instant::now();
        let (body, is_late) = TimelyBody::new("token".into(), now + Duration::from_secs(60));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "token");
        assert!(!is_late.load(Ordering::Acquire));
        let (body, is_late) = TimelyBody::new("token".into(), now);
        assert!(body.collect().await.is_err());
        assert!(is_late.load(Ordering::Acquire));
    }
}
