//! Listener of the management routes: few connections, each for one request and for a short time.

use std::{sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::ServiceExt as _;

use super::routes::{Management, router};
use crate::support::background;

/// The most connections at once. Those that come meanwhile wait in the queue of the listener.
const MAX_CONNECTIONS: usize = 32;

/// How long a connection may take, from the first byte of its request to the last of its response.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the listener waits after an error that is not of one connection.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Answers on `listener`, until the future is dropped.
pub(crate) async fn serve(listener: TcpListener, management: Arc<Management>) {
    let (router, places) = (router(management), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(target: "toolgate::management", %error, "a connection failed");
                tokio::time::sleep(RETRY_INTERVAL).await;
                continue;
            }
        };
        let router = router.clone();
        background::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                router.clone().oneshot(request.map(axum::body::Body::new))
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).keep_alive(false);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(CONNECTION_TIMEOUT, connection).await;
            drop(place);
        });
    }
}
