//! Admission of requests by their head: before the body is read, the caller is authenticated and
//! counted.

use std::sync::Arc;

use http::{HeaderName, Method, request::Parts};

use super::{body, headers as names, peer::Peer, rejection::Rejection};
use crate::{
    gate::{
        self, Claims,
        gate_error::GateError,
        limits::{ConcurrencyPermit, LimitExceeded},
    },
    mcp::{fallback::ErasedHandler, handler::Handler, message::Message},
};

/// The largest request for a widget's page that needs no access token.
const MAX_PAGE_REQUEST_BYTES: usize = 8 << 10;

/// Request extension: the permit of a call, which is released when the call ends.
#[derive(Clone)]
pub(super) struct CallPermit {
    _permit: Arc<ConcurrencyPermit>,
}

impl CallPermit {
    pub(super) fn new(permit: ConcurrencyPermit) -> Self {
        Self { _permit: Arc::new(permit) }
    }
}

/// Authenticates the caller by the head of the request, before its body is read. `None` is the
/// local user, or a caller who needs no token.
pub(super) async fn authenticate(
    handler: &Handler<ErasedHandler>,
    parts: &Parts,
    peer: Peer<'_>,
) -> Result<Option<Claims>, Rejection> {
    if !matches!(parts.method, Method::POST | Method::GET | Method::HEAD | Method::DELETE) {
        return Err(Rejection::method_not_allowed());
    }
    let gate = handler.dispatch.resource_server.as_ref();
    if let Some(gate) = gate {
        gate.check_origin(&parts.headers)?;
    }
    let length = body::announced_length(&parts.headers)?;
    let Some(gate) = gate else { return Ok(None) };
    let token_cache = peer.caches.map(|caches| &caches.token);
    let from = (gate::client_ip_key(&parts.extensions, peer.address), token_cache);
    Ok(gate.authenticate(parts, from, || announces_page(handler, parts, length)).await?)
}

/// Whether the head of the request announces a small request for a widget's page. Pages contain no
/// personal data, and a host whose request for one is refused shows an empty frame instead of a
/// sign-in.
fn announces_page(handler: &Handler<ErasedHandler>, parts: &Parts, length: Option<usize>) -> bool {
    let header = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    parts.method == Method::POST
        && length.is_some_and(|length| length <= MAX_PAGE_REQUEST_BYTES)
        && header(&names::METHOD) == Some("resources/read")
        && header(&names::NAME).is_some_and(|uri| handler.dispatch.widgets.contains(uri))
}

/// Counts the request against the caller's limits.
pub(super) fn acquire_permit(
    handler: &Handler<ErasedHandler>,
    caller: Option<&Claims>,
    may_answer: bool,
) -> Result<Option<ConcurrencyPermit>, Rejection> {
    let Some(gate) = &handler.dispatch.resource_server else { return Ok(None) };
    Ok(gate.acquire_permit(caller, may_answer)?)
}

/// Refuses a request whose permit is for an answer alone.
pub(super) fn check_permit(
    permit: Option<&ConcurrencyPermit>,
    message: &Message<'_>,
) -> Result<(), Rejection> {
    match permit {
        Some(permit) if permit.is_for_answer() && message.expects_response() => {
            Err(GateError::from(LimitExceeded::CONCURRENCY).into())
        }
        _ => Ok(()),
    }
}
