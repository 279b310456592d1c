//! Running calls of sessions, which their clients may cancel.
//!
//! A call is entered once it has had to wait: most calls are answered at their first poll, and nobody
//! cancels those. The table is in shards, so that calls of different sessions do not wait for each
//! other.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
};

use rmcp::model::{ClientJsonRpcMessage, ClientNotification, RequestId};
use tokio_util::sync::CancellationToken;

use crate::{
    gate::Claims,
    http::sealed_session::{Session, SessionKey},
};

const SHARDS: usize = 64;

/// The calls that wait for something.
pub(super) struct RunningCalls {
    shards: [Mutex<HashMap<SessionKey, Vec<RunningCall>>>; SHARDS],
    next: AtomicU64,
}

struct RunningCall {
    number: u64,
    /// The identifier as the client wrote it.
    id: Box<str>,
    /// The caller, because a session that began without a token is anyone's.
    caller: Option<[u8; 32]>,
    cancelled: CancellationToken,
}

/// An entry of the table, removed on drop.
struct Entry<'a> {
    calls: &'a RunningCalls,
    session: SessionKey,
    number: u64,
}

impl RunningCalls {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), next: AtomicU64::new(0) }
    }

    /// Runs a call with this identifier; `None` if its client cancels it.
    pub(super) async fn run<T>(
        &self,
        (session, caller, id): (&Session, Option<&Claims>, &str),
        call: impl Future<Output = T>,
    ) -> Option<T> {
        let mut call = pin!(call);
        let first = std::future::poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        });
        if let Some(output) = first.await {
            return Some(output);
        }
        let cancelled = CancellationToken::new();
        let _entry = self.enter(session.key, caller, id, &cancelled);
        tokio::select! {
            biased;
            () = cancelled.cancelled() => None,
            output = call => Some(output),
        }
    }

    /// Cancels the calls of this caller that have this identifier.
    pub(super) fn cancel(&self, session: &Session, caller: Option<&Claims>, id: &RequestId) {
        let Ok(id) = serde_json::to_string(id) else { return };
        let caller = caller.map(Claims::owner_digest);
        for call in self.shard(&session.key).get(&session.key).into_iter().flatten() {
            if *call.id == *id && call.caller == caller {
                call.cancelled.cancel();
            }
        }
    }

    /// Cancels all calls of a session.
    pub(super) fn cancel_all(&self, session: &Session) {
        for call in self.shard(&session.key).get(&session.key).into_iter().flatten() {
            call.cancelled.cancel();
        }
    }

    fn enter(
        &self,
        session: SessionKey,
        caller: Option<&Claims>,
        id: &str,
        cancelled: &CancellationToken,
    ) -> Entry<'_> {
        let number = self.next.fetch_add(1, Relaxed);
        let (id, caller) = (id.into(), caller.map(Claims::owner_digest));
        let call = RunningCall { number, id, caller, cancelled: cancelled.clone() };
        self.shard(&session).entry(session).or_default().push(call);
        Entry { calls: self, session, number }
    }

    fn shard(&self, session: &SessionKey) -> MutexGuard<'_, HashMap<SessionKey, Vec<RunningCall>>> {
        let shard = &self.shards[usize::from(session[0]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut shard = self.calls.shard(&self.session);
        if let Some(calls) = shard.get_mut(&self.session) {
            calls.retain(|call| call.number != self.number);
            if calls.is_empty() {
                shard.remove(&self.session);
            }
        }
    }
}

/// The request that a message cancels.
pub(super) fn cancelled_request(body: &[u8]) -> Option<RequestId> {
    let ClientJsonRpcMessage::Notification(message) = serde_json::from_slice(body).ok()? else {
        return None;
    };
    match message.notification {
        ClientNotification::CancelledNotification(cancelled) => cancelled.params.request_id,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::Arc, time::SystemTime};

    use futures::FutureExt;
    use rmcp::model::{ClientCapabilities, Implementation, InitializeRequestParams};

    use super::*;
    use crate::http::session_binding::Binding;

    fn session(key: u8) -> Session {
        let info = Implementation::new("host", "1");
        Session {
            id: Arc::from("id"),
            key: [key; 16],
            binding: Binding::Local,
            ends_at: SystemTime::UNIX_EPOCH,
            client: InitializeRequestParams::new(ClientCapabilities::default(), info),
        }
    }

    fn is_empty(calls: &RunningCalls) -> bool {
        calls.shards.iter().all(|shard| shard.lock().unwrap().is_empty())
    }

    #[tokio::test]
    async fn a_call_is_cancelled_by_its_session_its_caller_and_its_identifier() {
        let calls = RunningCalls::new();
        // Of one shard.
        let (session, other) = (session(1), session(65));
        let alice = Claims::new("https://login.example", "alice");
        let bob = Claims::new("https://login.example", "bob");
        for id in ["7", "\"7\"", "\"é\""] {
            let mut call = pin!(calls.run((&session, Some(&alice), id), pending::<()>()));
            assert!(call.as_mut().now_or_never().is_none());
            let this = serde_json::from_str::<RequestId>(id).unwrap();
            calls.cancel(&other, Some(&alice), &this);
            calls.cancel(&session, Some(&bob), &this);
            calls.cancel(&session, None, &this);
            calls.cancel(&session, Some(&alice), &RequestId::Number(8));
            calls.cancel_all(&other);
            assert!(call.as_mut().now_or_never().is_none(), "{id}");
            calls.cancel(&session, Some(&alice), &this);
            assert_eq!(call.as_mut().now_or_never(), Some(None), "{id}");
        }
        assert!(is_empty(&calls));
    }

    #[tokio::test]
    async fn what_ends_or_is_dropped_takes_no_memory() {
        let (calls, session) = (RunningCalls::new(), session(1));
        let at_once = calls.run((&session, None, "1"), async { 5 });
        assert_eq!(at_once.now_or_never(), Some(Some(5)));
        let (send, receive) = tokio::sync::oneshot::channel();
        let mut later = Box::pin(calls.run((&session, None, "1"), receive));
        let mut dropped = Box::pin(calls.run((&session, None, "1"), pending::<()>()));
        assert!(later.as_mut().now_or_never().is_none());
        assert!(dropped.as_mut().now_or_never().is_none());
        drop(dropped);
        send.send(6).unwrap();
        assert_eq!(later.await, Some(Ok(6)));
        assert!(is_empty(&calls));
        let mut ended = Box::pin(calls.run((&session, None, "1"), pending::<()>()));
        assert!(ended.as_mut().now_or_never().is_none());
        calls.cancel_all(&session);
        assert_eq!(ended.await, None);
        assert!(is_empty(&calls));
    }

    #[test]
    fn only_a_cancellation_cancels() {
        let id = |body: &str| cancelled_request(body.as_bytes());
        let body =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#;
        assert_eq!(id(body), Some(RequestId::Number(3)));
        assert_eq!(id(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#), None);
        assert_eq!(id(r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#), None);
    }
}
