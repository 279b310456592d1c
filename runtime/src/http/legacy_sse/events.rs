//! The stream of events of one client.

use std::{convert::Infallible, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use futures::{future::BoxFuture, stream};
use tokio::time::Interval;

use super::sessions::Registration;
use crate::http::{
    keep_alive::keep_alive,
    message_connection::{ConnectionPermit, Outgoing},
};

const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// The events of a stream, and what ends with it.
pub(super) struct Events {
    /// The first event, which says where messages go.
    first: Option<String>,
    outgoing: Arc<Outgoing>,
    keep_alive: Interval,
    /// Completes when the server ends the stream; `None` after that, while the rest is sent.
    end: Option<BoxFuture<'static, ()>>,
    _held: (Registration, ConnectionPermit),
}

impl Events {
    /// The events of a connection whose messages go to `endpoint`.
    pub(super) fn new(
        endpoint: &str,
        outgoing: Arc<Outgoing>,
        end: BoxFuture<'static, ()>,
        held: (Registration, ConnectionPermit),
    ) -> Self {
        let mut keep_alive = keep_alive();
        // The first event is due at once.
        keep_alive.reset();
        let first = Some(event("endpoint", endpoint));
        Self { first, outgoing, keep_alive, end: Some(end), _held: held }
    }

    /// The body of the response.
    pub(super) fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(self, |mut events| async move {
            let text = Self::next(&mut events).await?;
            Some((Ok::<_, Infallible>(Bytes::from(text)), events))
        }))
    }

    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if let Some(end) = &mut self.end {
            tokio::select! {
                biased;
                () = end => self.end = None,
                message = self.outgoing.next() => return Some(event("message", &message)),
                _ = self.keep_alive.tick() => return Some(KEEP_ALIVE.to_owned()),
            }
        }
        self.outgoing.take().map(|message| event("message", &message))
    }
}

/// An event. `data` is one line: JSON as it is serialized, or a path.
fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
