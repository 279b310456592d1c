//! The listener: accepts connections, bounds their idle time and shuts them down gracefully.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{BoxError, body::Body};
#[cfg(feature = "websocket")]
use http::header;
use http::{Request, Version};
#[cfg(feature = "websocket")]
use http_body::Body as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::MissedTickBehavior,
};
use tokio_util::task::TaskTracker;

#[cfg(feature = "websocket")]
use super::connections::UpgradeGuard;
use super::{
    connections::{
        ConnectionState, Connections, FIRST_REQUEST_TIMEOUT, GuardedBody, IDLE_TIMEOUT,
        RequestGuard, TICK, WriteTracker,
    },
    drain::{Drain, DrainPhase},
    handover::{Accepting, Handover, close_after, relay},
    peer::Peer,
    service::ToolgateService,
};

/// How long connections may take to end after the calls on them had to.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a program that was replaced may take to end.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(600);

/// Serves the connections of `listener` until its drain ends it, or another program has taken over; then
/// waits for open requests, not much longer than `calls_timeout`.
pub(crate) async fn listen(
    listener: TcpListener,
    service: ToolgateService,
    handover: Option<Arc<Handover>>,
    (drain, calls_timeout): (Arc<Drain>, Duration),
) {
    let (connections, tasks) = (Connections::default(), TaskTracker::new());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = std::pin::pin!(drain.reached(DrainPhase::Ending));
    let mut not_ready = std::pin::pin!(drain.reached(DrainPhase::NotReady));
    let mut is_draining = false;
    let mut accepting = handover.as_ref().map(|handover| handover.accepting());
    let own_address = handover.as_ref().and_then(|_| listener.local_addr().ok());
    let mut is_leaving = false;
    let begin = |(stream, address): (TcpStream, SocketAddr), (is_draining, own_address)| {
        // Without Nagle's algorithm, which would delay the end of a response.
        let _ = stream.set_nodelay(true);
        let Some(state) = connections.open() else {
            tracing::warn!(target: "toolgate::server", "a connection was refused: too many are open, and each has a request to answer");
            return;
        };
        if is_draining {
            state.drain();
        }
        // What comes from elsewhere is not relayed, because it would seem to come from here.
        let handover = handover.clone().zip(own_address);
        let handover = handover.filter(|_| address.ip().to_canonical().is_loopback());
        state.outlast_handover(handover.is_some());
        tasks.spawn(serve((stream, address), state, service.clone(), handover));
    };
    loop {
        let now = accepting.as_mut().map_or(Accepting::Open, |it| *it.borrow_and_update());
        if now == Accepting::Leaving {
            is_leaving = true;
            break;
        }
        let (stream, address) = tokio::select! {
            () = &mut shutdown => break,
            () = &mut not_ready, if !is_draining => {
                is_draining = true;
                connections.for_each(ConnectionState::drain);
                continue;
            }
            () = changed(accepting.as_mut()) => continue,
            _ = tick.tick() => {
                connections.close_idle();
                continue;
            }
            accepted = listener.accept(), if now == Accepting::Open => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    back_off(&error).await;
                    continue;
                }
            },
        };
        begin((stream, address), (is_draining, own_address));
    }
    // Connections that were made and not accepted would be reset.
    // The system is asked, and not tokio, which may not have heard of the last of them.
    if let Ok(listener) = listener.into_std() {
        while !is_leaving && let Ok((stream, address)) = listener.accept() {
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                begin((stream, address), (true, own_address));
            }
        }
    }
    tasks.close();
    if is_leaving {
        connections.hand_over();
        let ended = async {
            loop {
                tokio::select! {
                    () = tasks.wait() => break,
                    () = &mut shutdown => break,
                    _ = tick.tick() => connections.close_idle(),
                }
            }
        };
        let _ = tokio::time::timeout(HANDOVER_TIMEOUT, ended).await;
    }
    connections.shut_down_older();
    let ended = async {
        if tokio::time::timeout(FIRST_REQUEST_TIMEOUT, tasks.wait()).await.is_err() {
            connections.shut_down();
            tasks.wait().await;
        }
        #[cfg(any(feature = "sse", feature = "websocket"))]
        service.connections_ended().await;
    };
    if tokio::time::timeout(calls_timeout + CLOSE_TIMEOUT, ended).await.is_err() {
        tracing::warn!(target: "toolgate::server", seconds = calls_timeout.as_secs(), "calls are broken off: they took longer than a drain may");
        connections.close();
    }
}

/// Serves one connection. `handover`: that of its listener, and the listener's address.
async fn serve(
    (stream, address): (TcpStream, SocketAddr),
    state: Arc<ConnectionState>,
    service: ToolgateService,
    handover: Option<(Arc<Handover>, SocketAddr)>,
) {
    let stream = TokioIo::new(WriteTracker::new(stream, Arc::clone(&state)));
    #[cfg(feature = "websocket")]
    let upgrades = service.takes_upgrades();
    let service = service_fn(|request: Request<Incoming>| {
        let (service, request_guard) = (service.clone(), state.begin_request());
        // A request that becomes a WebSocket has no body. Another one may wait for its body meanwhile.
        #[cfg(feature = "websocket")]
        let upgrade = upgrades
            && request.body().is_end_stream()
            && request.headers().contains_key(header::UPGRADE);
        #[cfg(feature = "websocket")]
        let upgrade = upgrade.then(|| UpgradeGuard::new(state.begin_request()));
        let handover = handover.clone();
        if request.version() == Version::HTTP_2 {
            state.outlast_handover(false);
        }
        async move {
            let version = request.version();
            let mut answering = None;
            if let Some((handover, address)) = &handover {
                answering = handover.admit();
                if answering.is_none() {
                    return Ok(relayed(*address, request, request_guard).await);
                }
            }
            #[cfg_attr(not(feature = "websocket"), expect(unused_mut))]
            let (mut parts, body) = request.into_parts();
            #[cfg(feature = "websocket")]
            if let Some(upgrade) = upgrade {
                parts.extensions.insert(upgrade);
            }
            let peer = Peer { address: Some(address), caches: Some(request_guard.caches()) };
            let body = request_guard.body(body);
            let mut response = service.respond(parts, body, peer).await;
            if let Some((handover, _)) = &handover {
                handover.finish(version, &mut response);
                drop(answering);
            }
            if request_guard.connection().is_draining() {
                close_after(version, &mut response);
            }
            Ok::<_, Infallible>(response.map(|body| request_guard.hold_until_end(body)))
        }
    });
    let builder = builder();
    #[cfg(feature = "websocket")]
    if upgrades {
        let connection = builder.serve_connection_with_upgrades(stream, service);
        let finish = auto::UpgradeableConnection::graceful_shutdown;
        log_failure(Box::pin(state.watch(connection, finish)).await);
        return;
    }
    let connection = builder.serve_connection(stream, service);
    let finish = auto::Connection::graceful_shutdown;
    log_failure(state.watch(connection, finish).await);
}

/// Completes when it is time to look again whether connections are accepted.
async fn changed(accepting: Option<&mut watch::Receiver<Accepting>>) {
    let changed = match accepting {
        Some(accepting) => accepting.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        std::future::pending::<()>().await;
    }
}

/// The response of the program that takes over.
async fn relayed(
    address: SocketAddr,
    request: Request<Incoming>,
    guard: RequestGuard,
) -> http::Response<GuardedBody<Body>> {
    let is_http2 = request.version() == Version::HTTP_2;
    let response = Box::pin(relay(address, request)).await;
    if is_http2 {
        guard.connection().shut_down();
    }
    response.map(|body| guard.hold_until_end(body))
}

fn log_failure(ended: Result<(), BoxError>) {
    if let Err(error) = ended {
        tracing::debug!(target: "toolgate::server", error, "a connection failed");
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Head and body are copied into one buffer and sent by one plain write, which is cheaper for
    // small responses.
    builder.http1().writev(false);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(IDLE_TIMEOUT);
    builder
}

/// Waits after an error of `accept`, unless the error is of one connection: without free file
/// descriptors the next attempt would fail at once.
async fn back_off(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(target: "toolgate::server", %error, "no connection can be accepted");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
