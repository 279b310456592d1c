//! Tool dispatch: from a `tools/call` request to the function, and from its outcome to the response.

use std::{collections::HashMap, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use futures::FutureExt;
use http::{HeaderValue, request::Parts};
use rmcp::{
    ErrorData, RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, Implementation},
    service::RequestContext,
};
use serde_json::value::RawValue;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, field};

use super::{
    access_meta::AuthMeta,
    consent_prompt::{Connected, ConsentPrompt, PromptServices},
    panic,
    registry::ServedTool,
    request::{Authenticated, CallContext, CallRequest, RawArguments},
    server_info::ServerInfo,
    tool_changes::ToolChanges,
    tool_error::CallError,
    widgets::Widgets,
};
use crate::{
    error::{Error, ErrorKind},
    gate::{Claims, audit::AuditRecord, resource_server::ResourceServer},
    grant::Grants,
    tool::{
        call::{Call, Caller},
        context::Context,
        registry::{PreparedCall, RegisteredTool},
        state::States,
    },
    trace::{
        ArgumentPath, CallError as ErrorName, CallOutcome, EventKind, Span, TraceContext, Tracer,
        Transport, ValuesKind,
    },
};

/// The tools of a server, and everything that their calls share.
pub(crate) struct Dispatch {
    pub(crate) identity: Implementation,
    pub(crate) server_info: ServerInfo,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<ServedTool>,
    /// The position of each tool in `tools`, by name.
    pub(crate) index: HashMap<String, usize>,
    pub(crate) widgets: Widgets,
    pub(crate) states: States,
    pub(crate) prompts: PromptServices,
    /// `None` without a gate.
    pub(crate) resource_server: Option<Arc<ResourceServer>>,
    pub(crate) grants: Grants,
    /// Whether plain calls bypass rmcp's service loop.
    pub(crate) fast_path: bool,
    /// Whether those of the fallback handler do, too.
    pub(crate) fallback_is_silent: bool,
    /// After how long the response to a call becomes a stream, over HTTP.
    pub(crate) sse_after: Duration,
    /// The calls in flight, for a graceful shutdown.
    pub(crate) running: TaskTracker,
    pub(crate) tracer: Tracer,
    /// In development, where another program with other tools may take over.
    pub(crate) tool_changes: Option<ToolChanges>,
}

impl Dispatch {
    pub(crate) fn tool(&self, name: &str) -> Option<&ServedTool> {
        self.index.get(name).map(|&at| &self.tools[at])
    }

    /// The `Host` of this server, where the one of a request does not count.
    pub(crate) fn host(&self) -> Option<&HeaderValue> {
        self.resource_server.as_ref().map(|server| server.host())
    }

    /// The tools that `tools/list` shows to this caller.
    pub(crate) fn listed(
        &self,
        caller: Option<&Caller>,
    ) -> impl Iterator<Item = &rmcp::model::Tool> {
        let claims = claims_of(caller);
        let listed = move |tool: &&ServedTool| {
            let resource_server = self.resource_server.as_ref();
            resource_server.is_none_or(|server| server.is_listed(claims, &tool.required_scopes))
        };
        self.tools.iter().filter(listed).map(|tool| &tool.registered.definition)
    }

    /// Calls `tool`. `prepared` is the call with its arguments, if they were decoded already.
    ///
    /// A failure of the tool is a result, which the model reads; an error is one of the protocol.
    pub(crate) async fn call(
        &self,
        tool: &ServedTool,
        prepared: Option<PreparedCall>,
        mut request: CallRequest<'_>,
    ) -> Result<CallToolResponse, ErrorData> {
        let _running = self.running.token();
        request.span.emit_values(ValuesKind::Arguments, request.arguments);
        // The HTTP endpoint has checked it before; other transports have this only.
        if let Some(gate) = &self.resource_server
            && let Err(error) = tool.required_scopes.check(claims_of(request.caller.as_ref()))
        {
            let prompt = self.prompt(&tool.registered, &request);
            let asked =
                Box::pin(async { prompt.step_up(gate, &tool.required_scopes, error).await });
            match asked.await {
                Ok(claims) => request.caller = Some(Caller::from_claims(claims)),
                Err(response) => return response,
            }
        }
        let caller = request.caller.as_ref();
        let claims = claims_of(caller);
        if self.resource_server.is_some() {
            tool.trace_scopes(&request.span, claims);
        }
        let name = tool.registered.name;
        let span = tracing::info_span!(
            target: "toolgate::call",
            "tool",
            tool = %name,
            subject = %Pseudonym { dispatch: self, caller },
            outcome = field::Empty,
        );
        let record = AuditRecord::begin(tool.audited(&request.span, claims));
        let mut auth = AuthMeta::default();
        let attempt =
            self.attempt(&tool.registered, prepared, &request, &mut auth).instrument(span.clone());
        let mut has_left = false;
        let result = match request.context {
            // A refresh in flight goes on: it runs in a task of its own.
            CallContext::Sdk(context) => tokio::select! {
                biased;
                () = context.ct.cancelled() => {
                    has_left = true;
                    Err(ErrorData::internal_error("the call was cancelled", None).into())
                }
                result = attempt => result,
            },
            CallContext::Lazy(_) => attempt.await,
        };
        let error = result.as_ref().err().and_then(error_name);
        let response = result.or_else(|error| span.in_scope(|| error.into_response()));
        let outcome =
            if has_left { CallOutcome::Left } else { outcome_of(&response, auth.prompted()) };
        span.record("outcome", outcome.as_str());
        let code = response.as_ref().err().map(|error| error.code.0);
        span.in_scope(|| record.end(outcome, (error, code)));
        trace_result(&request.span, &response);
        if tool.reports_access { auth.attach(response, caller) } else { response }
    }

    /// Decodes the arguments, connects the clients and runs the function.
    async fn attempt(
        &self,
        tool: &RegisteredTool,
        prepared: Option<PreparedCall>,
        request: &CallRequest<'_>,
        auth: &mut AuthMeta,
    ) -> Result<CallToolResponse, CallError> {
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => tool.decode(request.arguments).inspect_err(|error| {
                trace_refusal(&request.span, tool, error);
            })?,
        };
        let mut connections = Vec::new();
        if tool.needs_provider || request.retry.is_some() {
            // Boxed: the future of a tool without clients does not hold the state of a prompt.
            let connected = Box::pin(async { self.prompt(tool, request).connect(auth).await });
            match connected.await? {
                Connected::Ready(ready) => connections = ready,
                Connected::Ask(response) => return Ok(response),
            }
        }
        let context = tool.uses_context.then(|| Context::of(request.context.get().into_owned()));
        let (states, caller) = (self.states.clone(), request.caller.clone());
        request.span.emit(|| EventKind::ToolCalled { tool: tool.name });
        match run(prepared, Call { connections, states, caller, context }).await {
            Ok(result) => Ok(result.into()),
            // The provider revoked the grant while the tool ran.
            Err(error) if matches!(error.kind(), ErrorKind::GrantExpired { .. }) => {
                Box::pin(async { self.prompt(tool, request).reconnect(error, auth).await }).await
            }
            Err(error) => Err(error.into()),
        }
    }

    fn prompt<'a>(
        &'a self,
        tool: &'a RegisteredTool,
        request: &'a CallRequest<'a>,
    ) -> ConsentPrompt<'a> {
        let subject = request.caller.as_ref().map(|caller| self.subject(caller));
        let subject = subject.unwrap_or_default();
        let claims = request.caller.as_ref().and_then(Caller::claims);
        // A token without a client is that of the one client which has no identifier.
        let bound = claims
            .filter(|_| self.resource_server.as_ref().is_some_and(|gate| gate.binds_accounts()));
        let client = bound.map(|claims| claims.client_id().unwrap_or_default());
        ConsentPrompt { services: &self.prompts, tool, request, subject, client }
    }

    /// What the events of a call belong to: the request over HTTP by which it came, or the call itself.
    pub(crate) fn span(&self, context: &RequestContext<RoleServer>) -> Span {
        match context.extensions.get::<Parts>() {
            Some(parts) => self.tracer.of(&parts.extensions),
            None if !self.tracer.is_observed() => Span::default(),
            None if let Some(span) = context.extensions.get::<Span>() => span.clone(),
            None => {
                let meta = |name: &str| context.meta.0.get(name)?.as_str();
                let trace = || TraceContext::of_headers(None).of_meta(meta);
                let span = self.tracer.span().traced(trace);
                let (transport, http_method, headers) = (Transport::Stdio, None, None);
                span.emit(|| EventKind::RequestReceived { transport, http_method, headers });
                span
            }
        }
    }

    /// The subject of the caller's grants.
    fn subject(&self, caller: &Caller) -> String {
        match (caller.claims(), &self.resource_server) {
            (Some(claims), Some(server)) => server.subject(claims),
            _ => Caller::LOCAL.to_owned(),
        }
    }

    /// The authenticated caller, or the local user of a server without a gate.
    pub(crate) fn caller(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<Caller>, ErrorData> {
        if self.resource_server.is_none() {
            return Ok(Some(Caller::local()));
        }
        let parts = context.extensions.get::<Parts>();
        match parts.and_then(|parts| parts.extensions.get::<Authenticated>()) {
            Some(Authenticated(claims)) => Ok(claims.clone().map(Caller::from_claims)),
            None => {
                Err(ErrorData::invalid_request("the caller was not verified on its way here", None))
            }
        }
    }
}

fn claims_of(caller: Option<&Caller>) -> Option<&Claims> {
    caller.and_then(Caller::claims)
}

/// The arguments as the client wrote them, or as rmcp read them where no transport kept the text.
pub(crate) fn arguments(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Arc<RawValue>, ErrorData> {
    let raw = context
        .extensions
        .get::<RawArguments>()
        .or_else(|| context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get()));
    if let Some(RawArguments(raw)) = raw {
        // Some clients send `null` for no arguments.
        if raw.get() != "null" {
            return Ok(Arc::clone(raw));
        }
    }
    let raw = match &request.arguments {
        Some(arguments) => serde_json::value::to_raw_value(arguments),
        None => RawValue::from_string("{}".to_owned()),
    };
    raw.map(Arc::from).map_err(|error| ErrorData::invalid_params(error.to_string(), None))
}

/// Runs the function. A panic is an error of this call alone.
async fn run(prepared: PreparedCall, call: Call) -> Result<CallToolResult, Error> {
    let outcome = match std::panic::catch_unwind(AssertUnwindSafe(|| prepared(call))) {
        Ok(running) => AssertUnwindSafe(running).catch_unwind().await,
        Err(panic) => Err(panic),
    };
    outcome.unwrap_or_else(|panic| {
        Err(Error::internal(format!("the tool panicked: {}", panic::message(&*panic))))
    })
}

fn outcome_of(response: &Result<CallToolResponse, ErrorData>, prompted: bool) -> CallOutcome {
    match response {
        _ if prompted => CallOutcome::ConsentAsked,
        Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
            CallOutcome::Failed
        }
        Ok(CallToolResponse::Complete(_)) => CallOutcome::Done,
        Ok(_) => CallOutcome::ConsentAsked,
        Err(_) => CallOutcome::Faulty,
    }
}

fn trace_result(span: &Span, response: &Result<CallToolResponse, ErrorData>) {
    let kind = ValuesKind::Result;
    match response {
        Ok(CallToolResponse::Complete(result)) => span.emit_values(kind, result),
        Ok(CallToolResponse::InputRequired(result)) => span.emit_values(kind, result),
        Ok(_) => {}
        Err(error) => span.emit_values(kind, error),
    }
}

fn trace_refusal(span: &Span, tool: &RegisteredTool, error: &Error) {
    let Some(violation) = error.violation() else { return };
    span.emit(|| {
        let path = ArgumentPath::new(violation, &tool.definition.input_schema);
        let (tool, rule, expected) = (tool.name, violation.rule, path.expected());
        EventKind::ArgumentsRefused { tool, path, rule, expected }
    });
}

/// The kind of an error, for an event. An error of the protocol is none of the tool.
fn error_name(error: &CallError) -> Option<ErrorName> {
    let CallError::Tool(error) = error else { return None };
    Some(match error.kind() {
        ErrorKind::Tool => ErrorName::Tool,
        ErrorKind::InvalidArgument => ErrorName::InvalidArgument,
        ErrorKind::ConsentNeeded { .. } => ErrorName::ConsentNeeded,
        ErrorKind::ScopeMissing { .. } => ErrorName::ScopeMissing,
        ErrorKind::GrantExpired { .. } => ErrorName::GrantExpired,
        ErrorKind::UpstreamRefused { .. } => ErrorName::UpstreamRefused,
        ErrorKind::UpstreamUnreachable { .. } => ErrorName::UpstreamUnreachable,
        ErrorKind::Internal => ErrorName::Internal,
    })
}

/// The first bytes of a digest of the subject: logs can be grouped by user without naming the user.
/// Computed only when a subscriber formats the field.
struct Pseudonym<'a> {
    dispatch: &'a Dispatch,
    caller: Option<&'a Caller>,
}

impl fmt::Display for Pseudonym<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(caller) = self.caller else { return Ok(()) };
        let digest = digest::digest(&digest::SHA256, self.dispatch.subject(caller).as_bytes());
        digest.as_ref().iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
