//! Sessions of clients before 2026-07-28, bounded for each caller and ended when they are idle.
//!
//! rmcp's own manager opens any number of sessions, and ends one whose call takes long. Here each
//! caller has a limit, idle sessions make room for new ones, and a session with a request under way
//! is not idle.

use std::{cell::Cell, net::IpAddr, sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        SessionManager,
        session::{
            ServerSseMessage, SessionId,
            local::{LocalSessionManager, LocalSessionManagerError},
        },
    },
};
use tokio::time::{Instant, interval_at, timeout};

use super::session_registry::{SessionOwner, SessionPermit, SessionRegistry, SessionRequest};
use crate::{mcp::transport::ServerTransport, support::background};

/// A session ends after this long without a message or a request under way.
const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How often idle sessions are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How long a session may take to close. One whose stream is not read never closes by itself.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The permit for the session that the running request may open.
    static PERMIT: Cell<Option<SessionPermit>>;
}

/// The sessions of a server.
pub(crate) struct Sessions {
    local: LocalSessionManager,
    registry: Arc<SessionRegistry>,
}

/// The caller may have no more sessions, and none of the open ones is idle.
#[derive(Debug)]
pub(crate) struct TooManySessions;

impl Sessions {
    pub(crate) fn new() -> Arc<Self> {
        let mut local = LocalSessionManager::default();
        // The sweep below ends idle sessions; it knows which requests are under way.
        local.session_config.keep_alive = None;
        let sessions = Arc::new(Self { local, registry: Arc::default() });
        let weak = Arc::downgrade(&sessions);
        background::spawn(async move {
            let mut sweep = interval_at(Instant::now() + SWEEP_INTERVAL, SWEEP_INTERVAL);
            loop {
                sweep.tick().await;
                let Some(sessions) = weak.upgrade() else { return };
                for id in sessions.registry.remove_idle(SESSION_IDLE_TIMEOUT) {
                    sessions.close_in_background(id);
                }
            }
        });
        sessions
    }

    /// Runs a request of `principal` that may open a session. `address`: that of the client, by which
    /// the sessions of anonymous callers are counted.
    pub(crate) async fn open<T>(
        self: &Arc<Self>,
        principal: &str,
        address: Option<IpAddr>,
        request: impl Future<Output = T>,
    ) -> Result<T, TooManySessions> {
        let permit = self.acquire(&SessionOwner::new(principal, address))?;
        Ok(PERMIT.scope(Cell::new(Some(permit)), request).await)
    }

    /// The owner of a session; empty if an anonymous caller opened it.
    pub(crate) fn owner(&self, id: &str) -> Option<Arc<str>> {
        self.registry.owner(id)
    }

    /// Gives an anonymous session to `owner`, who has signed in. Returns whether it did.
    pub(crate) fn adopt(&self, id: &str, owner: &str) -> bool {
        self.registry.adopt(id, &SessionOwner::new(owner, None))
    }

    /// A permit for `owner`, for which an idle session may be closed: clients rarely close theirs,
    /// and open another one if they find it closed.
    fn acquire(self: &Arc<Self>, owner: &SessionOwner) -> Result<SessionPermit, TooManySessions> {
        loop {
            match self.registry.acquire(owner) {
                Ok(permit) => return Ok(permit),
                Err(limit) => {
                    let idlest = self.registry.remove_idlest(limit, owner);
                    self.close_in_background(idlest.ok_or(TooManySessions)?);
                }
            }
        }
    }

    fn close_in_background(self: &Arc<Self>, id: SessionId) {
        let sessions = Arc::clone(self);
        background::spawn(async move { sessions.close_session(&id).await });
    }

    fn begin_request(&self, id: &SessionId) -> Result<SessionRequest, LocalSessionManagerError> {
        let request = self.registry.begin_request(id);
        request.ok_or_else(|| LocalSessionManagerError::SessionNotFound(id.clone()))
    }
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = ServerTransport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let permit = PERMIT.try_with(Cell::take).ok().flatten();
        // The endpoint takes a permit for every request that opens a session.
        let permit = permit.ok_or_else(|| Self::Error::SessionNotFound("".into()))?;
        let (id, transport) = self.local.create_session().await?;
        self.registry.insert(id.clone(), permit);
        Ok((id, ServerTransport::Session(transport)))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let _request = self.begin_request(id)?;
        self.local.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.registry.contains(id))
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.registry.remove(id);
        // It is no longer found, even if closing it takes too long.
        timeout(CLOSE_TIMEOUT, self.local.close_session(id)).await.unwrap_or(Ok(()))
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = self.begin_request(id)?;
        Ok(hold(request, self.local.create_stream(id, message).await?))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        let _request = self.begin_request(id)?;
        self.local.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = self.begin_request(id)?;
        Ok(hold(request, self.local.create_standalone_stream(id).await?))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = self.begin_request(id)?;
        Ok(hold(request, self.local.resume(id, last_event_id).await?))
    }
}

/// The same stream, which holds `request` until it is dropped.
fn hold<S: Stream>(request: SessionRequest, stream: S) -> impl Stream<Item = S::Item> {
    stream.inspect(move |_| {
        let _ = &request;
    })
}
