//! What becomes of a message, once it is read and before anything is done.
//!
//! The gate decides by what is called, whatever a header says.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use rmcp::model::CallToolRequestParams;

use super::{
    call::ShortCall,
    envelope::Envelope,
    list_cache::{Lists, Seen},
    params::REVISION,
};
use crate::tool::registry::PreparedCall;
use crate::{
    gate::resource_server::Admitted,
    http::{endpoint::Endpoint, headers as head, rejection::Rejection},
    mcp::{registry::ServedTool, request::RawArguments},
};

const JSON: &[u8] = b"application/json";

/// What becomes of a message.
pub(crate) enum Decision<'a> {
    Answer(Response),
    /// rmcp says it once, to all who see these tools.
    List(Seen),
    Short(&'a ServedTool, ShortCall<'a>, PreparedCall),
    ErasedHandler(ShortCall<'a>, Box<CallToolRequestParams>),
    Rmcp(Then),
}

/// What is to be done about rmcp's answer.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Nothing,
    /// A tool is called, whose turn ends when the call does.
    Call,
    /// A session begins, if there is room for one.
    Begin,
    /// Tools are listed, whose schemes are lifted.
    Lift,
    /// A stream begins, which ends with the token.
    Listen,
}

impl Then {
    fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Begin,
            "tools/list" => Self::Lift,
            "subscriptions/listen" => Self::Listen,
            _ => Self::Nothing,
        }
    }
}

impl Endpoint {
    /// Is the message answered from the table of tools, and not by a handler beside it? Lists are
    /// counted in, which show names and do nothing.
    fn is_ours(&self, envelope: &Envelope<'_>) -> bool {
        let whole = self.is_whole();
        match envelope.method() {
            "tools/call" => {
                let call = envelope.call().and_then(Result::ok);
                call.is_none_or(|call| self.handler.dispatch.tool(&call.name).is_some()) || whole
            }
            "initialize"
            | "server/discover"
            | "ping"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "subscriptions/listen" => true,
            method => whole || method.starts_with("notifications/"),
        }
    }

    /// Decides.
    pub(crate) fn decide<'a>(
        &'a self,
        parts: &mut Parts,
        body: &'a Bytes,
        admitted: &Admitted,
    ) -> Decision<'a> {
        let dispatch = &self.handler.dispatch;
        // Whatever it calls itself, a message that might be a call is looked at by the gate.
        if !is_json(&parts.headers) && dispatch.admission.is_none() {
            return Decision::Rmcp(Then::Nothing);
        }
        let envelope = match Envelope::read(body) {
            Ok(envelope) => envelope,
            // rmcp answers all of these with 415 and a parser's words.
            Err(fault) => {
                let rejection = Rejection::invalid_message(fault.words());
                return Decision::Answer(rejection.into_response());
            }
        };
        if let Some(admission) = &dispatch.admission {
            let page = || envelope.reads().is_some_and(|uri| dispatch.widgets.has(&uri));
            let ours = || self.is_ours(&envelope);
            if let Err(refusal) = admission.check_stranger(admitted, page, ours) {
                return Decision::Answer(Rejection::from(refusal).into_response());
            }
        }
        let call = match envelope.call() {
            None => return self.decide_others(&parts.headers, &envelope, admitted),
            // rmcp tells requests apart by their shape, and would not know the method.
            Some(Err(())) => {
                return Decision::Answer(Rejection::invalid_call(&envelope.id()).into_response());
            }
            Some(Ok(call)) => call,
        };
        let tool = dispatch.tool(&call.name);
        if let (Some(admission), Some(tool)) = (&dispatch.admission, tool) {
            let called = (&*call.name, &tool.required_scopes);
            let accumulates = || !is_modern(&parts.headers);
            if let Err(error) = admission.check_call(admitted.as_ref(), called, accumulates) {
                let rejection = Rejection::from_gate(error, || envelope.id());
                return Decision::Answer(rejection.into_response());
            }
        }
        if let Some(tool) = tool.filter(|_| dispatch.fast_path)
            && let Some((short, ready)) =
                ShortCall::read(&parts.headers, tool, (&envelope, &call), body)
        {
            return Decision::Short(tool, short, ready);
        }
        if tool.is_none()
            && dispatch.fallback_is_silent
            && let Some((short, params)) =
                ShortCall::read_beside(&parts.headers, &self.handler, (&envelope, &call), body)
        {
            return Decision::ErasedHandler(short, Box::new(params));
        }
        if let Some(arguments) = call.arguments {
            parts.extensions.insert(RawArguments(arguments.to_owned().into()));
        }
        Decision::Rmcp(Then::Call)
    }

    /// What becomes of a message that is no call.
    fn decide_others(
        &self,
        headers: &HeaderMap,
        envelope: &Envelope<'_>,
        admitted: &Admitted,
    ) -> Decision<'_> {
        let dispatch = &self.handler.dispatch;
        // What a handler beside lists is its own, and may change.
        let list = (envelope.method() == "tools/list" && dispatch.fast_path && self.is_whole())
            .then(|| Lists::read(headers, envelope))
            .flatten();
        let Some(id) = list else { return Decision::Rmcp(Then::of(envelope.method())) };
        let seen = dispatch.seen_by(admitted.as_ref());
        self.lists.answer(&seen, id).map_or(Decision::List(seen), Decision::Answer)
    }

    /// Is there nothing beside the table of tools?
    fn is_whole(&self) -> bool {
        self.handler.fallback.is_none
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|ty| ty.as_bytes().get(..JSON.len()))
        .is_some_and(|ty| ty.eq_ignore_ascii_case(JSON))
}

fn is_modern(headers: &HeaderMap) -> bool {
    let version = headers.get(&head::VERSION).and_then(|version| version.to_str().ok());
    version.is_some_and(|version| version >= REVISION)
}
