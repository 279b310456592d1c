//! The endpoint at `/mcp`: the steps of one request, in their order.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    BoxError,
    body::Body,
    extract::{ConnectInfo, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts};
use rmcp::{
    model::CallToolRequestParams,
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService},
};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::{
    anonymous_streams::AnonymousStreams,
    body::{self, MAX_BODY_BYTES},
    fast_path::{FastCall, FastPath, ListCache, VisibleTools},
    headers as names,
    landing::LandingPage,
    long_call,
    message_authorization::{MessageRefusal, authorize},
    negotiation::Accepted,
    peer::Peer,
    rejection::Rejection,
    response_hook::ResponseHook,
    scope_check::{self, Lack},
    security_schemes,
    sessions::Sessions,
    traced,
};
use crate::{
    gate::{self, Claims, limits::ConcurrencyPermit, resource_server::principal},
    mcp::{
        fallback::ErasedHandler,
        handler::Handler,
        message::{CallParams, Message, MessageError},
        named_handler::NamedHandler,
        panic::{self, Panicked},
        registry::ServedTool,
        request::{Authenticated, RawArguments},
    },
    tool::registry::PreparedCall,
};

/// The largest request for a widget's page that needs no access token.
const MAX_PAGE_REQUEST_BYTES: usize = 8 << 10;

/// The endpoint: a gate, a fast path, and rmcp's service for everything else.
pub(crate) struct Endpoint {
    pub(crate) handler: Handler<ErasedHandler>,
    fast_path: FastPath,
    list_cache: ListCache,
    landing_page: Option<Arc<LandingPage>>,
    sessions: Arc<Sessions>,
    sdk: StreamableHttpService<NamedHandler, Sessions>,
    streams: Arc<AnonymousStreams>,
}

/// Who answers a request, once its caller may send it.
enum Route<'a> {
    /// A tool, on the fast path.
    FastPath(&'a ServedTool, FastCall<'a>, PreparedCall),
    /// A tool of the fallback handler, on the fast path.
    Fallback(FastCall<'a>, Box<CallToolRequestParams>),
    /// The list of these tools, from the cache or from rmcp.
    List(VisibleTools, &'a RawValue),
    /// rmcp.
    Sdk(ResponseHook),
}

/// Request extension: the permit of a call, which is released when the call ends.
#[derive(Clone)]
struct CallPermit {
    _permit: Arc<ConcurrencyPermit>,
}

impl Endpoint {
    pub(crate) fn new(
        handler: &Handler<ErasedHandler>,
        landing_page: Option<Arc<LandingPage>>,
        shutdown: CancellationToken,
    ) -> Self {
        let mut config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_cancellation_token(shutdown);
        // The gate checks the `Host`, or `loopback_only` where there is no gate.
        config.allowed_hosts = Vec::new();
        let sessions = Sessions::new();
        let session_handler = NamedHandler(handler.clone());
        let sdk = StreamableHttpService::new(
            move || Ok(session_handler.clone()),
            Arc::clone(&sessions),
            config,
        );
        Self {
            handler: handler.clone(),
            fast_path: FastPath::new(handler.clone()),
            list_cache: ListCache::default(),
            landing_page,
            sessions,
            sdk,
            streams: Arc::default(),
        }
    }

    /// Answers a request.
    pub(crate) async fn respond<B>(
        self: &Arc<Self>,
        parts: &mut Parts,
        body: B,
        peer: Peer<'_>,
    ) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if parts.method != Method::POST
            && let Some(landing_page) = &self.landing_page
            && LandingPage::is_wanted(parts)
        {
            return Box::pin(landing_page.respond(parts)).await;
        }
        let is_head = parts.method == Method::HEAD;
        let span = traced::begin(&self.handler.dispatch.tracer, parts);
        let response = self.handle(parts, body, peer).await;
        let response = response.unwrap_or_else(|rejection| rejection.traced(&span).into_response());
        if is_head { response.map(|_| Body::empty()) } else { response }
    }

    async fn handle<B>(
        self: &Arc<Self>,
        parts: &mut Parts,
        body: B,
        peer: Peer<'_>,
    ) -> Result<Response, Rejection>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let claims = self.authenticate(parts, peer).await?;
        let caller = claims.as_ref();
        let permit = self.acquire_permit(caller)?;
        let accepted = Accepted::of(&parts.headers);
        if parts.method != Method::POST {
            // The stream of a session may stay open for hours, so it takes no permit from calls.
            drop(permit);
            return self.respond_without_message(parts, body, peer.address, caller).await;
        }
        if !accepted.any() {
            return Err(Rejection::not_acceptable());
        }
        let body = body::read(body).await?;
        let parts = std::mem::replace(parts, Request::new(()).into_parts().0);
        let (endpoint, message, address) = (Arc::clone(self), body.clone(), peer.address);
        // It owns what it needs, because the body of a stream may go on with it.
        let response = async move {
            let span = endpoint.handler.dispatch.tracer.of(&parts.extensions);
            let response = endpoint.answer((parts, message), (claims, accepted), permit, address);
            let reject = |rejection: Rejection| rejection.traced(&span).into_response();
            response.await.unwrap_or_else(reject)
        };
        let sse_after = self.handler.dispatch.sse_after;
        Ok(long_call::respond(response, (body, accepted), sse_after).await)
    }

    /// Answers a message whose caller is authenticated.
    async fn answer(
        &self,
        (mut parts, body): (Parts, Bytes),
        (claims, accepted): (Option<Claims>, Accepted),
        permit: Option<ConcurrencyPermit>,
        peer: Option<SocketAddr>,
    ) -> Result<Response, Rejection> {
        let (parts, caller) = (&mut parts, claims.as_ref());
        let mut widened = None;
        let route = match self.parse(&parts.headers, &body)? {
            Some(message) => {
                let call = authorize(&self.handler, (&parts.extensions, &message), caller)
                    .map_err(|error| self.reject(error, &message))?;
                let tool = call.as_ref().and_then(|(_, tool)| *tool);
                traced::message_read(&self.handler.dispatch.tracer, (parts, &message), tool);
                let needs_prompt = match scope_check::check(
                    &self.handler.dispatch,
                    (&parts.extensions, &message),
                    call.as_ref(),
                    caller,
                ) {
                    Ok(()) => false,
                    // Boxed, so that the future of every request is not as large as this.
                    Err(lack) => {
                        let prompts = matches!(lack, Lack::Call(..));
                        let dispatch = &self.handler.dispatch;
                        let means = scope_check::means_of(&parts.headers);
                        let extensions = &mut parts.extensions;
                        let step_up =
                            scope_check::step_up(dispatch, (extensions, means), lack, caller);
                        widened = Box::pin(step_up)
                            .await
                            .map_err(|error| self.reject(error.into(), &message))?;
                        prompts && widened.is_none()
                    }
                };
                let caller = widened.as_ref().or(caller);
                self.route(parts, &body, (&message, call), (caller, accepted, needs_prompt))?
            }
            None => Route::Sdk(ResponseHook::None),
        };
        let caller = widened.as_ref().or(caller);
        match route {
            Route::FastPath(tool, call, prepared) => {
                Ok(self.fast_path.call(tool, (&call, prepared), (parts, caller)).await)
            }
            Route::Fallback(call, params) => {
                let call = (&call, *params);
                Ok(Box::pin(self.fast_path.call_fallback(call, (parts, caller))).await)
            }
            Route::List(visible, id) => match self.list_cache.get(&visible, id) {
                Some(response) => Ok(response),
                None => {
                    let hook = ResponseHook::LiftSecuritySchemes;
                    let to = (peer, accepted);
                    let response = self.call_sdk(parts, to, body, caller, hook).await?;
                    Ok(Box::pin(self.list_cache.insert(visible, response)).await)
                }
            },
            Route::Sdk(hook) => {
                if let (ResponseHook::HoldPermit, Some(permit)) = (hook, permit) {
                    parts.extensions.insert(CallPermit { _permit: Arc::new(permit) });
                }
                let running = self.handler.dispatch.running.token();
                let response = self.call_sdk(parts, (peer, accepted), body, caller, hook).await?;
                Ok(hook.hold(running, response))
            }
        }
    }

    /// Answers a request that carries no message: the stream of a session, or its end.
    async fn respond_without_message<B>(
        &self,
        parts: &mut Parts,
        body: B,
        peer: Option<SocketAddr>,
        caller: Option<&Claims>,
    ) -> Result<Response, Rejection>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if parts.method == Method::HEAD {
            // The stream of a session would be opened for its head alone, in place of the one that
            // the client has.
            if let Some(id) = parts.headers.get(&names::SESSION) {
                let owner = id.to_str().ok().and_then(|id| self.sessions.owner(id));
                owner.ok_or_else(Rejection::session_not_found)?;
                return Ok([(header::CONTENT_TYPE, "text/event-stream")].into_response());
            }
            parts.method = Method::GET;
        }
        if parts.method == Method::GET && !Accepted::of(&parts.headers).events {
            return Err(Rejection::not_acceptable());
        }
        let address = gate::client_ip_key(&parts.extensions, peer);
        let response = self.forward(parts, peer, Body::new(body), caller).await;
        let gate = self.handler.dispatch.resource_server.as_deref();
        self.streams.bound(gate, (address, caller), response)
    }

    /// Authenticates the caller by the head of the request, before its body is read. `None` is the
    /// local user, or a caller who needs no token.
    async fn authenticate(
        &self,
        parts: &Parts,
        peer: Peer<'_>,
    ) -> Result<Option<Claims>, Rejection> {
        if !matches!(parts.method, Method::POST | Method::GET | Method::HEAD | Method::DELETE) {
            return Err(Rejection::method_not_allowed());
        }
        let gate = self.handler.dispatch.resource_server.as_ref();
        if let Some(gate) = gate {
            gate.check_origin(&parts.headers)?;
        }
        let length = parts.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > MAX_BODY_BYTES) {
            return Err(Rejection::body_too_large(MAX_BODY_BYTES));
        }
        let Some(gate) = gate else { return Ok(None) };
        let address = gate::client_ip_key(&parts.extensions, peer.address);
        let reads_page = || self.announces_page(parts, length);
        let claims = gate.authenticate(parts, (address, peer.token_cache), reads_page).await?;
        self.check_session(&parts.headers, claims.as_ref())?;
        Ok(claims)
    }

    /// Whether the head of the request announces a small request for a widget's page. Pages have no
    /// one's data, and a host that is refused one shows an empty frame instead of a sign-in.
    fn announces_page(&self, parts: &Parts, length: Option<usize>) -> bool {
        let header =
            |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        parts.method == Method::POST
            && length.is_some_and(|length| length <= MAX_PAGE_REQUEST_BYTES)
            && header(&names::METHOD) == Some("resources/read")
            && header(&names::NAME).is_some_and(|uri| self.handler.dispatch.widgets.contains(uri))
    }

    /// Checks that the session belongs to the caller: its identifier is no credential.
    fn check_session(&self, headers: &HeaderMap, caller: Option<&Claims>) -> Result<(), Rejection> {
        let Some(id) = headers.get(&names::SESSION) else { return Ok(()) };
        let id = id.to_str().unwrap_or_default();
        let principal = principal(caller);
        match self.sessions.owner(id) {
            Some(owner) if *owner == *principal => Ok(()),
            // An anonymous caller who signs in keeps the session.
            Some(owner) if owner.is_empty() && self.sessions.adopt(id, &principal) => Ok(()),
            _ => {
                tracing::warn!(target: "toolgate::gate", code = "session", "a session is not the caller's");
                Err(Rejection::session_not_found())
            }
        }
    }

    /// Counts the request against the caller's limits.
    fn acquire_permit(
        &self,
        caller: Option<&Claims>,
    ) -> Result<Option<ConcurrencyPermit>, Rejection> {
        let Some(gate) = &self.handler.dispatch.resource_server else { return Ok(None) };
        Ok(gate.acquire_permit(caller)?)
    }

    /// Parses the body; `None` leaves a body that is not announced as JSON to rmcp, which refuses it.
    fn parse<'a>(
        &self,
        headers: &HeaderMap,
        body: &'a Bytes,
    ) -> Result<Option<Message<'a>>, Rejection> {
        // Behind a gate every body is parsed, so that no header keeps a call from being authorized.
        if !is_json(headers) && self.handler.dispatch.resource_server.is_none() {
            return Ok(None);
        }
        // rmcp would answer all of these errors with 415 and a parser's message.
        let message = Message::parse(body);
        message.map(Some).map_err(|error| Rejection::invalid_message(error.code_and_message()))
    }

    /// The refusal of a message.
    fn reject(&self, error: MessageRefusal, message: &Message<'_>) -> Rejection {
        match error {
            MessageRefusal::Gate(error) => {
                let meta = || self.handler.dispatch.server_info.meta();
                Rejection::from_gate(error, || message.id(), meta)
            }
            MessageRefusal::InvalidCall => Rejection::invalid_call(&message.id()),
        }
    }

    /// Chooses who answers.
    fn route<'a>(
        &'a self,
        parts: &mut Parts,
        body: &'a Bytes,
        (message, call): (&Message<'a>, Option<(CallParams<'_, 'a>, Option<&'a ServedTool>)>),
        (caller, accepted, needs_prompt): (Option<&Claims>, Accepted, bool),
    ) -> Result<Route<'a>, Rejection> {
        let (dispatch, headers) = (&self.handler.dispatch, &parts.headers);
        // Its responses are JSON.
        let takes_fast_path = dispatch.fast_path && accepted.json;
        let Some((call, tool)) = call else {
            if message.method() == "subscriptions/listen" && !accepted.events {
                return Err(Rejection::not_acceptable());
            }
            // The list of a fallback handler may change at any time.
            let cached = (takes_fast_path && self.handler.fallback.is_none)
                .then(|| ListCache::request_id(headers, message))
                .flatten();
            return Ok(match cached {
                Some(id) => Route::List(VisibleTools::new(dispatch, caller), id),
                None => Route::Sdk(ResponseHook::for_method(message.method())),
            });
        };
        let fast = panic::catch(|| match tool {
            _ if needs_prompt => None,
            Some(tool) if takes_fast_path => FastCall::new(headers, tool, (message, &call), body)
                .map(|(call, prepared)| Route::FastPath(tool, call, prepared)),
            None if takes_fast_path && dispatch.fallback_is_silent => {
                FastCall::to_fallback(headers, &self.handler, (message, &call), body)
                    .map(|(call, params)| Route::Fallback(call, Box::new(params)))
            }
            _ => None,
        });
        // The decoder of an argument may panic.
        let fast =
            fast.map_err(|Panicked| Rejection::internal_error(&message.id(), panic::MESSAGE));
        if let Some(route) = fast? {
            return Ok(route);
        }
        if let Some(arguments) = call.arguments {
            parts.extensions.insert(RawArguments(arguments.to_owned().into()));
        }
        Ok(Route::Sdk(ResponseHook::HoldPermit))
    }

    /// Lets rmcp answer a message.
    async fn call_sdk(
        &self,
        parts: &mut Parts,
        (peer, accepted): (Option<SocketAddr>, Accepted),
        body: Bytes,
        caller: Option<&Claims>,
        hook: ResponseHook,
    ) -> Result<Response, Rejection> {
        let is_json = is_json(&parts.headers);
        let parts_address = gate::client_ip_key(&parts.extensions, peer);
        let opens_session =
            hook == ResponseHook::OpenSession && !parts.headers.contains_key(&names::SESSION);
        let address = opens_session.then(|| gate::client_ip_key(&parts.extensions, peer)).flatten();
        let response = self.forward(parts, peer, Body::from(body.clone()), caller);
        // Boxed, so that the future of every request is not as large as these.
        let response = if opens_session {
            let principal = principal(caller);
            let opened = Box::pin(self.sessions.open(&principal, address, response)).await;
            opened.map_err(|_| Rejection::too_many_sessions())?
        } else {
            response.await
        };
        if is_json && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            // rmcp answers so if it cannot read a message.
            let error = MessageError::of(&body);
            return Err(Rejection::invalid_message(error.code_and_message()));
        }
        let response = match hook {
            ResponseHook::LiftSecuritySchemes
                if self.handler.dispatch.resource_server.is_some() =>
            {
                Box::pin(security_schemes::lift(response)).await
            }
            ResponseHook::EndWithToken => {
                let gate = self.handler.dispatch.resource_server.as_deref();
                self.streams.bound(gate, (parts_address, caller), response)?
            }
            _ => response,
        };
        Ok(Box::pin(accepted.convert(response)).await)
    }

    /// Hands the request on to rmcp, without its credentials, which nothing after the gate needs.
    // Boxed here, so that the future of rmcp's service is compiled once.
    fn forward<'a>(
        &'a self,
        parts: &mut Parts,
        peer: Option<SocketAddr>,
        body: Body,
        caller: Option<&Claims>,
    ) -> BoxFuture<'a, Response> {
        let mut parts = std::mem::replace(parts, Request::new(()).into_parts().0);
        names::prepare(&mut parts, self.handler.dispatch.host());
        if let Some(peer) = peer {
            parts.extensions.insert(ConnectInfo(peer));
        }
        if self.handler.dispatch.resource_server.is_some() {
            parts.extensions.insert(Authenticated(caller.cloned()));
        }
        let request = Request::from_parts(parts, body);
        Box::pin(async move { self.sdk.handle(request).await.into_response() })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    const JSON: &[u8] = b"application/json";
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|content_type| content_type.as_bytes().get(..JSON.len()))
        .is_some_and(|content_type| content_type.eq_ignore_ascii_case(JSON))
}
