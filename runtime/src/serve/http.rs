//! MCP over streamable HTTP, for this machine alone.
//!
//! As long as callers are not verified, everyone who reaches the server is the local person. So it
//! answers only to peers on this machine, under a local name, and to pages of this machine: a page
//! from elsewhere that resolves its own name to 127.0.0.1 gets nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{envelope, handler::Handler};
use crate::{consent::Consents, provider::is_loopback};

/// The largest message, in bytes.
const LARGEST: usize = 4 << 20;

/// How long a client may take to send its message.
const SLOWEST: Duration = Duration::from_secs(30);

/// A session without a message ends after this long. A silent call counts as none, so it is longer
/// than any consent takes.
const SESSION: Duration = Duration::from_secs(30 * 60);

type Mcp<H> = StreamableHttpService<Handler<H>, LocalSessionManager>;

/// The endpoint `/mcp`, and the pages of a consent.
pub(super) fn router<H: ServerHandler>(
    handler: &Handler<H>,
    consents: &Consents,
    ended: CancellationToken,
) -> Router {
    let mut config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_max_request_body_bytes(LARGEST)
        .with_cancellation_token(ended);
    // Looked at in `guard`, for all routes alike.
    config.allowed_hosts = Vec::new();
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(SESSION);
    let handler = handler.clone();
    let mcp: Mcp<H> =
        StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(sessions), config);
    let endpoint = Router::new().route("/mcp", any(serve::<H>)).with_state(Arc::new(mcp));
    local_only(endpoint.merge(consents.router()))
}

/// Refuses whoever is not at this machine.
pub(super) fn local_only(router: Router) -> Router {
    router.layer(middleware::from_fn(guard))
}

async fn guard(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    match check_local(peer, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err((status, reason)) => {
            tracing::warn!(target: "toolgate::gate", reason, "a request was refused");
            rpc_error(status, -32600, reason)
        }
    }
}

fn check_local(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    uri: &http::Uri,
) -> Result<(), (StatusCode, &'static str)> {
    let forbidden = |reason| Err((StatusCode::FORBIDDEN, reason));
    let Some(peer) = peer else {
        return Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "the peer's address is not known, and only this machine may call: serve the router with `into_make_service_with_connect_info::<SocketAddr>()`",
        ));
    };
    if !peer.ip().to_canonical().is_loopback() {
        return forbidden("callers are not verified, so only this machine may call");
    }
    if headers.contains_key("forwarded") || headers.contains_key("x-forwarded-for") {
        return forbidden("the request came by way of a proxy, and only this machine may call");
    }
    // HTTP/2 has the host in the URI.
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(http::uri::Authority::as_str),
    };
    let local = |authority: &str| {
        Url::parse(&format!("http://{authority}/")).is_ok_and(|url| is_loopback(&url))
    };
    if !host.is_some_and(local) {
        return forbidden("the `Host` is not a name of this machine");
    }
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
        if !origin.is_some_and(|origin| is_loopback(&origin)) {
            return forbidden("the `Origin` is not a page of this machine");
        }
    }
    Ok(())
}

async fn serve<H: ServerHandler>(State(mcp): State<Arc<Mcp<H>>>, request: Request) -> Response {
    if request.method() != Method::POST {
        return mcp.handle(request).await.into_response();
    }
    let (mut parts, body) = request.into_parts();
    let read = tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await;
    let body = match read {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return rpc_error(StatusCode::PAYLOAD_TOO_LARGE, -32600, "a message has at most 4 MiB");
        }
        Ok(Err(_)) => return rpc_error(StatusCode::BAD_REQUEST, -32700, "the message broke off"),
        Err(_) => {
            return rpc_error(StatusCode::REQUEST_TIMEOUT, -32600, "the message took too long");
        }
    };
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|ty| ty.as_bytes().starts_with(b"application/json"));
    if is_json {
        // rmcp answers both of these with 415 and a parser's words.
        if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
            return rpc_error(StatusCode::BAD_REQUEST, -32700, "the message is not JSON");
        }
        if body.trim_ascii_start().starts_with(b"[") {
            return rpc_error(
                StatusCode::BAD_REQUEST,
                -32600,
                "one message at a time: batches are not part of MCP",
            );
        }
    }
    if let Some(arguments) = envelope::raw_arguments(&body) {
        parts.extensions.insert(arguments);
    }
    mcp.handle(Request::from_parts(parts, Body::from(body))).await.into_response()
}

fn rpc_error(status: StatusCode, code: i32, message: &str) -> Response {
    let error =
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
    (status, axum::Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        check_local(Some(peer.parse().unwrap()), &headers, &"/mcp".parse().unwrap()).is_ok()
    }

    #[test]
    fn only_this_machine_under_its_own_name() {
        assert!(check("127.0.0.1:9", &[("host", "127.0.0.1:8080")]));
        assert!(check("[::1]:9", &[("host", "[::1]:8080")]));
        assert!(check("[::ffff:127.0.0.1]:9", &[("host", "localhost")]));
        assert!(check(
            "127.0.0.1:9",
            &[("host", "localhost:1"), ("origin", "http://localhost:6274")]
        ));
        for (peer, headers) in [
            ("192.0.2.7:9", vec![("host", "localhost")]),
            ("127.0.0.1:9", vec![]),
            ("127.0.0.1:9", vec![("host", "evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost.evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost@evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost"), ("origin", "https://evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost"), ("origin", "null")]),
            ("127.0.0.1:9", vec![("host", "localhost"), ("x-forwarded-for", "192.0.2.7")]),
        ] {
            assert!(!check(peer, &headers), "{peer} {headers:?}");
        }
        let nobody = check_local(None, &HeaderMap::new(), &"/mcp".parse().unwrap());
        assert_eq!(nobody.unwrap_err().0, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
