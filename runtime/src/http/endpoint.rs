//! The endpoint at `/mcp`: the steps of one request, in their order.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    BoxError,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use rmcp::model::CallToolRequestParams;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

#[cfg(any(feature = "sse", feature = "websocket"))]
use super::anonymous_streams::AnonymousStreams;
use super::{
    admission::{self, CallPermit},
    body,
    fast_path::{FastCall, FastPath, Initialize, ListCache, SessionMessage, VisibleTools},
    headers as names,
    landing::LandingPage,
    long_call,
    message_authorization::{MessageRefusal, authorize},
    negotiation::Accepted,
    peer::Peer,
    rejection::Rejection,
    response_hook::ResponseHook,
    scope_check::{self, Lack},
    sdk::{Origin, Sdk},
    sealed_session::Session,
    security_schemes,
    session_ids::{SessionIds, SessionKeys},
    session_notices::SessionNotices,
    sessions::Sessions,
    traced,
};
use crate::{
    gate::{self, Claims, limits::ConcurrencyPermit},
    mcp::{
        fallback::ErasedHandler,
        handler::Handler,
        message::{CallParams, Message},
        panic::{self, Panicked},
        registry::ServedTool,
        request::RawArguments,
    },
    tool::registry::PreparedCall,
    trace::{EventKind, Operation, SessionTransport},
};

/// The notification that cancels a request.
const CANCELLED: &str = "notifications/cancelled";

/// The endpoint: a gate, a fast path, and rmcp's service for everything else.
pub(crate) struct Endpoint {
    pub(crate) handler: Handler<ErasedHandler>,
    fast_path: FastPath,
    list_cache: ListCache,
    /// The lists of clients with sessions, in their form.
    session_list_cache: ListCache,
    landing_page: Option<Arc<LandingPage>>,
    session_ids: SessionIds,
    sdk: Sdk,
}

/// Who answers a request, once its caller may send it.
enum Route<'a> {
    /// A tool, on the fast path.
    FastPath(&'a ServedTool, FastCall<'a>, PreparedCall),
    /// A tool of the fallback handler, on the fast path.
    Fallback(FastCall<'a>, Box<CallToolRequestParams>),
    /// The list of these tools, from the cache or from rmcp.
    List(VisibleTools, &'a RawValue),
    /// The beginning of a session, on the fast path.
    Initialize(Box<Initialize<'a>>),
    /// Another message of a session, on the fast path.
    Session(SessionMessage<'a>),
    /// rmcp.
    Sdk(ResponseHook),
}

impl Endpoint {
    pub(crate) fn new(
        handler: &Handler<ErasedHandler>,
        landing_page: Option<Arc<LandingPage>>,
        (session_keys, shutdown): (SessionKeys, CancellationToken),
    ) -> Self {
        let dispatch = &handler.dispatch;
        let clock = &dispatch.prompts.clock;
        let notices = SessionNotices::new(Arc::clone(&session_keys.records), Arc::clone(clock));
        let sessions = Sessions::new(notices);
        let gate = dispatch.resource_server.as_deref();
        let server = gate.map_or(&*dispatch.identity.name, |gate| gate.resource());
        Self {
            handler: handler.clone(),
            fast_path: FastPath::new(handler.clone(), sessions.clone()),
            list_cache: ListCache::default(),
            session_list_cache: ListCache::default(),
            landing_page,
            session_ids: SessionIds::new(session_keys, clock, &sessions, (server, gate.is_some())),
            sdk: Sdk::new(handler, sessions, shutdown),
        }
    }

    /// The streams of anonymous callers, with which their connections are counted.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(super) fn anonymous_streams(&self) -> Arc<AnonymousStreams> {
        Arc::clone(&self.sdk.streams)
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

    /// Answers a request that does not come as far as the gate.
    pub(crate) fn refuse(&self, parts: &mut Parts, rejection: Rejection) -> Response {
        let span = traced::begin(&self.handler.dispatch.tracer, parts);
        rejection.traced(&span).into_response()
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
        let claims = admission::authenticate(&self.handler, parts, peer).await?;
        let caller = claims.as_ref();
        let cache = peer.caches.map(|caches| &caches.session);
        let mut session = self.session_ids.open(&parts.headers, cache, caller)?;
        if let Some(named) = session.take_if(|it| self.session_ids.known_end(it) != Some(false)) {
            // Boxed, so that the future of every request is not as large as this.
            session = Box::pin(self.session_ids.check_end(named)).await?;
        }
        let permit = admission::acquire_permit(&self.handler, caller, session.is_some())?;
        let accepted = Accepted::of(&parts.headers);
        if parts.method != Method::POST {
            // The stream of a session may stay open for hours, so it takes no permit from calls.
            drop(permit);
            let origin = Origin { address: peer.address, caller, session: session.as_ref() };
            // Boxed, so that the future of every request is not as large as this.
            return Box::pin(self.respond_without_message(parts, body, origin)).await;
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
            let from = (claims, session, accepted);
            let response = endpoint.answer((parts, message), from, permit, address);
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
        (claims, session, accepted): (Option<Claims>, Option<Arc<Session>>, Accepted),
        permit: Option<ConcurrencyPermit>,
        address: Option<SocketAddr>,
    ) -> Result<Response, Rejection> {
        let (parts, caller) = (&mut parts, claims.as_ref());
        let origin = |caller| Origin { address, caller, session: session.as_ref() };
        let tracer = &self.handler.dispatch.tracer;
        let (mut widened, began) = (None, tracer.now());
        let route = match self.parse(&parts.headers, &body)? {
            Some(message) => {
                admission::check_permit(permit.as_ref(), &message)?;
                let call = authorize(&self.handler, (&parts.extensions, &message), caller)
                    .map_err(|error| self.reject(error, &message))?;
                let tool = call.as_ref().and_then(|(_, tool)| *tool);
                traced::message_read(tracer, (&mut *parts, &message, &body), tool);
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
                let from = (origin(caller), accepted, needs_prompt);
                self.route(parts, &body, (&message, call), from)?
            }
            None => Route::Sdk(ResponseHook::None),
        };
        let caller = widened.as_ref().or(caller);
        match route {
            Route::FastPath(tool, call, prepared) => {
                let Some(session) = call.session else {
                    return Ok(self.fast_path.call(tool, (&call, prepared), (parts, caller)).await);
                };
                let from = (session, &*parts, caller);
                Ok(self.fast_path.call_in_session(tool, (&call, prepared), from).await)
            }
            Route::Fallback(call, params) => {
                let call = (&call, *params);
                Ok(Box::pin(self.fast_path.call_fallback(call, (parts, caller))).await)
            }
            Route::List(visible, id) => match self.list_cache.get(&visible, id) {
                Some(response) => {
                    let at = (tracer, &parts.extensions);
                    Ok(traced::answered(at, Operation::ToolsList, began, response))
                }
                None => {
                    let hook = ResponseHook::LiftSecuritySchemes;
                    let response = self.call_sdk(parts, (origin(caller), accepted), body, hook);
                    let response = response.await?;
                    Ok(Box::pin(self.list_cache.insert(visible, response)).await)
                }
            },
            Route::Initialize(initialize) => {
                let address = gate::client_ip_key(&parts.extensions, address);
                let seal = |client| self.session_ids.begin(caller, address, client);
                let response = FastPath::initialize(*initialize, seal);
                let at = (tracer, &parts.extensions);
                Ok(traced::answered(at, Operation::Initialize, began, response))
            }
            Route::Session(message) => {
                Ok(Box::pin(self.respond_in_session(message, (parts, caller), began)).await)
            }
            Route::Sdk(hook) => {
                if let (ResponseHook::HoldPermit, Some(permit)) = (hook, permit) {
                    parts.extensions.insert(CallPermit::new(permit));
                }
                let running = self.handler.dispatch.running.token();
                let response = self.call_sdk(parts, (origin(caller), accepted), body, hook).await?;
                Ok(hook.hold(running, response))
            }
        }
    }

    /// Lets rmcp answer a message.
    async fn call_sdk(
        &self,
        parts: &mut Parts,
        from: (Origin<'_>, Accepted),
        body: Bytes,
        hook: ResponseHook,
    ) -> Result<Response, Rejection> {
        self.sdk.call(parts, from, body, &self.session_ids, hook).await
    }

    /// Answers a request that carries no message: the stream of a session, or its end.
    async fn respond_without_message<B>(
        &self,
        parts: &mut Parts,
        body: B,
        origin: Origin<'_>,
    ) -> Result<Response, Rejection>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if parts.method == Method::HEAD {
            // The stream of a session would be opened for its head alone, in place of the one that
            // the client has.
            if parts.headers.contains_key(&names::SESSION) {
                origin.session.ok_or_else(Rejection::session_not_found)?;
                return Ok([(header::CONTENT_TYPE, "text/event-stream")].into_response());
            }
            parts.method = Method::GET;
        }
        if parts.method == Method::GET && !Accepted::of(&parts.headers).events {
            return Err(Rejection::not_acceptable());
        }
        let ends = parts.method == Method::DELETE;
        let response = self.sdk.call_without_message(parts, origin, Body::new(body)).await?;
        if let Some(session) = origin.session.filter(|_| ends)
            && response.status() == StatusCode::ACCEPTED
        {
            self.fast_path.cancel_all(session);
            self.session_ids.end(session).await?;
            let tracer = &self.handler.dispatch.tracer;
            tracer.of(&parts.extensions).emit(|| EventKind::SessionEnded {
                transport: SessionTransport::Http,
                ms: self.session_ids.age(session).into(),
            });
        }
        Ok(response)
    }

    /// Parses the body; `None` leaves a body that is not announced as JSON to rmcp, which refuses it.
    fn parse<'a>(
        &self,
        headers: &HeaderMap,
        body: &'a Bytes,
    ) -> Result<Option<Message<'a>>, Rejection> {
        // Behind a gate every body is parsed, so that no header keeps a call from being authorized.
        if !body::is_json(headers) && self.handler.dispatch.resource_server.is_none() {
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
        (origin, accepted, needs_prompt): (Origin<'a>, Accepted, bool),
    ) -> Result<Route<'a>, Rejection> {
        let (dispatch, headers) = (&self.handler.dispatch, &parts.headers);
        let session = origin.session.map(|session| &**session);
        // Its responses are JSON.
        let takes_fast_path = dispatch.fast_path && accepted.json;
        let Some((call, tool)) = call else {
            if let Some(session) = session.filter(|_| message.method() == CANCELLED) {
                self.fast_path.cancel(session, origin.caller, body);
            }
            if message.method() == "subscriptions/listen" && !accepted.events {
                return Err(Rejection::not_acceptable());
            }
            // A fallback handler may send something before its response, and its lists may change at
            // any time.
            let route = (takes_fast_path && self.handler.fallback.is_none)
                .then(|| self.fast_route(headers, message, body, origin))
                .flatten();
            return Ok(route.unwrap_or(Route::Sdk(ResponseHook::for_method(message.method()))));
        };
        let fast = panic::catch(|| match tool {
            _ if needs_prompt => None,
            Some(tool) if takes_fast_path => {
                FastCall::new(headers, (tool, session), (message, &call), body)
                    .map(|(call, prepared)| Route::FastPath(tool, call, prepared))
            }
            None if takes_fast_path && dispatch.fallback_is_silent && session.is_none() => {
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

    /// The route of a message that is no call, if the fast path answers it.
    fn fast_route<'a>(
        &self,
        headers: &HeaderMap,
        message: &Message<'a>,
        body: &'a [u8],
        origin: Origin<'_>,
    ) -> Option<Route<'a>> {
        if let Some(session) = origin.session {
            // A notification may be about a request that lives there.
            let is_live = || self.sdk.has(session);
            return SessionMessage::new(headers, session, message, body)
                .filter(|message| !matches!(message, SessionMessage::Notification) || !is_live())
                .map(Route::Session);
        }
        if message.method() == "initialize" {
            let initialize = Initialize::new(headers, &self.handler, message, body);
            return initialize.map(Route::Initialize);
        }
        let id = ListCache::request_id(headers, message)?;
        Some(Route::List(VisibleTools::new(&self.handler.dispatch, origin.caller), id))
    }

    /// Answers a message of a session on the fast path.
    async fn respond_in_session(
        &self,
        message: SessionMessage<'_>,
        from: (&Parts, Option<&Claims>),
        began: Option<Instant>,
    ) -> Response {
        match message {
            SessionMessage::Notification => FastPath::acknowledge(),
            SessionMessage::Request(id, request) => self.fast_path.answer(id, *request, from).await,
            SessionMessage::List(id, request) => {
                let dispatch = &self.handler.dispatch;
                let visible = VisibleTools::new(dispatch, from.1);
                if let Some(response) = self.session_list_cache.get(&visible, id) {
                    let at = (&dispatch.tracer, &from.0.extensions);
                    return traced::answered(at, Operation::ToolsList, began, response);
                }
                let mut response = self.fast_path.answer(id, *request, from).await;
                if dispatch.resource_server.is_some() {
                    response = security_schemes::lift(response).await;
                }
                self.session_list_cache.insert(visible, response).await
            }
        }
    }
}
