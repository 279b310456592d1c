//! Connections of a listener: idle ones are closed, all of them are shut down gracefully.
//!
//! A timer for each request would cost more than reading its head, so one task checks all connections
//! at intervals. A connection is idle if no request is under way and nothing is written: bytes that
//! arrive without completing a request do not keep it open.
//!
//! hyper-util's `GracefulShutdown` is not used: it polls a channel whenever a connection is polled, and
//! leaves every wake within a connection to tokio's scheduler. That is 37 700 instructions a call over
//! a socket instead of 37 100, client included, as Valgrind counts them.

use std::{
    cmp::Reverse,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) use self::bodies::GuardedBody;
use super::peer::ConnectionCaches;

/// How long a client may take for the head of a request, and a connection may be idle.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long the first request of a connection is waited for when the listener ends.
pub(super) const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// How often idle connections are looked for.
pub(super) const TICK: Duration = Duration::from_secs(5);

/// How often a connection is polled in a row before other tasks run.
const MAX_POLLS: usize = 16;

/// The most connections of a listener. A further one takes the place of the idlest, or else of one that
/// waits for the body of each of its requests.
const MAX_CONNECTIONS: usize = 10_000;

/// The open connections of a listener.
#[derive(Default)]
pub(super) struct Connections(Mutex<Vec<Weak<ConnectionState>>>);

/// What a connection has been asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Command {
    Serve,
    /// Say in each response that no other request may follow.
    Drain,
    /// Answer the open requests, and begin no others.
    ShutDown,
    Close,
}

/// The state of one connection, shared with the listener.
#[derive(Default)]
pub(super) struct ConnectionState {
    /// Requests whose responses are not complete.
    requests: AtomicU32,
    /// Those whose clients have not sent what is to be read of their bodies.
    awaited_bodies: AtomicU32,
    /// Ticks since the connection was last used.
    idle_ticks: AtomicU32,
    /// Whether the client does not read what is written.
    is_blocked: AtomicBool,
    /// A [`Command`].
    command: AtomicU8,
    task: OnceLock<Waker>,
    is_polled: AtomicBool,
    is_woken: AtomicBool,
    /// Whether it is open until a response says otherwise, when another program takes over.
    outlasts_handover: AtomicBool,
    /// When it was accepted.
    accepted_at: Option<Instant>,
    caches: ConnectionCaches,
}

/// An open request; its connection is not idle while it is held.
pub(super) struct RequestGuard(Arc<ConnectionState>);

/// Request extension: a request that is under way until its connection, which is no longer one of
/// HTTP, has ended.
#[cfg(feature = "websocket")]
#[derive(Clone)]
pub(super) struct UpgradeGuard {
    _request: Arc<RequestGuard>,
}

#[cfg(feature = "websocket")]
impl UpgradeGuard {
    pub(super) fn new(request: RequestGuard) -> Self {
        Self { _request: Arc::new(request) }
    }
}

/// A stream that marks its connection as used when it is written to.
pub(super) struct WriteTracker<S> {
    stream: S,
    state: Arc<ConnectionState>,
}

impl Connections {
    /// The state of a new connection. `None`: there are too many, and each has a request to answer.
    pub(super) fn open(&self) -> Option<Arc<ConnectionState>> {
        self.open_among(MAX_CONNECTIONS)
    }

    fn open_among(&self, max: usize) -> Option<Arc<ConnectionState>> {
        let mut states = self.lock();
        if states.len() >= max {
            states.retain(|state| state.strong_count() > 0);
        }
        if states.len() >= max {
            let waiting = states.iter().enumerate().filter_map(|(at, state)| {
                let state = state.upgrade().filter(|state| state.waits_for_client())?;
                let is_idle = state.requests.load(SeqCst) == 0;
                Some(((is_idle, state.idle_ticks.load(Relaxed), Reverse(at)), at, state))
            });
            let (_, at, idlest) = waiting.max_by_key(|(order, ..)| *order)?;
            // It ends soon, and no longer counts.
            states.swap_remove(at);
            idlest.send(Command::Close);
        }
        let accepted_at = Some(Instant::now());
        let state = Arc::new(ConnectionState { accepted_at, ..ConnectionState::default() });
        states.push(Arc::downgrade(&state));
        Some(state)
    }

    /// Closes the connections that are idle, or whose clients do not read, for too long. To be called
    /// every [`TICK`].
    pub(super) fn close_idle(&self) {
        self.for_each(|state| {
            if (state.waits_for_client() || state.is_blocked.load(Relaxed))
                && TICK * state.idle_ticks.fetch_add(1, SeqCst).saturating_add(1) > IDLE_TIMEOUT
            {
                state.send(Command::Close);
            }
        });
    }

    /// Closes all connections, whatever is under way.
    pub(super) fn close(&self) {
        self.for_each(|state| state.send(Command::Close));
    }

    /// Shuts the connections down gracefully that were accepted some time ago. The first request of
    /// a newer one may be on its way; it ends with the response to that.
    pub(super) fn shut_down_older(&self) {
        self.for_each(|state| {
            if state.accepted_at.is_some_and(|at| at.elapsed() < FIRST_REQUEST_TIMEOUT) {
                state.drain();
            } else {
                state.shut_down();
            }
        });
    }

    /// Shuts all connections down gracefully.
    pub(super) fn shut_down(&self) {
        self.for_each(ConnectionState::shut_down);
    }

    /// Shuts down the connections that tell their clients so; the others end with a response.
    pub(super) fn hand_over(&self) {
        self.for_each(|state| {
            if !state.outlasts_handover.load(SeqCst) {
                state.shut_down();
            }
        });
    }

    pub(super) fn for_each(&self, f: impl Fn(&Arc<ConnectionState>)) {
        self.lock().retain(|state| state.upgrade().map(|state| f(&state)).is_some());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<ConnectionState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionState {
    /// Whether there is nothing to answer: no request, or none whose body is there.
    fn waits_for_client(&self) -> bool {
        self.awaited_bodies.load(Relaxed) >= self.requests.load(SeqCst)
    }

    fn send(self: &Arc<Self>, command: Command) {
        self.command.fetch_max(command as u8, SeqCst);
        self.wake_by_ref();
    }

    /// Lets the connection end with its next response.
    pub(super) fn drain(self: &Arc<Self>) {
        self.command.fetch_max(Command::Drain as u8, SeqCst);
    }

    /// Whether the next response is the last one, as far as the connection can say so.
    pub(super) fn is_draining(&self) -> bool {
        self.command.load(Relaxed) != Command::Serve as u8
    }

    /// Answers the open requests, and begins no others.
    pub(super) fn shut_down(self: &Arc<Self>) {
        self.send(Command::ShutDown);
    }

    /// Sets whether it is open until a response says otherwise, when another program takes over.
    pub(super) fn outlast_handover(&self, outlasts: bool) {
        self.outlasts_handover.store(outlasts, SeqCst);
    }

    fn command(&self) -> Command {
        match self.command.load(SeqCst) {
            0 => Command::Serve,
            1 => Command::Drain,
            2 => Command::ShutDown,
            _ => Command::Close,
        }
    }

    pub(super) fn begin_request(self: &Arc<Self>) -> RequestGuard {
        self.requests.fetch_add(1, Relaxed);
        RequestGuard(Arc::clone(self))
    }

    /// Drives a connection in a task of its own. `shut_down` begins its graceful shutdown.
    pub(super) async fn watch<C, E>(
        self: &Arc<Self>,
        connection: C,
        shut_down: impl Fn(Pin<&mut C>),
    ) -> Result<(), E>
    where
        C: Future<Output = Result<(), E>>,
    {
        let mut connection = std::pin::pin!(connection);
        let waker = Waker::from(Arc::clone(self));
        let mut shutting_down = false;
        std::future::poll_fn(|task| {
            self.task.get_or_init(|| task.waker().clone());
            self.is_polled.store(true, SeqCst);
            for _ in 0..MAX_POLLS {
                self.is_woken.store(false, SeqCst);
                match self.command() {
                    Command::Serve | Command::Drain => {}
                    Command::ShutDown if shutting_down => {}
                    Command::ShutDown => {
                        shutting_down = true;
                        shut_down(connection.as_mut());
                    }
                    Command::Close => return Poll::Ready(Ok(())),
                }
                let polled = connection.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() {
                    return polled;
                }
                if !self.is_woken.load(SeqCst) {
                    break;
                }
            }
            self.is_polled.store(false, SeqCst);
            // Another thread may have woken the connection after its last poll.
            if self.is_woken.load(SeqCst) {
                task.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }
}

/// The parts of a connection wake each other whenever one has something for the next. Then the
/// connection is polled again at once, without a round trip through the scheduler.
impl Wake for ConnectionState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, SeqCst);
        if !self.is_polled.load(SeqCst)
            && let Some(task) = self.task.get()
        {
            task.wake_by_ref();
        }
    }
}

impl RequestGuard {
    pub(super) fn caches(&self) -> &ConnectionCaches {
        &self.0.caches
    }

    pub(super) fn connection(&self) -> &Arc<ConnectionState> {
        &self.0
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.idle_ticks.store(0, Relaxed);
        self.0.requests.fetch_sub(1, SeqCst);
    }
}

impl<S> WriteTracker<S> {
    pub(super) fn new(stream: S, state: Arc<ConnectionState>) -> Self {
        Self { stream, state }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTracker<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTracker<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.state.idle_ticks.store(0, Relaxed);
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.state.is_blocked.store(written.is_pending(), Relaxed);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

mod bodies;
#[cfg(test)]
mod tests;
