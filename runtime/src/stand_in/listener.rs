//! Listener of a stand-in, on a free port of this machine.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use tokio::task::JoinHandle;

use super::{
    authorize::{self, CONSENT_PATH},
    dispatch,
    engine::{Engine, Incoming, pairs},
    pages::{self, FAULTS_PATH},
};
use crate::{
    browser::{
        local_request,
        page::{self, STYLE_PATH},
    },
    http::{GatedListener, RemoteAddress, relay},
    support::{background, http_client::bounded_bytes},
};

/// The largest request body, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A stand-in that listens until this is dropped.
pub(super) struct Running {
    pub(super) engine: Arc<Engine>,
    pub(super) url: String,
    serving: JoinHandle<()>,
}

impl Running {
    /// Listens on this listener.
    pub(super) fn start(engine: Engine, listener: GatedListener) -> io::Result<Self> {
        let address = listener.address()?;
        let url = format!("http://{address}");
        let engine = Arc::new(engine);
        let router = Router::new().fallback(serve).with_state((Arc::clone(&engine), address));
        let service = router.into_make_service_with_connect_info::<RemoteAddress>();
        let serving = background::spawn(async move {
            // It only ends with the task.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { engine, url, serving })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    State((engine, address)): State<(Arc<Engine>, SocketAddr)>,
    ConnectInfo(RemoteAddress(peer)): ConnectInfo<RemoteAddress>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refusal) = local_request::check(Some(peer), &parts.headers, &parts.uri) {
        return page::text(refusal.status(), refusal.reason());
    }
    if engine.has_moved.load(SeqCst) {
        return relay(address, Request::from_parts(parts, body)).await;
    }
    let Ok(body) = bounded_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path();
    match (&parts.method, path) {
        (&Method::GET, "/") => pages::switches(&engine),
        (&Method::GET, STYLE_PATH) => page::stylesheet(),
        (&Method::POST, CONSENT_PATH) => authorize::decide(&engine, &body),
        (&Method::POST, FAULTS_PATH) if pages::switch(&engine, &body) => page::redirect("/"),
        (&Method::POST, FAULTS_PATH) => pages::fault(&engine, "There is no such switch."),
        _ => {
            let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
            let (method, path) = (parts.method, path.to_owned());
            let request = Incoming { method, path, query, headers: parts.headers, body };
            dispatch::answer(&engine, &request).await
        }
    }
}
