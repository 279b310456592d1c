//! Authorization of a message: what it calls, and whether its caller may send it at all.

use http::Extensions;

use crate::{
    gate::{Claims, gate_error::GateError},
    mcp::{
        fallback::ErasedHandler,
        handler::Handler,
        message::{CallParams, Message},
        registry::ServedTool,
    },
};

/// The refusal of a `tools/call` whose parameters have the wrong shape.
pub(super) const INVALID_CALL: &str =
    "`tools/call` wants `name`, a string, and `arguments`, an object, each once";

/// Why a message is refused.
pub(super) enum MessageRefusal {
    Gate(GateError),
    /// The parameters of a `tools/call` have the wrong shape.
    InvalidCall,
}

impl From<GateError> for MessageRefusal {
    fn from(error: GateError) -> Self {
        Self::Gate(error)
    }
}

/// A call, and its tool if it is one of the table.
pub(super) type FoundCall<'m, 'a, 's> = (CallParams<'m, 'a>, Option<&'s ServedTool>);

/// Finds what the message calls, whatever its headers announce, and refuses anonymous callers whom it
/// is not for.
pub(super) fn authorize<'m, 'a, 's>(
    handler: &'s Handler<ErasedHandler>,
    (extensions, message): (&Extensions, &'m Message<'a>),
    caller: Option<&Claims>,
) -> Result<Option<FoundCall<'m, 'a, 's>>, MessageRefusal> {
    let dispatch = &handler.dispatch;
    if let Some(gate) = &dispatch.resource_server {
        let reads_page =
            || message.resource_uri().is_some_and(|uri| dispatch.widgets.contains(&uri));
        gate.check_anonymous((extensions, caller), reads_page, || {
            answers_itself(handler, message)
        })?;
    }
    match message.call() {
        Some(Ok(call)) => {
            let tool = dispatch.tool(&call.name);
            Ok(Some((call, tool)))
        }
        // rmcp would look for a method of another shape, and report that there is none.
        Some(Err(())) => Err(MessageRefusal::InvalidCall),
        None => Ok(None),
    }
}

/// Whether the message is answered without the fallback handler, whose tools no scope protects. Lists
/// count, which show names and do nothing.
fn answers_itself(handler: &Handler<ErasedHandler>, message: &Message<'_>) -> bool {
    let no_fallback = handler.fallback.is_none;
    match message.method() {
        "tools/call" => {
            let call = message.call().and_then(Result::ok);
            call.is_none_or(|call| handler.dispatch.tool(&call.name).is_some()) || no_fallback
        }
        "initialize"
        | "server/discover"
        | "ping"
        | "tools/list"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list" => true,
        // Its lists are public, and what single resources hold is not.
        "subscriptions/listen" => no_fallback || !message.subscribes_to_resources(),
        method => no_fallback || method.starts_with("notifications/"),
    }
}
