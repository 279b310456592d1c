//! MCP over streamable HTTP.
//!
//! As long as callers are not verified, everyone who reaches the server is the local person. So it
//! answers only to peers on this machine, under a local name, and to pages of this machine: a page
//! from elsewhere that resolves its own name to 127.0.0.1 gets nothing.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    BoxError, Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header, request::Parts};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

use super::{
    body::{MAX_BODY_BYTES as LARGEST, read},
    fast_path::{
        call::Quick,
        envelope::{Envelope, Fault},
        list_cache::{Lists, lift_schemes},
        route::{Decision, Then, is_json},
    },
    headers as head,
    loopback_only::guard,
    rejection::Rejection,
    service::Sender,
    sessions::{Full, Sessions},
};
use crate::gate;
use crate::{
    gate::resource_server::{Admission, Admitted, principal},
    mcp::{
        fallback::ErasedHandler, handler::Handler, panic, panic::Panicked, request::Authenticated,
    },
};

/// Where the endpoint is.
pub(crate) const PATH: &str = "/mcp";

/// The most that a stranger may send, to read a widget's page.
const SMALL: usize = 8 << 10;

/// What stands at `/mcp`.
pub(crate) struct Endpoint {
    pub(crate) handler: Handler<ErasedHandler>,
    quick: Quick,
    pub(crate) lists: Lists,
    sessions: Arc<Sessions>,
    mcp: StreamableHttpService<Handler<ErasedHandler>, Sessions>,
}

/// The turn of a call, beside its request: it ends when the call does, which an answer that is a
/// stream does not tell.
#[derive(Clone)]
struct Turn {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Endpoint {
    pub(crate) fn new(handler: &Handler<ErasedHandler>, ended: CancellationToken) -> Self {
        let mut config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_max_request_body_bytes(LARGEST)
            .with_cancellation_token(ended);
        // Looked at in `guard`, for all routes alike.
        config.allowed_hosts = Vec::new();
        let sessions = Sessions::new();
        let made = handler.clone();
        let mcp =
            StreamableHttpService::new(move || Ok(made.clone()), Arc::clone(&sessions), config);
        Self {
            handler: handler.clone(),
            quick: Quick::new(handler.clone()),
            lists: Lists::default(),
            sessions,
            mcp,
        }
    }
}

/// The endpoint, and the pages of a consent. `local`: for this machine alone.
pub(crate) fn router(
    endpoint: &Arc<Endpoint>,
    pages: Router,
    cors: Option<CorsLayer>,
    local: bool,
) -> Router {
    let mut router = Router::new().route(PATH, any(serve)).with_state(Arc::clone(endpoint));
    if let Some(cors) = cors {
        router = router.layer(cors);
    }
    router = router.merge(pages);
    if let Some(admission) = endpoint.handler.dispatch.admission.clone() {
        router = router.merge(well_known(admission));
    }
    if local { local_only(router) } else { router }
}

/// The protected resource's metadata, at its own path and at the root (RFC 9728 §3.1).
fn well_known(admission: Arc<Admission>) -> Router {
    let metadata =
        async |State(gate): State<Arc<Admission>>, uri: Uri| match gate.metadata(uri.path()) {
            Some(document) => {
                let headers = [
                    // Clients in a page read it before they have any credentials.
                    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
                    (header::CONTENT_TYPE, "application/json"),
                ];
                (headers, document).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        };
    Router::new()
        .route(gate::ROOT, get(metadata))
        .route(&format!("{}/{{*resource}}", gate::ROOT), get(metadata))
        .with_state(admission)
}

/// Refuses whoever is not at this machine.
pub(crate) fn local_only(router: Router) -> Router {
    router.layer(middleware::from_fn(guard))
}

async fn serve(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let (mut parts, body) = request.into_parts();
    endpoint.respond(&mut parts, body, Sender { peer, memory: None }).await
}

impl Endpoint {
    /// Answers a request of this peer. Who reaches a server without a gate has passed the guard.
    pub(crate) async fn respond<B>(&self, parts: &mut Parts, body: B, from: Sender<'_>) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let peer = from.peer;
        let admitted = match self.admit(parts, from).await {
            Ok(admitted) => admitted,
            Err(rejection) => return rejection.into_response(),
        };
        let turn = match self.turn(&admitted) {
            Ok(turn) => turn,
            Err(rejection) => return rejection.into_response(),
        };
        if parts.method != Method::POST {
            // A stream that listens takes no turn from the calls.
            drop(turn);
            let body = Body::new(body);
            let response = self.by_rmcp(taken(parts), peer, body, &admitted).await;
            return self.until_the_token_ends(&admitted, response);
        }
        let body = match read(body).await {
            Ok(body) => body,
            Err(rejection) => return rejection.into_response(),
        };
        self.answer(parts, peer, body, (&admitted, turn)).await
    }

    /// Lets the caller in, or refuses it before anything of the body is read.
    async fn admit(&self, parts: &Parts, from: Sender<'_>) -> Result<Admitted, Rejection> {
        if !matches!(parts.method, Method::POST | Method::GET | Method::DELETE) {
            return Err(Rejection::method_not_allowed());
        }
        let admission = self.handler.dispatch.admission.as_ref();
        if let Some(admission) = admission {
            admission.check_origin(&parts.headers, &parts.uri)?;
        }
        let length = parts.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > LARGEST) {
            return Err(Rejection::body_too_large());
        }
        let Some(admission) = admission else { return Ok(None) };
        let page = || self.may_read_page(parts, length);
        let address = gate::party(&parts.extensions, from.peer);
        let admitted = admission.admit(parts, (address, from.memory), page).await?;
        self.check_session(&admitted, &parts.headers)?;
        Ok(admitted)
    }

    /// A session belongs to whoever began it: its identifier alone opens nothing.
    fn check_session(&self, admitted: &Admitted, headers: &HeaderMap) -> Result<(), Rejection> {
        let Some(id) = headers.get(&head::SESSION) else { return Ok(()) };
        let id = id.to_str().unwrap_or_default();
        let caller = principal(admitted);
        match self.sessions.owner(id) {
            Some(owner) if *owner == *caller => Ok(()),
            // Whoever signs in where they were a stranger goes on with their session.
            Some(owner) if owner.is_empty() && self.sessions.adopt(id, &caller) => Ok(()),
            _ => {
                tracing::warn!(target: "toolgate::gate", code = "session", "a session is not the caller's");
                Err(Rejection::session_not_found())
            }
        }
    }

    /// Does a stranger say, in headers and a few bytes, to read a widget's page? Pages hold nobody's
    /// data, and a host that is refused one shows an empty frame, or no step-up.
    fn may_read_page(&self, parts: &Parts, length: Option<usize>) -> bool {
        let header =
            |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        parts.method == Method::POST
            && length.is_some_and(|length| length <= SMALL)
            && header(&head::METHOD) == Some("resources/read")
            && header(&head::NAME).is_some_and(|uri| self.handler.dispatch.widgets.has(uri))
    }

    fn turn(&self, admitted: &Admitted) -> Result<Option<OwnedSemaphorePermit>, Rejection> {
        let admission = self.handler.dispatch.admission.as_ref();
        admission.map_or(Ok(None), |admission| Ok(admission.turn(admitted)?))
    }

    /// Ends a stream when the token of its listener does.
    fn until_the_token_ends(&self, admitted: &Admitted, response: Response) -> Response {
        let admission = self.handler.dispatch.admission.as_ref();
        let Some(left) = admission.and_then(|admission| admission.end_of(admitted)) else {
            return response;
        };
        response.map(|body| {
            let end = Box::pin(tokio::time::sleep(left));
            Body::from_stream(body.into_data_stream().take_until(end))
        })
    }

    /// Reads the message once, and answers it: quickly where nothing is unusual about it.
    async fn answer(
        &self,
        parts: &mut Parts,
        peer: Option<SocketAddr>,
        body: Bytes,
        (admitted, turn): (&Admitted, Option<OwnedSemaphorePermit>),
    ) -> Response {
        let dispatch = &self.handler.dispatch;
        // A decoder may panic as well as a tool.
        let decided = panic::catch(|| self.decide(parts, &body, admitted));
        let (then, seen) = match decided {
            Ok(Decision::Answer(answer)) => return answer,
            Ok(Decision::Short(tool, call, ready)) => {
                let call = (&call, ready);
                return self.quick.answer(dispatch, tool, call, (parts, admitted)).await;
            }
            Ok(Decision::ErasedHandler(call, params)) => {
                let call = (&call, *params);
                let answer = self.quick.answer_beside(&self.handler, call, (parts, admitted));
                return Box::pin(answer).await;
            }
            Ok(Decision::List(seen)) => (Then::Lift, Some(seen)),
            Ok(Decision::Rmcp(then)) => (then, None),
            Err(Panicked) => return broke(&body),
        };
        if let (Then::Call, Some(turn)) = (then, turn) {
            parts.extensions.insert(Turn { _permit: Arc::new(turn) });
        }
        let is_json = is_json(&parts.headers);
        let begins = matches!(then, Then::Begin) && !parts.headers.contains_key(&head::SESSION);
        let rmcp = self.by_rmcp(taken(parts), peer, Body::from(body.clone()), admitted);
        // Boxed: what is rare does not make every request carry its state.
        let response = if begins {
            let begun = Box::pin(self.sessions.begin(principal(admitted), rmcp)).await;
            begun.unwrap_or_else(|Full| Rejection::too_many_sessions().into_response())
        } else {
            rmcp.await
        };
        if is_json && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            // rmcp's status for what it cannot read, however deep inside it is.
            return Rejection::invalid_message(Fault::inside(&body).words()).into_response();
        }
        let response = match (&dispatch.admission, then) {
            (Some(_), Then::Lift) => Box::pin(lift_schemes(response)).await,
            (_, Then::Listen) => self.until_the_token_ends(admitted, response),
            _ => response,
        };
        match seen {
            Some(seen) => Box::pin(self.lists.learn(seen, response)).await,
            None => response,
        }
    }

    // Boxed here and not where it is waited for: what is awaited is compiled at every such place.
    fn by_rmcp<'a>(
        &'a self,
        mut parts: Parts,
        peer: Option<SocketAddr>,
        body: Body,
        admitted: &Admitted,
    ) -> BoxFuture<'a, Response> {
        if let Some(peer) = peer {
            parts.extensions.insert(ConnectInfo(peer));
        }
        if self.handler.dispatch.admission.is_some() {
            parts.extensions.insert(Authenticated(admitted.clone()));
        }
        let request = Request::from_parts(parts, body);
        Box::pin(async move { self.mcp.handle(request).await.into_response() })
    }
}

/// The head of the request, which goes on to somebody else: without the token, for which nobody who
/// comes after has a use, and which they cannot leak then.
fn taken(parts: &mut Parts) -> Parts {
    let mut taken = std::mem::replace(parts, Request::new(()).into_parts().0);
    head::forget_credentials(&mut taken.headers);
    taken
}

/// The answer to a call in which something panicked that is no tool.
fn broke(message: &[u8]) -> Response {
    let id = Envelope::read(message).map(|envelope| envelope.id()).unwrap_or_default();
    Rejection::internal_error(&id, panic::MESSAGE).into_response()
}
