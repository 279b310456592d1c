//! Tests of connections without sockets.

use std::convert::Infallible;

use bytes::Bytes;
use http_body::{Body, Frame};
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

/// A body that comes when this is set.
#[derive(Clone, Default)]
struct Late(Arc<AtomicBool>);

impl Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.load(SeqCst) { Poll::Ready(None) } else { Poll::Pending }
    }
}

/// Reads the body, as far as it is there.
fn read(body: &mut (impl Body + Unpin)) {
    let _ = Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()));
}

#[tokio::test]
async fn connections_that_wait_for_bodies_make_room_after_idle_ones() {
    let connections = Connections::default();
    let open = || connections.open_among(3);
    let [idle, answering, waiting] = std::array::from_fn(|_| open().unwrap());
    let (answered, uploads) =
        (answering.begin_request(), [waiting.begin_request(), waiting.begin_request()]);
    let late = Late::default();
    let mut bodies = uploads.each_ref().map(|request| request.body(late.clone()));
    let mut body = answered.body(late.clone());
    read(&mut bodies[0]);
    tick(&connections, 1);
    let next = open().unwrap();
    assert!(!is_open(&idle, false).await, "an idle connection, however short");
    let _request = next.begin_request();
    assert!(open().is_none(), "one of the two requests has its body");

    bodies.iter_mut().for_each(read);
    late.0.store(true, SeqCst);
    read(&mut bodies[1]);
    assert!(open().is_none(), "now the other one");

    late.0.store(false, SeqCst);
    bodies.iter_mut().for_each(read);
    read(&mut body);
    late.0.store(true, SeqCst);
    read(&mut body);
    assert!(open().is_some());
    assert!(!is_open(&waiting, false).await, "its client has sent neither body");
    assert!(is_open(&answering, false).await && is_open(&next, false).await);
    drop((answered, body));
}

#[tokio::test]
async fn the_wait_for_a_body_begins_when_it_is_read() {
    let connections = Connections::default();
    let state = connections.open().unwrap();
    tick(&connections, TICKS - 1);
    let request = state.begin_request();
    let mut body = request.body(Late::default());
    read(&mut body);
    tick(&connections, TICKS - 1);
    assert!(is_open(&state, false).await, "the time without a request does not count");
    tick(&connections, 1);
    assert!(!is_open(&state, false).await);
}

#[tokio::test]
async fn a_body_that_is_dropped_is_not_waited_for() {
    let connections = Connections::default();
    let state = connections.open_among(1).unwrap();
    let request = state.begin_request();
    let mut body = request.body(Late::default());
    read(&mut body);
    drop(body);
    assert!(connections.open_among(1).is_none(), "the refusal is being written");
    drop(request);
    assert!(connections.open_among(1).is_some());
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
