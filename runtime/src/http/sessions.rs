//! The sessions of clients of 2025: whose they are, how many there may be, and when they end.
//!
//! rmcp opens as many as it is asked for, lets each one go on for a while after its last message,
//! and takes a call that says nothing for idleness. Here a caller has so many and no more, the
//! idle ones make room, and a session under whose name an answer is awaited is not idle.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        SessionManager,
        session::{
            ServerSseMessage, SessionId,
            local::{LocalSessionManager, LocalSessionManagerError as Fault},
        },
    },
};
use tokio::time::{Instant, interval_at, timeout};

use crate::stdio::transport::Wire;
use crate::support::background as task;

/// How many sessions a caller may have. Each is some 50 kB and three tasks.
const MOST_OF_ONE: usize = 256;

/// How many there may be in all.
const MOST: usize = 10_000;

/// A session ends after this long without a message or an answer under way.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// How often the idle ones are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// How long a session may take to end: one whose stream nobody reads takes for ever.
const ENDING: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The seat of the session that this request may begin.
    static SEAT: Cell<Option<Seat>>;
}

/// The sessions of a server.
pub(crate) struct Sessions {
    local: LocalSessionManager,
    room: Arc<Room>,
}

#[derive(Default)]
struct Room {
    open: Mutex<HashMap<SessionId, Session>>,
    /// Locked after `open`, if both are.
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_owner: HashMap<Arc<str>, usize>,
}

struct Session {
    seat: Seat,
    used: Instant,
    under_way: usize,
}

/// The right to one session; whoever drops it gives it back.
pub(crate) struct Seat {
    owner: Arc<str>,
    room: Arc<Room>,
}

/// There is no seat, and no idle session that could make room.
#[derive(Debug)]
pub(crate) struct Full;

/// A session is not idle while this is there.
struct UnderWay {
    id: SessionId,
    room: Arc<Room>,
}

impl Sessions {
    pub(crate) fn new() -> Arc<Self> {
        let mut local = LocalSessionManager::default();
        // Ended by the sweep, which knows what is under way.
        local.session_config.keep_alive = None;
        let sessions = Arc::new(Self { local, room: Arc::default() });
        let swept = Arc::downgrade(&sessions);
        task::spawn(async move {
            let mut sweep = interval_at(Instant::now() + SWEEP, SWEEP);
            loop {
                sweep.tick().await;
                let Some(sessions) = swept.upgrade() else { return };
                for id in sessions.room.end_older_than(IDLE) {
                    sessions.end(id);
                }
            }
        });
        sessions
    }

    /// Runs a request of `owner` that may begin a session.
    pub(crate) async fn begin<T>(
        self: &Arc<Self>,
        owner: String,
        request: impl Future<Output = T>,
    ) -> Result<T, Full> {
        let seat = self.seat(&owner.into())?;
        Ok(SEAT.scope(Cell::new(Some(seat)), request).await)
    }

    /// To whom the session belongs.
    pub(crate) fn owner(&self, id: &str) -> Option<Arc<str>> {
        self.room.open().get(id).map(|session| Arc::clone(&session.seat.owner))
    }

    /// Gives the session of nobody to `owner`: a client that began as a stranger has signed in.
    pub(crate) fn adopt(&self, id: &str, owner: &str) -> bool {
        let Ok(seat) = self.room.take(&owner.into()) else { return false };
        let mut open = self.room.open();
        let session = open.get_mut(id).filter(|session| session.seat.owner.is_empty());
        session.map(|session| session.seat = seat).is_some()
    }

    /// A seat for `owner`, for which an idle session may have to go: clients rarely end theirs, and
    /// begin another one where they find it ended.
    fn seat(self: &Arc<Self>, owner: &Arc<str>) -> Result<Seat, Full> {
        loop {
            let of = match self.room.take(owner) {
                Ok(seat) => return Ok(seat),
                Err(of) => of,
            };
            self.end(self.room.end_idlest(of).ok_or(Full)?);
        }
    }

    /// Ends what is no longer in the room.
    fn end(self: &Arc<Self>, id: SessionId) {
        let sessions = Arc::clone(self);
        task::spawn(async move { sessions.close_session(&id).await });
    }

    fn under_way(&self, id: &SessionId) -> Result<UnderWay, Fault> {
        match self.room.open().get_mut(id) {
            Some(session) => {
                session.under_way += 1;
                session.used = Instant::now();
            }
            None => return Err(Fault::SessionNotFound(id.clone())),
        }
        Ok(UnderWay { id: id.clone(), room: Arc::clone(&self.room) })
    }
}

impl Room {
    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat, or of whose sessions one has to end first; `None` is anybody.
    fn take<'a>(self: &Arc<Self>, owner: &'a Arc<str>) -> Result<Seat, Option<&'a str>> {
        let mut taken = self.taken();
        if taken.by_owner.get(owner).is_some_and(|taken| *taken >= MOST_OF_ONE) {
            return Err(Some(owner));
        }
        if taken.all >= MOST {
            return Err(None);
        }
        taken.all += 1;
        *taken.by_owner.entry(Arc::clone(owner)).or_default() += 1;
        Ok(Seat { owner: Arc::clone(owner), room: Arc::clone(self) })
    }

    /// Lets go of the session that has been idle for longest.
    fn end_idlest(&self, of: Option<&str>) -> Option<SessionId> {
        let mut open = self.open();
        let idle = open.iter().filter(|(_, session)| {
            session.under_way == 0 && of.is_none_or(|owner| *session.seat.owner == *owner)
        });
        let id = idle.min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone())?;
        open.remove(&id);
        Some(id)
    }

    fn end_older_than(&self, age: Duration) -> Vec<SessionId> {
        let is_over =
            |session: &mut Session| session.under_way == 0 && session.used.elapsed() >= age;
        self.open().extract_if(|_, session| is_over(session)).map(|(id, _)| id).collect()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        if let Some(mine) = taken.by_owner.get_mut(&self.owner) {
            *mine -= 1;
            if *mine == 0 {
                taken.by_owner.remove(&self.owner);
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(session) = self.room.open().get_mut(&self.id) {
            session.under_way -= 1;
            session.used = Instant::now();
        }
    }
}

impl SessionManager for Sessions {
    type Error = Fault;
    type Transport = Wire;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let seat = SEAT.try_with(Cell::take).ok().flatten();
        // The endpoint has one for every request that begins a session.
        let seat = seat.ok_or_else(|| Fault::SessionNotFound("".into()))?;
        let (id, transport) = self.local.create_session().await?;
        let session = Session { seat, used: Instant::now(), under_way: 0 };
        self.room.open().insert(id.clone(), session);
        Ok((id, Wire::Session(transport)))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let _under_way = self.under_way(id)?;
        self.local.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.room.open().contains_key(id))
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.room.open().remove(id);
        // It is no longer found, whether or not it has ended in time.
        timeout(ENDING, self.local.close_session(id)).await.unwrap_or(Ok(()))
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let under_way = self.under_way(id)?;
        Ok(along(self.local.create_stream(id, message).await?, under_way))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        let _under_way = self.under_way(id)?;
        self.local.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let under_way = self.under_way(id)?;
        Ok(along(self.local.create_standalone_stream(id).await?, under_way))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let under_way = self.under_way(id)?;
        Ok(along(self.local.resume(id, last_event_id).await?, under_way))
    }
}

/// Keeps `under_way` for as long as somebody listens to `stream`.
fn along<S: Stream>(stream: S, under_way: UnderWay) -> impl Stream<Item = S::Item> {
    stream.inspect(move |_| {
        let _ = &under_way;
    })
}
