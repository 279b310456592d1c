//! The listener: connections, their bounds and their end.

use std::{io, time::Duration};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use rmcp::ServerHandler;
use tokio::net::TcpListener;

use super::front::Front;

/// How long a client may take for the head of a request, and a connection be idle.
const HEAD: Duration = Duration::from_secs(75);

/// How long connections may take to end after they were told to.
const LAST: Duration = Duration::from_secs(15);

/// Serves every connection of `listener`, until `ended`; then those that are open may finish.
pub(super) async fn listen<H: ServerHandler>(
    listener: TcpListener,
    front: Front<H>,
    ended: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut ended = std::pin::pin!(ended);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut ended => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    rest(&error).await;
                    continue;
                }
            },
        };
        // An answer is not held back until more of it comes (Nagle's algorithm).
        let _ = stream.set_nodelay(true);
        let front = front.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            front.clone().respond(request.into_parts(), Some(peer))
        });
        let connection = builder().serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(target: "toolgate::serve", error, "a connection broke off");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(LAST, graceful.shutdown()).await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD);
    builder
}

/// After an error of `accept`: a connection that is gone already costs nothing, but without free
/// descriptors the next try would fail too.
async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(target: "toolgate::serve", %error, "no connection can be accepted");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
