//! Bodies of requests and responses, which say what a connection waits for.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{ConnectionState, RequestGuard};

/// The body of a request, whose connection may give way to another while it waits for the client.
pub(in crate::http) struct AwaitedBody<B> {
    body: B,
    state: Arc<ConnectionState>,
    is_awaited: bool,
}

/// The body of a response, which keeps its request open until it ends.
pub(in crate::http) struct GuardedBody<B> {
    body: B,
    _request: RequestGuard,
}

impl RequestGuard {
    /// The body of the request.
    pub(in crate::http) fn body<B>(&self, body: B) -> AwaitedBody<B> {
        AwaitedBody { body, state: Arc::clone(self.connection()), is_awaited: false }
    }

    /// The body of the response, which holds the guard until it is dropped.
    pub(in crate::http) fn hold_until_end<B>(self, body: B) -> GuardedBody<B> {
        GuardedBody { body, _request: self }
    }
}

impl<B> AwaitedBody<B> {
    fn set_awaited(&mut self, is_awaited: bool) {
        if std::mem::replace(&mut self.is_awaited, is_awaited) == is_awaited {
            return;
        }
        if is_awaited {
            self.state.awaited_bodies.fetch_add(1, Relaxed);
        } else {
            self.state.awaited_bodies.fetch_sub(1, Relaxed);
        }
        self.state.idle_ticks.store(0, Relaxed);
    }
}

impl<B> Drop for AwaitedBody<B> {
    fn drop(&mut self) {
        self.set_awaited(false);
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for AwaitedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        this.set_awaited(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for GuardedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
