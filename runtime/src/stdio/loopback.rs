//! The browser's listener of a server over standard input and output, open while a consent is
//! pending (RFC 8252 §7.3).

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body, response::Response};
use futures::FutureExt;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Mutex};
use tower::ServiceExt;
use url::Url;

use crate::mcp::consent_prompt::CallbackListener;
use crate::{
    browser::{local_request, page},
    consent::Consents,
    support::background as task,
};

/// How often the listener checks whether a consent is still pending.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How long to wait after a connection could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A listener on 127.0.0.1, on `port` or, if that is 0, on any free port.
pub(crate) struct Loopback {
    port: u16,
    listening: Mutex<bool>,
}

impl Loopback {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, listening: Mutex::new(false) }
    }
}

#[async_trait]
impl CallbackListener for Loopback {
    /// Listens until no consent is pending.
    async fn listen(self: Arc<Self>, consents: &Consents) -> io::Result<()> {
        let mut listening = self.listening.lock().await;
        if *listening {
            return Ok(());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        consents.set_base(base(listener.local_addr()?));
        *listening = true;
        let (this, consents) = (Arc::clone(&self), consents.clone());
        task::spawn(async move {
            let done = async {
                // Checked at intervals, so that the browser can load the last page of a consent.
                loop {
                    tokio::time::sleep(IDLE_CHECK_INTERVAL).await;
                    let mut listening = this.listening.lock().await;
                    if !consents.any_open().await {
                        *listening = false;
                        return;
                    }
                }
            };
            tokio::select! {
                () = done => {}
                () = accept(&listener, &consents) => {}
            }
        });
        Ok(())
    }
}

async fn accept(listener: &TcpListener, consents: &Consents) {
    let pages = page::on_site(consents.site(), "", consents.router());
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Without free file descriptors the next attempt would fail at once.
            tokio::time::sleep(ACCEPT_BACKOFF).await;
            continue;
        };
        let pages = pages.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let pages = pages.clone();
            async move { Ok::<_, Infallible>(respond(pages, peer, request.map(Body::new)).await) }
        });
        let mut connection = http1::Builder::new();
        connection.timer(TokioTimer::new()).keep_alive(false);
        let connection = connection.serve_connection(TokioIo::new(stream), service);
        task::spawn(connection.map(drop));
    }
}

async fn respond(pages: Router, peer: SocketAddr, request: Request<Body>) -> Response {
    match local_request::check(Some(peer), request.headers(), request.uri()) {
        Ok(()) => match pages.oneshot(request).await {
            Ok(page) => page,
            Err(never) => match never {},
        },
        Err(error) => {
            tracing::warn!(target: "toolgate::gate", reason = error.reason(), "a request was refused");
            page::text(error.status(), error.reason())
        }
    }
}

/// The URL of a listener on this machine.
pub(crate) fn base(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}/")).expect("an address is the host of a URL")
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use rmcp::model::Implementation;

    use super::*;
    use crate::{
        browser::{request_limit::RequestLimit, site::Site},
        consent::ConsentsConfig,
        grant::{Clock, Grants, MemoryStore, SystemClock},
    };

    #[tokio::test]
    async fn a_browser_of_this_machine_gets_its_page_and_no_other() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let grants = Grants::new(Arc::new(MemoryStore::new()), Arc::clone(&clock));
        let url = Url::parse("http://127.0.0.1/").unwrap();
        let consents = Consents::new(ConsentsConfig {
            binds_clients: false,
            brokered: None,
            tracer: crate::trace::Tracer::default(),
            grants,
            records: Arc::new(MemoryStore::new()),
            limit: Arc::new(RequestLimit::authorizations(&clock)),
            clock,
            providers: Vec::new(),
            base: url,
            site: Arc::new(Site::new(&Implementation::new("loopback", "1")).unwrap()),
            authenticator: None,
            has_accounts: false,
        });
        let loopback = Arc::new(Loopback::new(0));
        for _ in 0..2 {
            Arc::clone(&loopback).listen(&consents).await.unwrap();
        }
        let browser = reqwest::Client::new();
        let get = async |path: &str, host: Option<&str>| {
            let mut request = browser.get(consents.url(path));
            if let Some(host) = host {
                request = request.header("host", host);
            }
            let answer = request.send().await.unwrap();
            (answer.status(), answer.headers().clone(), answer.text().await.unwrap())
        };
        let (status, headers, page) = get("connect/unknown", None).await;
        assert_eq!(status, StatusCode::GONE, "{page}");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(page.contains("This link is no longer good"), "{page}");
        assert_eq!(get("connect.css", None).await.0, StatusCode::OK);
        assert_eq!(get("callback/forge?state=a&state=b", None).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(get("callback/forge?state=a", None).await.0, StatusCode::FORBIDDEN);
        assert_eq!(get("accounts", None).await.0, StatusCode::NOT_FOUND);
        let (status, _, words) = get("connect/unknown", Some("evil.example")).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(words.contains("not a name of this machine"), "{words}");
    }
}
