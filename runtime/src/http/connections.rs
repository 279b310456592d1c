//! The connections of a listener, watched together.
//!
//! A timer for each request would cost more than to read its head; so one task looks at all of them
//! now and then. An idle connection is one on which no request is under way and nothing is written:
//! bytes that come in and make no request do not keep it open.

use std::{
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

use crate::gate::Memory;

/// How long a client may take for the head of a request, and a connection be idle.
pub(crate) const IDLE: Duration = Duration::from_secs(75);

/// How often the watcher looks.
pub(crate) const TICK: Duration = Duration::from_secs(5);

/// How often a connection is polled in a row, before it is the turn of others.
const MOST_POLLS: usize = 16;

const GO_ON: u8 = 0;
const FINISH: u8 = 1;
const LEAVE: u8 = 2;

/// The connections that are open.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Vec<Weak<Line>>>);

/// One of them, as its watcher sees it.
#[derive(Default)]
pub(crate) struct Line {
    /// Requests that are not answered to the end.
    requests: AtomicU32,
    /// How often the watcher found it idle since something happened.
    idle: AtomicU32,
    told: AtomicU8,
    task: OnceLock<Waker>,
    /// The connection is polled just now.
    polled: AtomicBool,
    /// It has to be polled once more.
    woken: AtomicBool,
    memory: Memory,
}

/// A request, as long as it is under way.
pub(crate) struct UnderWay(Arc<Line>);

/// The body of an answer: its request is under way as long as it is.
pub(crate) struct Answer<B> {
    body: B,
    _request: UnderWay,
}

/// A stream that tells its line when something is written.
pub(crate) struct Written<S> {
    stream: S,
    line: Arc<Line>,
}

impl Connections {
    pub(crate) fn open(&self) -> Arc<Line> {
        let line = Arc::new(Line::default());
        self.lock().push(Arc::downgrade(&line));
        line
    }

    /// Ends those that are idle for too long; to be called every [`TICK`].
    pub(crate) fn look(&self) {
        self.each(|line| {
            if line.requests.load(SeqCst) == 0
                && TICK * line.idle.fetch_add(1, SeqCst).saturating_add(1) > IDLE
            {
                line.tell(LEAVE);
            }
        });
    }

    /// Tells all of them to finish what is under way, and to begin nothing.
    pub(crate) fn finish(&self) {
        self.each(|line| line.tell(FINISH));
    }

    fn each(&self, to_do: impl Fn(&Arc<Line>)) {
        self.lock().retain(|line| line.upgrade().map(|line| to_do(&line)).is_some());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn tell(self: &Arc<Self>, what: u8) {
        self.told.fetch_max(what, SeqCst);
        self.wake_by_ref();
    }

    /// A request began.
    pub(crate) fn request(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Drives a connection of its own task to its end. `finish` asks it to begin nothing new.
    pub(crate) async fn watch<C, E>(
        self: &Arc<Self>,
        connection: C,
        finish: impl Fn(Pin<&mut C>),
    ) -> Result<(), E>
    where
        C: Future<Output = Result<(), E>>,
    {
        let mut connection = std::pin::pin!(connection);
        let waker = Waker::from(Arc::clone(self));
        let mut finishing = false;
        std::future::poll_fn(|task| {
            self.task.get_or_init(|| task.waker().clone());
            self.polled.store(true, SeqCst);
            for _ in 0..MOST_POLLS {
                self.woken.store(false, SeqCst);
                match self.told.load(SeqCst) {
                    GO_ON => {}
                    FINISH if finishing => {}
                    FINISH => {
                        finishing = true;
                        finish(connection.as_mut());
                    }
                    _ => return Poll::Ready(Ok(())),
                }
                let polled = connection.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() {
                    return polled;
                }
                if !self.woken.load(SeqCst) {
                    break;
                }
            }
            self.polled.store(false, SeqCst);
            // Somebody may just have relied on the next round.
            if self.woken.load(SeqCst) {
                task.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }
}

/// The parts of a connection wake each other, whenever one has something for the next. It is polled
/// again at once then, and not by way of the scheduler.
impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, SeqCst);
        if !self.polled.load(SeqCst)
            && let Some(task) = self.task.get()
        {
            task.wake_by_ref();
        }
    }
}

impl UnderWay {
    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub(crate) fn until_the_end_of<B>(self, body: B) -> Answer<B> {
        Answer { body, _request: self }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.idle.store(0, Relaxed);
        self.0.requests.fetch_sub(1, SeqCst);
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
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

impl<S> Written<S> {
    pub(crate) fn new(stream: S, line: Arc<Line>) -> Self {
        Self { stream, line }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Written<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Written<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.line.idle.store(0, Relaxed);
        Pin::new(&mut this.stream).poll_write(cx, bytes)
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

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// How often the watcher looks until a connection was idle for too long.
    const LOOKS: u32 = 16;

    fn look(connections: &Connections, times: u32) {
        (0..times).for_each(|_| connections.look());
    }

    /// Is a connection that has nothing to say still open?
    async fn is_open(line: &Arc<Line>, finishes: bool) -> bool {
        let told = AtomicBool::new(false);
        let silent = std::future::poll_fn(|_| {
            let over = finishes && told.load(SeqCst);
            if over { Poll::Ready(Ok::<_, Infallible>(())) } else { Poll::Pending }
        });
        let mut watched = std::pin::pin!(line.watch(silent, |_| told.store(true, SeqCst)));
        std::future::poll_fn(|cx| Poll::Ready(watched.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn who_is_idle_for_too_long_is_left() {
        let connections = Connections::default();
        let (idle, busy) = (connections.open(), connections.open());
        let request = busy.request();
        look(&connections, LOOKS - 1);
        assert!(is_open(&idle, false).await);
        look(&connections, 1);
        assert!(!is_open(&idle, false).await);
        look(&connections, LOOKS);
        assert!(is_open(&busy, false).await, "its request is under way");
        // The time begins when its answer ends.
        drop(request);
        look(&connections, LOOKS - 1);
        assert!(is_open(&busy, false).await);
        look(&connections, 1);
        assert!(!is_open(&busy, false).await);
    }

    #[tokio::test]
    async fn who_is_written_to_is_not_idle() {
        let connections = Connections::default();
        let line = connections.open();
        let (stream, _other) = tokio::io::duplex(64);
        let mut stream = Written::new(stream, Arc::clone(&line));
        look(&connections, LOOKS - 1);
        stream.write_all(b"slowly").await.unwrap();
        look(&connections, LOOKS - 1);
        assert!(is_open(&line, false).await);
        look(&connections, 1);
        assert!(!is_open(&line, false).await);
    }

    #[tokio::test]
    async fn at_the_end_all_are_told_to_finish() {
        let connections = Connections::default();
        let lines = [connections.open(), connections.open()];
        assert!(is_open(&lines[0], true).await);
        connections.finish();
        assert!(!is_open(&lines[0], true).await);
        assert!(is_open(&lines[1], false).await, "what is under way goes on");
    }

    #[tokio::test]
    async fn what_is_woken_while_it_is_polled_is_polled_again() {
        let line = Connections::default().open();
        let mut polls = 0;
        let connection = std::future::poll_fn(|cx: &mut Context<'_>| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 100 { Poll::Pending } else { Poll::Ready(Ok::<_, Infallible>(())) }
        });
        // More often than in a row; the rest is the scheduler's.
        line.watch(connection, |_| ()).await.unwrap();
        assert_eq!(polls, 100);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_of_another_thread_is_lost() {
        for _ in 0..200 {
            let line = Connections::default().open();
            let (to_it, mut numbers) = tokio::sync::mpsc::channel::<u32>(1);
            let connection = std::future::poll_fn(move |cx: &mut Context<'_>| {
                loop {
                    match std::task::ready!(numbers.poll_recv(cx)) {
                        Some(_) => {}
                        None => return Poll::Ready(Ok::<_, Infallible>(())),
                    }
                }
            });
            let watched = tokio::spawn(async move { line.watch(connection, |_| ()).await });
            for number in 0..50 {
                to_it.send(number).await.unwrap();
            }
            drop(to_it);
            watched.await.unwrap().unwrap();
        }
    }
}
