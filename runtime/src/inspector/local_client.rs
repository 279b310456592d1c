//! Requests of the page to its own server, in this process.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::body::Body;
use http::{HeaderValue, Request, header};
use http_body_util::BodyExt;

use crate::{
    http::{Peer, RecordedExchange, ToolgateService},
    trace::Tracer,
};

/// How long an exchange may take. A call may wait for its person.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(300);

/// The most that is read of a response, in bytes.
const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// A client of the server's own service.
pub(super) struct LocalClient {
    service: RwLock<Option<ToolgateService>>,
    address: SocketAddr,
    tracer: Tracer,
}

impl LocalClient {
    /// `address`: that of the listener.
    pub(super) fn new(address: SocketAddr, tracer: Tracer) -> Self {
        Self { service: RwLock::default(), address, tracer }
    }

    /// Sets the service, or removes it when the server ends: each has the other.
    pub(super) fn set_service(&self, service: Option<ToolgateService>) {
        *self.service.write().unwrap_or_else(PoisonError::into_inner) = service;
    }

    /// Sends a request and reads the response to its end. What is left of a response that takes too
    /// long is not read.
    pub(super) async fn exchange(
        &self,
        id: u64,
        request: Request<Vec<u8>>,
    ) -> Result<RecordedExchange, String> {
        let service = self.service.read().unwrap_or_else(PoisonError::into_inner).clone();
        let service = service.ok_or("The server is about to end.")?;
        let (mut parts, body) = request.into_parts();
        let host = HeaderValue::try_from(self.address.to_string());
        parts.headers.insert(header::HOST, host.expect("an address is a header value"));
        let agent =
            HeaderValue::from_static(concat!("toolgate-inspector/", env!("CARGO_PKG_VERSION")));
        parts.headers.insert(header::USER_AGENT, agent);
        parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
        let mut exchange = RecordedExchange {
            id,
            span: self.tracer.announce(&mut parts.extensions).id(),
            began: Instant::now(),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            request_headers: parts.headers.clone(),
            request: body.clone(),
            status: http::StatusCode::GATEWAY_TIMEOUT,
            response_headers: http::HeaderMap::new(),
            response: Vec::new(),
            elapsed: Duration::ZERO,
            is_message: false,
            person: None,
        };
        let peer = Peer { address: Some(self.peer()), caches: None };
        let read = async {
            let response = service.respond(parts, Body::from(body), peer).await;
            exchange.status = response.status();
            exchange.response_headers = response.headers().clone();
            let mut body = response.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                let Ok(data) = frame.into_data() else { continue };
                let room = MAX_RESPONSE_BYTES - exchange.response.len();
                exchange.response.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(EXCHANGE_TIMEOUT, read).await;
        exchange.elapsed = exchange.began.elapsed();
        Ok(exchange)
    }

    /// This machine, from a port that no one has.
    fn peer(&self) -> SocketAddr {
        let ip = self.address.ip();
        let ip = if ip.is_loopback() { ip } else { IpAddr::from([127, 0, 0, 1]) };
        SocketAddr::new(ip, 0)
    }
}
