//! Handover of a listener: another program, which has inherited it, takes the place of this one.
//!
//! A client may send a request at any time on a connection that it keeps open, so closing an idle one
//! can fail a call. A connection is therefore closed only after a response that says so, and a request
//! that comes after the handover began is relayed to the listener's own address, where it waits until
//! a program accepts it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    BoxError,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, Version, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::negotiation::has_type;
use crate::support::background;

/// The headers that are of one connection alone (RFC 9110, section 7.6.1).
const OF_ONE_CONNECTION: [header::HeaderName; 4] = [
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::HeaderName::from_static("keep-alive"),
];

/// Whether a listener accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepting {
    Open,
    /// Not for now: another program may take over.
    Paused,
    /// Another program has taken over.
    Leaving,
}

/// The handover of one listener. A listener that cannot be handed over has none.
pub(crate) struct Handover {
    accepting: watch::Receiver<Accepting>,
    /// The requests whose responses have not begun.
    answering: TaskTracker,
}

impl Handover {
    pub(crate) fn new(accepting: watch::Receiver<Accepting>) -> Arc<Self> {
        let answering = TaskTracker::new();
        answering.close();
        Arc::new(Self { accepting, answering })
    }

    /// Waits until the responses to all requests of this program have begun. To be called after
    /// connections are no longer accepted, because no requests are added then.
    pub(crate) async fn settled(&self) {
        self.answering.wait().await;
    }

    /// Whether another program has taken over.
    pub(crate) fn is_leaving(&self) -> bool {
        *self.accepting.borrow() == Accepting::Leaving
    }

    pub(super) fn accepting(&self) -> watch::Receiver<Accepting> {
        self.accepting.clone()
    }

    /// The right to answer a request, until its response begins. `None`: the request is to be relayed.
    pub(super) fn admit(&self) -> Option<TaskTrackerToken> {
        let token = self.answering.token();
        (*self.accepting.borrow() == Accepting::Open).then_some(token)
    }

    /// Adds `Connection: close` to the response, if no other request may follow on its connection. No
    /// request may follow an event stream, because this program decides when the stream ends.
    pub(super) fn finish(&self, version: Version, response: &mut Response) {
        let is_open = *self.accepting.borrow() == Accepting::Open;
        if !is_open || has_type(response, "text/event-stream") {
            close_after(version, response);
        }
    }
}

/// Sends the request to the program that accepts connections at `address`, and returns its response.
pub(crate) async fn relay<B>(address: SocketAddr, request: Request<B>) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let version = request.version();
    let relayed = send(reachable(address), request).await;
    let mut response = relayed.unwrap_or_else(|error| {
        tracing::warn!(target: "toolgate::server", %error, "a request could not be relayed");
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response()
    });
    close_after(version, &mut response);
    response
}

async fn send<B>(address: SocketAddr, mut request: Request<B>) -> io::Result<Response>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let stream = TcpStream::connect(address).await?;
    let _ = stream.set_nodelay(true);
    let connected = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(io::Error::other)?;
    background::spawn(connection.with_upgrades());
    let upgrade = request.headers().contains_key(header::UPGRADE);
    let upgrading = upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    if let Some(authority) = parts.uri.authority().filter(|_| parts.version == Version::HTTP_2)
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.entry(header::HOST).or_insert(host);
    }
    if let Some(path) = parts.uri.path_and_query() {
        parts.uri = Uri::from(path.clone());
    }
    parts.version = Version::HTTP_11;
    remove_headers_of_connection(&mut parts.headers, upgrade);
    let sent = sender.send_request(Request::from_parts(parts, body)).await;
    let mut response = sent.map_err(io::Error::other)?;
    if let Some(upgrading) = upgrading
        && response.status() == StatusCode::SWITCHING_PROTOCOLS
    {
        let upgraded = hyper::upgrade::on(&mut response);
        background::spawn(async move {
            if let (Ok(client), Ok(server)) = (upgrading.await, upgraded.await) {
                let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    } else {
        remove_headers_of_connection(response.headers_mut(), false);
    }
    Ok(response.map(Body::new))
}

/// An address at which this machine reaches a listener.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// An upgrade needs `Connection`, which then names nothing else.
fn remove_headers_of_connection(headers: &mut HeaderMap, upgrade: bool) {
    for name in OF_ONE_CONNECTION {
        headers.remove(name);
    }
    if upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

pub(super) fn close_after(version: Version, response: &mut Response) {
    if version < Version::HTTP_2 && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

#[cfg(test)]
mod tests;
