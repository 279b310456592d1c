//! The listener: connections, their bounds and their end.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{net::TcpListener, time::MissedTickBehavior};
use tokio_util::task::TaskTracker;

use super::{
    connections::{Connections, IDLE, TICK, Written},
    service::{Sender, ToolgateService},
};

/// How long connections may take to end after they were told to.
const LAST: Duration = Duration::from_secs(15);

/// Serves every connection of `listener`, until `ended`; then those that are open may finish.
pub(crate) async fn listen(
    listener: TcpListener,
    front: ToolgateService,
    ended: impl Future<Output = ()>,
) {
    let (connections, tasks) = (Connections::default(), TaskTracker::new());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ended = std::pin::pin!(ended);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut ended => break,
            _ = tick.tick() => {
                connections.look();
                continue;
            }
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
        let (front, line) = (front.clone(), connections.open());
        tasks.spawn(async move {
            let stream = TokioIo::new(Written::new(stream, Arc::clone(&line)));
            let service = service_fn(|request: Request<Incoming>| {
                let (front, under_way) = (front.clone(), line.request());
                async move {
                    let (parts, body) = request.into_parts();
                    let from = Sender { peer: Some(peer), memory: Some(under_way.memory()) };
                    let response = front.respond(parts, body, from).await;
                    Ok::<_, Infallible>(response.map(|body| under_way.until_the_end_of(body)))
                }
            });
            let builder = builder();
            let connection = builder.serve_connection(stream, service);
            let finish = auto::Connection::graceful_shutdown;
            if let Err(error) = line.watch(connection, finish).await {
                tracing::debug!(target: "toolgate::server", error, "a connection broke off");
            }
        });
    }
    drop(listener);
    connections.finish();
    tasks.close();
    let _ = tokio::time::timeout(LAST, tasks.wait()).await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Head and body are copied together and sent by one plain write, which costs less for what is
    // mostly small.
    builder.http1().writev(false);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(IDLE);
    builder
}

/// After an error of `accept`: a connection that is gone already costs nothing, but without free
/// descriptors the next try would fail too.
async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(target: "toolgate::server", %error, "no connection can be accepted");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
