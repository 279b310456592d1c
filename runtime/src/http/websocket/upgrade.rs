//! The upgrade of a request to a WebSocket: who may open one.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, State, WebSocketUpgrade},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};

use super::socket::Socket;
use crate::{
    gate::{self, connection_token::ConnectionToken, other_endpoint::EndpointPaths},
    http::{
        body::MAX_BODY_BYTES,
        connections::UpgradeGuard,
        message_connection::{MessageConnection, MessageConnections},
        peer::Peer,
        rejection::Rejection,
        traced,
    },
    trace::SessionTransport,
};

/// Where clients open a WebSocket.
pub(crate) const PATH: &str = "/ws";

/// The same for the gate, to which it is an endpoint of its own.
pub(crate) const PATHS: EndpointPaths = EndpointPaths { connect: PATH, send: None };

/// The subprotocol, which every client of MCP offers.
const SUBPROTOCOL: &str = "mcp";

/// The buffer of a connection for what it reads.
const READ_BUFFER_BYTES: usize = 8 << 10;

/// The route of the endpoint.
pub(crate) fn routes(connections: &Arc<MessageConnections>) -> Router {
    Router::new()
        .route(PATH, any(respond))
        .route(&format!("{PATH}/"), any(respond))
        .with_state(Arc::clone(connections))
}

async fn respond(State(connections): State<Arc<MessageConnections>>, mut parts: Parts) -> Response {
    let span = traced::begin(connections.tracer(), &mut parts);
    let path = parts.uri.path().to_owned();
    let gate = connections.gate().cloned();
    let response = open(&connections, parts).await;
    let mut response = response.unwrap_or_else(|rejection| rejection.traced(&span).into_response());
    if let Some(gate) = gate {
        gate.relocate_challenge(&path, response.headers_mut());
    }
    response
}

async fn open(
    connections: &Arc<MessageConnections>,
    mut parts: Parts,
) -> Result<Response, Rejection> {
    if parts.method != Method::GET {
        return Err(Rejection::only_method("GET"));
    }
    let peer = Peer::from_extensions(&parts.extensions);
    let address = gate::client_ip_key(&parts.extensions, peer.address);
    let mut token = None;
    let mut caller = None;
    if let Some(gate) = connections.gate() {
        gate.check_origin(&parts.headers)?;
        gate.refuse_token_in_query(&parts)?;
        caller = gate.authenticate(&parts, (address, None), || false).await?;
        token = Some(ConnectionToken::new(&parts, address, caller.clone()));
    }
    if !is_upgrade(&parts.headers) {
        return Err(Rejection::upgrade_required());
    }
    if !offers_subprotocol(&parts.headers) {
        return Err(Rejection::no_subprotocol());
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let permit = connections.admit(caller.as_ref(), address)?;
    let guard = parts.extensions.remove::<UpgradeGuard>();
    let connections = Arc::clone(connections);
    let open = connections.open_token();
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_BODY_BYTES)
        .max_frame_size(MAX_BODY_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .on_upgrade(move |socket| {
            let run = async move {
                let _held = (permit, guard, open);
                let (connection, served) =
                    MessageConnection::open(&connections, parts, SessionTransport::Websocket);
                Socket { connections, connection, token }.run(socket, served).await;
            };
            Box::pin(run)
        }))
}

/// Whether the client asks for a WebSocket.
fn is_upgrade(headers: &HeaderMap) -> bool {
    let value = headers.get(header::UPGRADE);
    value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn offers_subprotocol(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    offered.any(|protocol| protocol.trim_ascii() == SUBPROTOCOL.as_bytes())
}

impl Rejection {
    /// The request is not the one that opens a WebSocket.
    fn upgrade_required() -> Self {
        let message = "this is the endpoint of WebSocket clients: upgrade, over HTTP/1.1";
        Self::with_header(StatusCode::UPGRADE_REQUIRED, message, (header::UPGRADE, "websocket"))
    }

    /// The client does not say that it speaks MCP.
    fn no_subprotocol() -> Self {
        let message = "offer the subprotocol `mcp`, in `Sec-WebSocket-Protocol`";
        Self::with_header(
            StatusCode::BAD_REQUEST,
            message,
            (header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL),
        )
    }
}
