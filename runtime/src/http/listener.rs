//! The listener: accepts connections, bounds their idle time and shuts them down gracefully.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::BoxError;
use http::Request;
#[cfg(feature = "websocket")]
use http::header;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{net::TcpListener, time::MissedTickBehavior};
use tokio_util::task::TaskTracker;

#[cfg(feature = "websocket")]
use super::connections::UpgradeGuard;
use super::{
    connections::{Connections, IDLE_TIMEOUT, TICK, WriteTracker},
    peer::Peer,
    service::ToolgateService,
};

/// How long connections may take to end after shutdown began.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Serves the connections of `listener` until `shutdown` completes; then waits for open requests.
pub(crate) async fn listen(
    listener: TcpListener,
    service: ToolgateService,
    shutdown: impl Future<Output = ()>,
) {
    let (connections, tasks) = (Connections::default(), TaskTracker::new());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, address) = tokio::select! {
            () = &mut shutdown => break,
            _ = tick.tick() => {
                connections.close_idle();
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    back_off(&error).await;
                    continue;
                }
            },
        };
        // Without Nagle's algorithm, which would delay the end of a response.
        let _ = stream.set_nodelay(true);
        let Some(state) = connections.open() else {
            tracing::warn!(target: "toolgate::server", "a connection was refused: too many are open, and each has a request under way");
            continue;
        };
        let service = service.clone();
        tasks.spawn(async move {
            let stream = TokioIo::new(WriteTracker::new(stream, Arc::clone(&state)));
            #[cfg(feature = "websocket")]
            let upgrades = service.takes_upgrades();
            let service = service_fn(|request: Request<Incoming>| {
                let (service, request_guard) = (service.clone(), state.begin_request());
                #[cfg(feature = "websocket")]
                let upgrade = upgrades && request.headers().contains_key(header::UPGRADE);
                #[cfg(feature = "websocket")]
                let upgrade = upgrade.then(|| UpgradeGuard::new(state.begin_request()));
                async move {
                    #[cfg_attr(not(feature = "websocket"), expect(unused_mut))]
                    let (mut parts, body) = request.into_parts();
                    #[cfg(feature = "websocket")]
                    if let Some(upgrade) = upgrade {
                        parts.extensions.insert(upgrade);
                    }
                    let peer =
                        Peer { address: Some(address), caches: Some(request_guard.caches()) };
                    let response = service.respond(parts, body, peer).await;
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
        });
    }
    drop(listener);
    connections.shut_down();
    tasks.close();
    let ended = async {
        tasks.wait().await;
        #[cfg(any(feature = "sse", feature = "websocket"))]
        service.connections_ended().await;
    };
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, ended).await;
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
