//! The two endpoints: the stream, and the messages to it.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use futures::FutureExt;
use http::{HeaderName, Method, StatusCode, Uri, header, request::Parts};
use tokio::task::JoinHandle;

use super::{
    SSE_PATH,
    events::Events,
    sessions::{Session, Sessions},
};
use crate::{
    gate::{self, Claims, connection_token::ConnectionToken, other_endpoint::EndpointPaths},
    http::{
        body,
        message_connection::{Ending, MessageConnection, MessageConnections, ReceiveError},
        negotiation::Accepted,
        peer::Peer,
        rejection::Rejection,
        traced,
    },
    trace::{SessionTransport, Span},
};

/// Where clients send messages.
const MESSAGES_PATH: &str = "/messages";

/// The parameter of that URL which names the stream.
const SESSION_PARAMETER: &str = "sessionId";

/// The endpoint, as the gate knows it.
pub(crate) const PATHS: EndpointPaths =
    EndpointPaths { connect: SSE_PATH, send: Some(MESSAGES_PATH) };

/// The transport of a server.
struct LegacySse {
    connections: Arc<MessageConnections>,
    sessions: Arc<Sessions>,
    /// The path that the first event of a stream names.
    messages_path: String,
}

/// The routes of both endpoints. `root` is the path of the server's URL.
pub(crate) fn routes(connections: &Arc<MessageConnections>, root: &str) -> Router {
    let transport = LegacySse {
        connections: Arc::clone(connections),
        sessions: Arc::default(),
        messages_path: format!("{root}{MESSAGES_PATH}"),
    };
    Router::new()
        .route(SSE_PATH, any(stream))
        .route(&format!("{SSE_PATH}/"), any(stream))
        .route(MESSAGES_PATH, any(message))
        .with_state(Arc::new(transport))
}

async fn stream(State(transport): State<Arc<LegacySse>>, mut parts: Parts) -> Response {
    let span = traced::begin(transport.connections.tracer(), &mut parts);
    let path = parts.uri.path().to_owned();
    let opened = transport.open(parts).await;
    transport.finish(&path, &span, opened)
}

async fn message(State(transport): State<Arc<LegacySse>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let span = traced::begin(transport.connections.tracer(), &mut parts);
    let taken = transport.take(&parts, body).await;
    transport.finish(parts.uri.path(), &span, taken)
}

impl LegacySse {
    /// The response, whose challenge leads to the metadata of this transport.
    fn finish(&self, path: &str, span: &Span, response: Result<Response, Rejection>) -> Response {
        let reject = |rejection: Rejection| rejection.traced(span).into_response();
        let mut response = response.unwrap_or_else(reject);
        if let Some(gate) = self.connections.gate() {
            gate.relocate_challenge(path, response.headers_mut());
        }
        response
    }

    /// Opens a stream.
    async fn open(&self, parts: Parts) -> Result<Response, Rejection> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(Rejection::only_method("GET, HEAD"));
        }
        let (caller, address) = self.authenticate(&parts).await?;
        if !Accepted::of(&parts.headers).events {
            return Err(Rejection::not_acceptable());
        }
        if parts.method == Method::HEAD {
            return Ok((stream_headers(), Body::empty()).into_response());
        }
        let permit = self.connections.admit(caller.as_ref(), address)?;
        let owner = caller.as_ref().map(Claims::owner_digest);
        let token = ConnectionToken::new(&parts, address, caller);
        let (connection, served) =
            MessageConnection::open(&self.connections, parts, SessionTransport::Sse);
        let outgoing = Arc::clone(connection.outgoing());
        let (registration, session) = self.sessions.insert(owner, connection);
        let endpoint = format!("{}?{SESSION_PARAMETER}={}", self.messages_path, registration.id);
        let end = end(Arc::clone(&self.connections), token, session, served).boxed();
        let events = Events::new(&endpoint, outgoing, end, (registration, permit));
        Ok((stream_headers(), events.into_body()).into_response())
    }

    /// Takes a message.
    async fn take(&self, parts: &Parts, body: Body) -> Result<Response, Rejection> {
        if parts.method != Method::POST {
            return Err(Rejection::only_method("POST"));
        }
        body::announced_length(&parts.headers)?;
        let (caller, _) = self.authenticate(parts).await?;
        let session = self.find(&parts.uri, caller.as_ref())?;
        if !body::is_json(&parts.headers) {
            return Err(Rejection::not_json());
        }
        let body = body::read(body).await?;
        match session.connection.receive(&body, caller.as_ref()).await {
            Ok(()) => Ok(StatusCode::ACCEPTED.into_response()),
            Err(ReceiveError::Invalid(error)) => {
                Err(Rejection::invalid_message(error.code_and_message()))
            }
            Err(ReceiveError::Closed) => Err(Rejection::session_not_found()),
        }
    }

    /// Authenticates the caller, as at `/mcp`, and returns the address that is counted.
    async fn authenticate(
        &self,
        parts: &Parts,
    ) -> Result<(Option<Claims>, Option<IpAddr>), Rejection> {
        let peer = Peer::from_extensions(&parts.extensions);
        let address = gate::client_ip_key(&parts.extensions, peer.address);
        let Some(gate) = self.connections.gate() else { return Ok((None, address)) };
        gate.check_origin(&parts.headers)?;
        let caller = gate.authenticate(parts, (address, None), || false).await?;
        Ok((caller, address))
    }

    /// The stream that the URL names, if it is the caller's.
    fn find(&self, uri: &Uri, caller: Option<&Claims>) -> Result<Arc<Session>, Rejection> {
        let pairs = uri.query().unwrap_or_default().split('&');
        let mut named = pairs
            .filter_map(|pair| pair.split_once('=').filter(|(name, _)| *name == SESSION_PARAMETER));
        let id = match (named.next(), named.next()) {
            (Some((_, id)), None) => id,
            _ => "",
        };
        self.sessions.find(id, caller.map(Claims::owner_digest)).ok_or_else(|| {
            tracing::warn!(target: "toolgate::gate", code = "session", "a session is not the caller's");
            Rejection::session_not_found()
        })
    }
}

/// Completes when the stream has to end: with its token, with the server, or because nothing can be
/// sent any more.
async fn end(
    connections: Arc<MessageConnections>,
    token: ConnectionToken,
    session: Arc<Session>,
    mut served: JoinHandle<Ending>,
) {
    let token_ended = async {
        match connections.gate() {
            Some(gate) => token.ended(gate).await,
            None => std::future::pending().await,
        }
    };
    let connection = &session.connection;
    tokio::select! {
        reason = token_ended => {
            tracing::debug!(target: "toolgate::gate", reason, "a stream ends");
        }
        () = connection.outgoing().overflowed() => {}
        _ = &mut served => return,
        () = connections.shut_down() => {
            connection.cancel();
            // The calls have ended, and their responses may be on their way.
            let _ = served.await;
            return;
        }
    }
    connection.cancel();
}

/// The headers of a stream: no cache may keep it, and no proxy gather it.
fn stream_headers() -> [(HeaderName, &'static str); 3] {
    [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ]
}
