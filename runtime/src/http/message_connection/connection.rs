//! One connection: each of its messages is authorized, and then answered by rmcp's service loop.

use std::sync::Arc;

use http::request::Parts;
use rmcp::{
    RoleServer, ServiceExt,
    model::{ErrorCode, GetExtensions, JsonRpcMessage},
    service::{RxJsonRpcMessage, ServerInitializeError},
};
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "websocket")]
use crate::gate::gate_error::GateError;

#[cfg(feature = "inspector")]
use super::recording::MessageRecorder;
use super::{
    outgoing::Outgoing, refusal, registry::MessageConnections, requests::OpenRequests,
    transport::ConnectionTransport,
};
use crate::{
    gate::{Claims, step_up::StepUpMeans},
    http::{
        admission::CallPermit,
        headers as names,
        message_authorization::{MessageRefusal, authorize},
        scope_check, traced,
    },
    mcp::{
        message::{Message, MessageError},
        named_handler::NamedHandler,
        request::{Authenticated, RawArguments},
        transport::ServerTransport,
    },
    support::background,
    trace::{EventKind, SessionTransport, Span, ms_since},
};

/// How many messages may wait for the service loop, which takes each at once.
const MAX_WAITING_MESSAGES: usize = 16;

/// Why the service loop of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The first message did not begin anything.
    NotInitialized,
    /// The connection ended, or its messages can no longer be sent.
    Closed,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiveError {
    /// It is not a message.
    Invalid(MessageError),
    /// The service loop has ended.
    Closed,
}

/// A connection, whose calls are cancelled when it is dropped.
pub(crate) struct MessageConnection {
    shared: Arc<MessageConnections>,
    /// The head of the request that opened it, without its credentials.
    head: Parts,
    incoming: mpsc::Sender<RxJsonRpcMessage<RoleServer>>,
    outgoing: Arc<Outgoing>,
    requests: Arc<OpenRequests>,
    cancel: CancellationToken,
    #[cfg(feature = "inspector")]
    recorder: Option<Arc<MessageRecorder>>,
}

impl MessageConnection {
    /// Opens a connection. The task completes when the service loop has ended.
    pub(crate) fn open(
        shared: &Arc<MessageConnections>,
        mut head: Parts,
        by: SessionTransport,
    ) -> (Self, JoinHandle<Ending>) {
        let handler = &shared.handler;
        names::prepare(&mut head, handler.dispatch.host());
        let (incoming, messages) = mpsc::channel(MAX_WAITING_MESSAGES);
        #[cfg(feature = "inspector")]
        let recorder = shared.recorder(&head);
        #[cfg(feature = "inspector")]
        let outgoing = Arc::new(Outgoing::recorded(recorder.clone()));
        #[cfg(not(feature = "inspector"))]
        let outgoing = Arc::<Outgoing>::default();
        let transport = ConnectionTransport {
            incoming: messages,
            outgoing: Arc::clone(&outgoing),
            lifts_schemes: handler.dispatch.resource_server.is_some(),
        };
        let cancel = CancellationToken::new();
        let dispatch = Arc::clone(&handler.dispatch);
        let handler = NamedHandler(handler.clone());
        let cancelled = cancel.clone();
        let served = background::spawn(shared.open.track_future(async move {
            let transport = ServerTransport::Messages(Box::new(transport));
            match handler.serve_with_ct(transport, cancelled).await {
                Ok(running) => {
                    let begun = dispatch.tracer.now();
                    let peer = running.peer().clone();
                    let notified = async {
                        if let Some(changes) = &dispatch.tool_changes {
                            changes.follow(&peer).await;
                        }
                        std::future::pending::<()>().await;
                    };
                    tokio::select! {
                        _ = running.waiting() => {}
                        () = notified => {}
                    }
                    let ms = ms_since(begun);
                    let span = dispatch.tracer.span();
                    span.emit(|| EventKind::SessionEnded { transport: by, ms });
                    Ending::Closed
                }
                Err(ServerInitializeError::ExpectedInitializeRequest(_)) => Ending::NotInitialized,
                Err(_) => Ending::Closed,
            }
        }));
        let connection = Self {
            shared: Arc::clone(shared),
            head,
            incoming,
            outgoing,
            requests: Arc::default(),
            cancel,
            #[cfg(feature = "inspector")]
            recorder,
        };
        (connection, served)
    }

    /// The messages to the client.
    pub(crate) fn outgoing(&self) -> &Arc<Outgoing> {
        &self.outgoing
    }

    /// Cancels the calls, and ends the service loop.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Takes a message of a caller. What the caller may not send is refused by a response.
    pub(crate) async fn receive(
        &self,
        body: &[u8],
        caller: Option<&Claims>,
    ) -> Result<(), ReceiveError> {
        let message = Message::parse(body).map_err(ReceiveError::Invalid)?;
        match self.authorize(&message, body, caller).await? {
            Ok(authorized) => {
                self.incoming.send(authorized).await.map_err(|_| ReceiveError::Closed)
            }
            Err(refusal) => self.refuse(&message, refusal).await,
        }
    }

    /// Refuses a message whose caller is not known.
    #[cfg(feature = "websocket")]
    pub(crate) async fn refuse_unread(
        &self,
        body: &[u8],
        error: GateError,
    ) -> Result<(), ReceiveError> {
        let message = Message::parse(body).map_err(ReceiveError::Invalid)?;
        self.record(&message, (body, None), &self.shared.tracer().span());
        self.refuse(&message, Refusal::Message(error.into())).await
    }

    /// Answers a body that is no message.
    #[cfg(feature = "websocket")]
    pub(crate) async fn refuse_invalid(&self, error: MessageError) -> Result<(), ReceiveError> {
        let (code, message) = error.code_and_message();
        self.send(refusal::error(&Value::Null, ErrorCode(code), message)).await
    }

    /// Decides whether the message may be answered, and adds what its handler needs.
    async fn authorize(
        &self,
        message: &Message<'_>,
        body: &[u8],
        caller: Option<&Claims>,
    ) -> Result<Result<RxJsonRpcMessage<RoleServer>, Refusal>, ReceiveError> {
        let handler = &self.shared.handler;
        let dispatch = &handler.dispatch;
        let mut parts = self.head.clone();
        let span = traced::begin(&dispatch.tracer, &mut parts);
        self.record(message, (body, caller), &span);
        // What answers a request of a call must not wait for the call to end.
        let permit = match self.shared.gate().filter(|_| message.expects_response()) {
            Some(gate) => match gate.acquire_permit(caller, false) {
                Ok(permit) => permit,
                Err(error) => return Ok(Err(Refusal::Message(error.into()))),
            },
            None => None,
        };
        let call = match authorize(handler, (&parts.extensions, message), caller) {
            Ok(call) => call,
            Err(error) => return Ok(Err(Refusal::Message(error))),
        };
        let tool = call.as_ref().and_then(|(_, tool)| *tool);
        traced::message_read(&dispatch.tracer, (&mut parts, message, body), tool);
        let mut widened = None;
        let checked =
            scope_check::check(dispatch, (&parts.extensions, message), call.as_ref(), caller);
        if let Err(lack) = checked {
            let means = StepUpMeans { accumulates: !message.is_current(), reads_challenges: false };
            let to = (&mut parts.extensions, means);
            match scope_check::step_up(dispatch, to, lack, caller).await {
                Ok(claims) => widened = claims,
                Err(error) => return Ok(Err(Refusal::Message(error.into()))),
            }
        }
        if dispatch.resource_server.is_some() {
            let caller = widened.as_ref().or(caller);
            parts.extensions.insert(Authenticated(caller.cloned()));
        }
        let read = serde_json::from_slice::<RxJsonRpcMessage<RoleServer>>(body);
        let mut read = read.map_err(|_| ReceiveError::Invalid(MessageError::of(body)))?;
        if let JsonRpcMessage::Request(request) = &mut read {
            let open = match self.requests.begin(&request.id) {
                Ok(open) => open,
                Err(error) => return Ok(Err(Refusal::Request(error.message()))),
            };
            let extensions = request.request.extensions_mut();
            extensions.insert(open);
            if let Some((call, _)) = call {
                if let Some(arguments) = call.arguments {
                    extensions.insert(RawArguments(arguments.to_owned().into()));
                }
                if let Some(permit) = permit {
                    extensions.insert(CallPermit::new(permit));
                }
            }
        }
        read.insert_extension(parts);
        Ok(Ok(read))
    }

    /// Shows a message to the inspector.
    #[cfg_attr(not(feature = "inspector"), allow(unused_variables, clippy::unused_self))]
    fn record(&self, message: &Message<'_>, sent: (&[u8], Option<&Claims>), span: &Span) {
        #[cfg(feature = "inspector")]
        if let Some(recorder) = &self.recorder {
            recorder.received(message, sent, span.id());
        }
    }

    /// Refuses a message, by a response if it is a request.
    async fn refuse(&self, message: &Message<'_>, refusal: Refusal) -> Result<(), ReceiveError> {
        if !message.expects_response() {
            return Ok(());
        }
        let id = message.id();
        let response = match refusal {
            Refusal::Request(message) => refusal::error(&id, ErrorCode::INVALID_REQUEST, message),
            Refusal::Message(refused) => {
                let meta = || self.shared.handler.dispatch.server_info.meta();
                refusal::response(refused, &id, meta)
            }
        };
        self.send(response).await
    }

    async fn send(&self, response: Value) -> Result<(), ReceiveError> {
        self.outgoing.send(response.to_string()).await.map_err(|_| ReceiveError::Closed)
    }
}

impl Drop for MessageConnection {
    fn drop(&mut self) {
        self.cancel();
    }
}

enum Refusal {
    Message(MessageRefusal),
    /// The connection has no room for the request.
    Request(&'static str),
}
