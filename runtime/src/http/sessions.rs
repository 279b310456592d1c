//! Live sessions: those of clients before 2026-07-28 that need a service loop of rmcp, for a stream or
//! for requests to the client.
//!
//! A session lives in its identifier. Its machinery is started where a request needs it, and started
//! again wherever the next one arrives: for rmcp the identifier is restored from a store. rmcp's own
//! manager keeps any number of sessions, and ends one whose call takes long. Here each caller has a
//! limit, idle sessions make room for others, and one with a request under way is not idle.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex as StdMutex, MutexGuard as StdMutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{Stream, StreamExt};
use rmcp::{
    Peer, RoleServer,
    model::{ClientJsonRpcMessage, InitializeRequestParams, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        SessionManager,
        session::{
            RestoreOutcome, ServerSseMessage, SessionId, SessionState, SessionStore,
            SessionStoreError,
            local::{LocalSessionManager, LocalSessionManagerError},
        },
    },
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, interval_at, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    sealed_session::SessionKey,
    session_notices::SessionNotices,
    session_registry::{Machinery, SessionOwner, SessionPermit, SessionRegistry, SessionRequest},
};
use crate::{
    mcp::{request::LivePeers, transport::ServerTransport},
    support::background,
};

/// The machinery of a session ends after this long without a message or a request under way.
const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How often idle sessions are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How long a session may take to close. One whose stream is not read never closes by itself.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How many sessions may be restored at once, at most.
const MAX_RESTORING: usize = 64;

tokio::task_local! {
    /// The session that the running request may start.
    static STARTING: Arc<Starting>;
}

/// A session that a request may start: a new one, or one that no longer lives, or not in this process.
pub(super) struct Starting {
    pub(super) id: SessionId,
    pub(super) owner: SessionOwner,
    /// What the client said when it began. `None`: it says so now.
    pub(super) client: Option<InitializeRequestParams>,
    /// Taken before rmcp is asked, which would remember for a moment that the session was not found.
    permit: StdMutex<Option<SessionPermit>>,
    /// Whether its owner may have no more sessions.
    refused: AtomicBool,
}

impl Starting {
    pub(super) fn new(
        id: SessionId,
        (principal, address): (&str, Option<IpAddr>),
        client: Option<InitializeRequestParams>,
    ) -> Self {
        let owner = SessionOwner::new(principal, address);
        Self { id, owner, client, permit: StdMutex::default(), refused: AtomicBool::new(false) }
    }

    fn permit(&self) -> StdMutexGuard<'_, Option<SessionPermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The live sessions of a server.
pub(crate) struct Sessions {
    local: Arc<LocalSessionManager>,
    registry: Arc<SessionRegistry>,
    restoring: [Mutex<()>; MAX_RESTORING],
    /// What clients that listen here hear of other replicas' calls.
    notices: Option<Arc<SessionNotices>>,
}

/// The caller may have no more sessions, and none of the live ones is idle.
#[derive(Debug)]
pub(crate) struct TooManySessions;

impl Sessions {
    pub(super) fn new(notices: Option<SessionNotices>) -> Arc<Self> {
        let mut local = LocalSessionManager::default();
        // The sweep below ends idle sessions; it knows which requests are under way.
        local.session_config.keep_alive = None;
        let restoring = std::array::from_fn(|_| Mutex::default());
        let notices = notices.map(Arc::new);
        let sessions =
            Arc::new(Self { local: Arc::new(local), registry: Arc::default(), restoring, notices });
        let weak = Arc::downgrade(&sessions);
        background::spawn(async move {
            let mut sweep = interval_at(Instant::now() + SWEEP_INTERVAL, SWEEP_INTERVAL);
            loop {
                sweep.tick().await;
                let Some(sessions) = weak.upgrade() else { return };
                for machinery in sessions.registry.remove_idle(SESSION_IDLE_TIMEOUT) {
                    sessions.close_in_background(machinery);
                }
            }
        });
        sessions
    }

    /// Runs a request that may start a session.
    pub(super) async fn start<T>(
        &self,
        starting: Starting,
        request: impl Future<Output = T>,
    ) -> Result<T, TooManySessions> {
        if !self.registry.contains(&starting.id) {
            *starting.permit() = Some(self.acquire(&starting.owner).ok_or(TooManySessions)?);
        }
        let starting = Arc::new(starting);
        let response = STARTING.scope(Arc::clone(&starting), request).await;
        if starting.refused.load(Relaxed) { Err(TooManySessions) } else { Ok(response) }
    }

    /// Waits until no other request restores the session. rmcp fails the second of two that do.
    pub(super) async fn restoring(&self, key: SessionKey) -> MutexGuard<'_, ()> {
        self.restoring[usize::from(key[0]) % MAX_RESTORING].lock().await
    }

    /// Whether the session lives in this process.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.registry.contains(id)
    }

    /// The owner of a live session; empty if an anonymous caller has it.
    pub(super) fn owner(&self, id: &str) -> Option<Arc<str>> {
        self.registry.owner(id)
    }

    /// Gives an anonymous session to `owner`, who has signed in. Returns whether it did.
    pub(super) fn adopt(&self, id: &str, owner: &str) -> bool {
        self.registry.adopt(id, &SessionOwner::new(owner, None))
    }

    /// Closes a session, with the requests that are under way in it.
    pub(super) async fn close(&self, id: &str) {
        if let Some(machinery) = self.registry.remove(id) {
            close(&self.local, &machinery).await;
        }
    }

    /// A permit for `owner`, for which an idle session may be closed: clients rarely close theirs.
    fn acquire(&self, owner: &SessionOwner) -> Option<SessionPermit> {
        loop {
            match self.registry.acquire(owner) {
                Ok(permit) => return Some(permit),
                Err(limit) => {
                    self.close_in_background(self.registry.remove_idlest(limit, owner)?);
                }
            }
        }
    }

    fn close_in_background(&self, machinery: SessionId) {
        let local = Arc::clone(&self.local);
        background::spawn(async move { close(&local, &machinery).await });
    }

    fn begin_request(&self, id: &SessionId) -> Result<SessionRequest, LocalSessionManagerError> {
        let request = self.registry.begin_request(id);
        request.ok_or_else(|| LocalSessionManagerError::SessionNotFound(id.clone()))
    }

    /// The stream on which the client of a session listens, with the notices of other replicas.
    fn listening(
        &self,
        id: &SessionId,
        request: SessionRequest,
        stream: MessageStream,
    ) -> MessageStream {
        let Some(notices) = &self.notices else { return hold(request, stream) };
        let (notices, registry) = (Arc::clone(notices), Arc::clone(&self.registry));
        let id = id.clone();
        let delivery =
            background::spawn(async move { notices.deliver(&id, || registry.peer(&id)).await });
        hold((request, AbortOnDropHandle::new(delivery)), stream)
    }

    /// Starts the machinery of the session that the running request may start.
    async fn start_machinery(
        &self,
    ) -> Result<(SessionId, ServerTransport), LocalSessionManagerError> {
        // The endpoint says so for every request that may.
        let starting = STARTING.try_with(Arc::clone);
        let not_found = || LocalSessionManagerError::SessionNotFound("".into());
        let starting = starting.map_err(|_| not_found())?;
        let permit = starting.permit().take();
        // There is none if the session was closed after the endpoint looked.
        let Some(permit) = permit.or_else(|| self.acquire(&starting.owner)) else {
            starting.refused.store(true, Relaxed);
            return Err(not_found());
        };
        let (id, transport) = self.local.create_session().await?;
        let alive = Arc::new(());
        let machinery = Machinery { id, alive: Arc::downgrade(&alive) };
        self.registry.insert(starting.id.clone(), permit, machinery);
        Ok((starting.id.clone(), ServerTransport::Session { transport, _alive: alive }))
    }
}

#[async_trait]
impl LivePeers for Sessions {
    fn get(&self, session: &str) -> Option<Peer<RoleServer>> {
        self.registry.peer(session)
    }

    fn set(&self, session: &str, peer: Peer<RoleServer>) {
        self.registry.set_peer(session, peer);
    }

    async fn pass_on(&self, session: &str, elicitation: &str) -> bool {
        let Some(notices) = &self.notices else { return false };
        let left = notices.leave(session, elicitation).await;
        if let Err(error) = &left {
            tracing::warn!(target: "toolgate::http", %error, "a notice cannot be stored");
        }
        left.is_ok()
    }
}

async fn close(local: &LocalSessionManager, machinery: &SessionId) {
    // It is no longer found, even if closing it takes too long.
    let _ = timeout(CLOSE_TIMEOUT, local.close_session(machinery)).await;
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = ServerTransport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        self.start_machinery().await
    }

    async fn restore_session(
        &self,
        id: SessionId,
    ) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        if self.registry.contains(&id) {
            return Ok(RestoreOutcome::AlreadyPresent);
        }
        let (_, transport) = self.start_machinery().await?;
        Ok(RestoreOutcome::Restored(transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let request = self.begin_request(id)?;
        self.local.initialize_session(&request.machinery, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.registry.contains(id))
    }

    /// Called by rmcp after a service loop has ended, and before the endpoint ends the session itself.
    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if let Some(machinery) = self.registry.remove_dead(id) {
            close(&self.local, &machinery).await;
        }
        Ok(())
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = self.begin_request(id)?;
        let stream: MessageStream =
            Box::pin(self.local.create_stream(&request.machinery, message).await?);
        Ok(hold(request, stream))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        let request = self.begin_request(id)?;
        self.local.accept_message(&request.machinery, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = self.begin_request(id)?;
        let stream: MessageStream =
            Box::pin(self.local.create_standalone_stream(&request.machinery).await?);
        Ok(self.listening(id, request, stream))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = self.begin_request(id)?;
        let stream: MessageStream =
            Box::pin(self.local.resume(&request.machinery, last_event_id).await?);
        Ok(self.listening(id, request, stream))
    }
}

type MessageStream = Pin<Box<dyn Stream<Item = ServerSseMessage> + Send + Sync>>;

/// The same stream, which holds `held` until it is dropped.
fn hold(held: impl Send + Sync + 'static, stream: MessageStream) -> MessageStream {
    Box::pin(stream.inspect(move |_| {
        let _ = &held;
    }))
}

/// rmcp's view of sessions that do not live in this process: their identifiers, which the endpoint has
/// opened.
pub(super) struct SealedSessionStore;

#[async_trait]
impl SessionStore for SealedSessionStore {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let client = STARTING
            .try_with(|starting| starting.client.as_ref().filter(|_| *starting.id == *id).cloned());
        Ok(client.ok().flatten().map(SessionState::new))
    }

    async fn store(&self, _: &str, _: &SessionState) -> Result<(), SessionStoreError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), SessionStoreError> {
        Ok(())
    }
}
