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
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::peer::ConnectionCaches;

/// How long a client may take for the head of a request, and a connection may be idle.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How often idle connections are looked for.
pub(super) const TICK: Duration = Duration::from_secs(5);

/// How often a connection is polled in a row before other tasks run.
const MAX_POLLS: usize = 16;

/// The most connections of a listener. A further one takes the place of the idlest.
const MAX_CONNECTIONS: usize = 10_000;

/// The open connections of a listener.
#[derive(Default)]
pub(super) struct Connections(Mutex<Vec<Weak<ConnectionState>>>);

/// What a connection has been asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Command {
    Serve,
    /// Answer the open requests, and begin no others.
    ShutDown,
    Close,
}

/// The state of one connection, shared with the listener.
#[derive(Default)]
pub(super) struct ConnectionState {
    /// Requests whose responses are not complete.
    requests: AtomicU32,
    /// Ticks since the connection was last used.
    idle_ticks: AtomicU32,
    /// Whether the client does not read what is written.
    is_blocked: AtomicBool,
    /// A [`Command`].
    command: AtomicU8,
    task: OnceLock<Waker>,
    is_polled: AtomicBool,
    is_woken: AtomicBool,
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

/// The body of a response, which keeps its request open until it ends.
pub(super) struct GuardedBody<B> {
    body: B,
    _request: RequestGuard,
}

/// A stream that marks its connection as used when it is written to.
pub(super) struct WriteTracker<S> {
    stream: S,
    state: Arc<ConnectionState>,
}

impl Connections {
    /// The state of a new connection. `None`: there are too many, and each has a request under way.
    pub(super) fn open(&self) -> Option<Arc<ConnectionState>> {
        self.open_among(MAX_CONNECTIONS)
    }

    fn open_among(&self, max: usize) -> Option<Arc<ConnectionState>> {
        let mut states = self.lock();
        if states.len() >= max {
            states.retain(|state| state.strong_count() > 0);
        }
        if states.len() >= max {
            let idle = states.iter().enumerate().filter_map(|(at, state)| {
                let state = state.upgrade().filter(|state| state.requests.load(SeqCst) == 0)?;
                Some((state.idle_ticks.load(Relaxed), at, state))
            });
            let (_, at, idlest) = idle.max_by_key(|(ticks, at, _)| (*ticks, Reverse(*at)))?;
            // It ends soon, and no longer counts.
            states.swap_remove(at);
            idlest.send(Command::Close);
        }
        let state = Arc::new(ConnectionState::default());
        states.push(Arc::downgrade(&state));
        Some(state)
    }

    /// Closes the connections that are idle, or whose clients do not read, for too long. To be called
    /// every [`TICK`].
    pub(super) fn close_idle(&self) {
        self.for_each(|state| {
            if (state.requests.load(SeqCst) == 0 || state.is_blocked.load(Relaxed))
                && TICK * state.idle_ticks.fetch_add(1, SeqCst).saturating_add(1) > IDLE_TIMEOUT
            {
                state.send(Command::Close);
            }
        });
    }

    /// Shuts all connections down gracefully.
    pub(super) fn shut_down(&self) {
        self.for_each(|state| state.send(Command::ShutDown));
    }

    fn for_each(&self, f: impl Fn(&Arc<ConnectionState>)) {
        self.lock().retain(|state| state.upgrade().map(|state| f(&state)).is_some());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<ConnectionState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionState {
    fn send(self: &Arc<Self>, command: Command) {
        self.command.fetch_max(command as u8, SeqCst);
        self.wake_by_ref();
    }

    fn command(&self) -> Command {
        match self.command.load(SeqCst) {
            0 => Command::Serve,
            1 => Command::ShutDown,
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
                    Command::Serve => {}
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

    /// The body, which holds the guard until it is dropped.
    pub(super) fn hold_until_end<B>(self, body: B) -> GuardedBody<B> {
        GuardedBody { body, _request: self }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.idle_ticks.store(0, Relaxed);
        self.0.requests.fetch_sub(1, SeqCst);
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Ticks until an idle connection is closed.
    const TICKS: u32 = 16;

    fn tick(connections: &Connections, times: u32) {
        (0..times).for_each(|_| connections.close_idle());
    }

    /// Whether a connection with nothing to do is still open.
    async fn is_open(state: &Arc<ConnectionState>, ends: bool) -> bool {
        let asked = AtomicBool::new(false);
        let silent = std::future::poll_fn(|_| {
            let over = ends && asked.load(SeqCst);
            if over { Poll::Ready(Ok::<_, Infallible>(())) } else { Poll::Pending }
        });
        let mut watched = std::pin::pin!(state.watch(silent, |_| asked.store(true, SeqCst)));
        std::future::poll_fn(|cx| Poll::Ready(watched.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn an_idle_connection_is_closed() {
        let connections = Connections::default();
        let (idle, busy) = (connections.open().unwrap(), connections.open().unwrap());
        let request = busy.begin_request();
        tick(&connections, TICKS - 1);
        assert!(is_open(&idle, false).await);
        tick(&connections, 1);
        assert!(!is_open(&idle, false).await);
        tick(&connections, TICKS);
        assert!(is_open(&busy, false).await, "its request is under way");
        // The time begins when the response ends.
        drop(request);
        tick(&connections, TICKS - 1);
        assert!(is_open(&busy, false).await);
        tick(&connections, 1);
        assert!(!is_open(&busy, false).await);
    }

    #[tokio::test]
    async fn a_connection_that_is_written_to_is_not_idle() {
        let connections = Connections::default();
        let state = connections.open().unwrap();
        let (stream, _other) = tokio::io::duplex(64);
        let mut stream = WriteTracker::new(stream, Arc::clone(&state));
        tick(&connections, TICKS - 1);
        stream.write_all(b"slowly").await.unwrap();
        tick(&connections, TICKS - 1);
        assert!(is_open(&state, false).await);
        tick(&connections, 1);
        assert!(!is_open(&state, false).await);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_not_waited_for() {
        let connections = Connections::default();
        let state = connections.open().unwrap();
        let _request = state.begin_request();
        let (stream, mut other) = tokio::io::duplex(4);
        let mut stream = WriteTracker::new(stream, Arc::clone(&state));
        let mut write = std::pin::pin!(stream.write_all(b"more than fits"));
        let blocks = std::future::poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_pending()));
        assert!(blocks.await);
        tick(&connections, TICKS - 1);
        assert!(is_open(&state, false).await);
        // What reads, however slowly, is served.
        let mut four = [0; 4];
        other.read_exact(&mut four).await.unwrap();
        assert!(std::future::poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_pending())).await);
        tick(&connections, TICKS - 1);
        assert!(is_open(&state, false).await);
        tick(&connections, 1);
        assert!(!is_open(&state, false).await);
    }

    #[tokio::test]
    async fn a_further_connection_takes_the_place_of_the_idlest() {
        let connections = Connections::default();
        let open = || connections.open_among(3);
        let (first, second) = (open().unwrap(), open().unwrap());
        tick(&connections, 1);
        let third = open().unwrap();
        let _request = first.begin_request();
        let fourth = open().unwrap();
        assert!(!is_open(&second, false).await, "the idlest without a request");
        for state in [&first, &third, &fourth] {
            assert!(is_open(state, false).await);
        }
        let _busy = [third.begin_request(), fourth.begin_request()];
        assert!(open().is_none(), "no request is broken off");
        drop((first, second));
        assert_eq!(connections.lock().len(), 3);
    }

    #[tokio::test]
    async fn shutdown_ends_connections_gracefully() {
        let connections = Connections::default();
        let states = [connections.open().unwrap(), connections.open().unwrap()];
        assert!(is_open(&states[0], true).await);
        connections.shut_down();
        assert!(!is_open(&states[0], true).await);
        assert!(is_open(&states[1], false).await, "open requests are answered");
    }

    #[tokio::test]
    async fn a_connection_woken_while_polled_is_polled_again() {
        let state = Connections::default().open().unwrap();
        let mut polls = 0;
        let connection = std::future::poll_fn(|cx: &mut Context<'_>| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 100 { Poll::Pending } else { Poll::Ready(Ok::<_, Infallible>(())) }
        });
        // More often than in a row, so that the scheduler takes part.
        state.watch(connection, |_| ()).await.unwrap();
        assert_eq!(polls, 100);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_wake_from_another_thread_is_not_lost() {
        for _ in 0..200 {
            let state = Connections::default().open().unwrap();
            let (to_it, mut numbers) = tokio::sync::mpsc::channel::<u32>(1);
            let connection = std::future::poll_fn(move |cx: &mut Context<'_>| {
                loop {
                    match std::task::ready!(numbers.poll_recv(cx)) {
                        Some(_) => {}
                        None => return Poll::Ready(Ok::<_, Infallible>(())),
                    }
                }
            });
            let watched = tokio::spawn(async move { state.watch(connection, |_| ()).await });
            for number in 0..50 {
                to_it.send(number).await.unwrap();
            }
            drop(to_it);
            watched.await.unwrap().unwrap();
        }
    }
}
