//! Connections of a server: who may open one, and how many.

#[cfg(feature = "inspector")]
use std::sync::OnceLock;
use std::{net::IpAddr, sync::Arc};

#[cfg(feature = "inspector")]
use http::request::Parts;
#[cfg(feature = "websocket")]
use tokio_util::task::task_tracker::TaskTrackerToken;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(feature = "inspector")]
use super::recording::MessageRecorder;
#[cfg(feature = "inspector")]
use crate::http::recording::ExchangeRecorder;
use crate::{
    gate::{
        Claims,
        resource_server::{ResourceServer, principal},
    },
    http::{
        anonymous_streams::{AnonymousStreams, StreamPermit},
        endpoint::Endpoint,
        rejection::Rejection,
        session_registry::{SessionOwner, SessionPermit, SessionRegistry},
    },
    mcp::{fallback::ErasedHandler, handler::Handler},
    trace::Tracer,
};

/// What all connections of a server share.
pub(crate) struct MessageConnections {
    pub(super) handler: Handler<ErasedHandler>,
    permits: Arc<SessionRegistry>,
    /// Those of anonymous callers, counted with the streams of the endpoint.
    streams: Arc<AnonymousStreams>,
    shutdown: CancellationToken,
    #[cfg(feature = "inspector")]
    recorder: OnceLock<Arc<dyn ExchangeRecorder>>,
    pub(super) open: TaskTracker,
}

/// The right to one connection, given back on drop.
pub(crate) struct ConnectionPermit {
    _session: SessionPermit,
    _stream: Option<StreamPermit>,
}

impl MessageConnections {
    pub(crate) fn new(endpoint: &Endpoint, shutdown: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            handler: endpoint.handler.clone(),
            permits: Arc::default(),
            streams: endpoint.anonymous_streams(),
            shutdown,
            #[cfg(feature = "inspector")]
            recorder: OnceLock::new(),
            open: TaskTracker::new(),
        })
    }

    /// Records the messages of all connections.
    #[cfg(feature = "inspector")]
    pub(crate) fn record_with(&self, recorder: &Arc<dyn ExchangeRecorder>) {
        self.recorder.get_or_init(|| Arc::clone(recorder));
    }

    /// The recorder of the connection that the request with this head opened.
    #[cfg(feature = "inspector")]
    pub(super) fn recorder(&self, head: &Parts) -> Option<Arc<MessageRecorder>> {
        let recorder = self.recorder.get()?;
        Some(Arc::new(MessageRecorder::new(Arc::clone(recorder), head)))
    }

    pub(crate) fn gate(&self) -> Option<&Arc<ResourceServer>> {
        self.handler.dispatch.resource_server.as_ref()
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.handler.dispatch.tracer
    }

    /// A permit for one more connection of this caller, who is at `address`.
    pub(crate) fn admit(
        &self,
        caller: Option<&Claims>,
        address: Option<IpAddr>,
    ) -> Result<ConnectionPermit, Rejection> {
        let stream = match (self.gate(), caller) {
            (Some(_), None) => {
                Some(self.streams.acquire(address).ok_or_else(Rejection::too_many_streams)?)
            }
            _ => None,
        };
        let owner = SessionOwner::new(&principal(caller), address);
        let session = self.permits.acquire(&owner);
        let session = session.map_err(|_| Rejection::too_many_connections())?;
        Ok(ConnectionPermit { _session: session, _stream: stream })
    }

    /// Completes when the server is shut down and the calls under way have ended.
    pub(crate) async fn shut_down(&self) {
        self.shutdown.cancelled().await;
    }

    /// Counts as a connection until it is dropped.
    #[cfg(feature = "websocket")]
    pub(crate) fn open_token(&self) -> TaskTrackerToken {
        self.open.token()
    }

    /// Waits until all connections have ended, after shutdown began.
    pub(crate) async fn ended(&self) {
        self.open.close();
        self.open.wait().await;
    }
}
