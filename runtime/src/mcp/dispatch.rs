//! From a `tools/call` to the function, and from its outcome to the answer.

use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::digest;
use futures::FutureExt;
use http::request::Parts;
use rmcp::{
    ErrorData, RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, Implementation},
    service::RequestContext,
};
use serde_json::value::RawValue;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, field};

use super::{
    access_meta::Access,
    connections::{Lack, Reach, Upstreams},
    consent_prompt::{Ask, Told},
    panic,
    registry::ServedTool,
    request::{Authenticated, CallContext, CallRequest, RawArguments},
    tool_error::error_result,
    widgets::Widgets,
};
use crate::gate::{
    audit::{AuditRecord, CallOutcome},
    resource_server::Admission,
};
use crate::{
    client::Connection,
    error::{Error, ErrorKind},
    grant::Grants,
    scope,
    tool::{
        Need,
        call::{Call, Caller},
        context::Context,
        registry::{Built, Ready},
        state::States,
    },
};

/// The table, and everything that a call needs; made once.
pub(crate) struct Dispatch {
    pub(crate) identity: Implementation,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<ServedTool>,
    pub(crate) index: HashMap<String, usize>,
    pub(crate) widgets: Widgets,
    pub(crate) upstreams: Upstreams,
    pub(crate) states: States,
    pub(crate) ask: Ask,
    /// The gate, if there is one.
    pub(crate) admission: Option<Arc<Admission>>,
    pub(crate) grants: Grants,
    /// Calls of nothing unusual go the short way.
    pub(crate) fast_path: bool,
    /// So do those of the handler beside.
    pub(crate) fallback_is_silent: bool,
    /// The calls under way, for a graceful end.
    pub(crate) running: TaskTracker,
}

/// A connection for each client of a tool.
type Connections = Vec<(std::any::TypeId, Arc<Connection>)>;

impl Dispatch {
    pub(crate) fn tool(&self, name: &str) -> Option<&ServedTool> {
        self.index.get(name).map(|&at| &self.tools[at])
    }

    /// The tools that are listed to this caller.
    pub(crate) fn listed(
        &self,
        caller: Option<&Caller>,
    ) -> impl Iterator<Item = &rmcp::model::Tool> {
        let listed = move |tool: &&ServedTool| {
            let claims = caller.and_then(Caller::claims);
            self.admission
                .as_ref()
                .is_none_or(|admission| admission.lists(claims, &tool.required_scopes))
        };
        self.tools.iter().filter(listed).map(|tool| &tool.registered.definition)
    }

    /// Calls `tool`; `ready` is the call with its arguments, if they were decoded already. Its own
    /// failures are results, which the model reads; only what breaks the protocol is an error.
    pub(crate) async fn call(
        &self,
        tool: &ServedTool,
        ready: Option<Ready>,
        incoming: CallRequest<'_>,
    ) -> Result<CallToolResponse, ErrorData> {
        let _running = self.running.token();
        let claims = incoming.caller.as_ref().and_then(Caller::claims);
        // The endpoint has refused it before, in words of HTTP; other transports have only this.
        if self.admission.is_some()
            && let Err(refusal) = tool.required_scopes.check(claims)
        {
            return Err(ErrorData::invalid_request(refusal.to_string(), None));
        }
        let (seen, tool, demand) = (tool.reports_access, &tool.registered, &tool.required_scopes);
        let span = tracing::info_span!(
            target: "toolgate::call",
            "tool",
            tool = %tool.definition.name,
            subject = %Pseudonym(self, incoming.caller.as_ref()),
            outcome = field::Empty,
        );
        let line = AuditRecord::begin(&tool.definition.name, demand, claims);
        let asked = AtomicBool::new(false);
        let access = Access::default();
        let attempt =
            self.attempt(tool, ready, &incoming, (&asked, &access)).instrument(span.clone());
        let outcome = match incoming.context {
            // Whoever left is not served to the end; a refresh under way lives in its own task.
            CallContext::Sdk(context) => tokio::select! {
                biased;
                () = context.ct.cancelled() => {
                    Err(ErrorData::internal_error("the call was cancelled", None))
                }
                outcome = attempt => outcome,
            },
            // Whoever leaves lets go of this future.
            CallContext::Lazy(_) => attempt.await,
        };
        let outcome = if seen { access.tell(outcome, incoming.caller.as_ref()) } else { outcome };
        let ended = outcome_of(&outcome, asked.into_inner());
        span.record("outcome", ended.as_str());
        span.in_scope(|| line.end(ended));
        outcome
    }

    async fn attempt(
        &self,
        tool: &Built,
        ready: Option<Ready>,
        incoming: &CallRequest<'_>,
        (asked, access): (&AtomicBool, &Access),
    ) -> Result<CallToolResponse, ErrorData> {
        let ready = match ready.map_or_else(|| tool.decode(incoming.arguments), Ok) {
            Ok(ready) => ready,
            Err(error) => return Ok(error_result(&error)),
        };
        let mut connections = Vec::new();
        if tool.connects || incoming.retry.is_some() {
            // Boxed: a tool without clients does not carry the state of a consent.
            let connected = Box::pin(self.connected(tool, incoming, (asked, access)));
            match connected.await? {
                Ok(connected) => connections = connected,
                Err(answer) => return Ok(answer),
            }
        }
        let call = Call {
            connections,
            states: self.states.clone(),
            caller: incoming.caller.clone(),
            context: tool.speaks.then(|| Context::of(incoming.context.get().into_owned())),
        };
        match run(ready, call).await {
            Ok(result) => Ok(result.into()),
            Err(error) if matches!(error.kind(), ErrorKind::GrantExpired { .. }) => {
                Box::pin(self.revoked(tool, incoming, error, (asked, access))).await
            }
            Err(error) => Ok(error_result(&error)),
        }
    }

    /// The connections that the tool needs, or the answer that asks for what is lacking.
    async fn connected(
        &self,
        tool: &Built,
        incoming: &CallRequest<'_>,
        (asked, access): (&AtomicBool, &Access),
    ) -> Result<Result<Connections, CallToolResponse>, ErrorData> {
        let caller = incoming.caller.as_ref();
        let principal = caller.map(|caller| self.subject(caller)).unwrap_or_default();
        let digest = incoming.digest();
        let told = match incoming.retry {
            Some(retry) => {
                let name = &tool.definition.name;
                match self.ask.resume(name, digest.as_ref(), &principal, retry).await? {
                    Ok(told) => told,
                    Err(error) => return Ok(Err(error_result(&error))),
                }
            }
            None => Told::default(),
        };
        let mut lacks = match self.connect(tool, &principal, &told, access).await {
            Ok(Ok(connections)) => return Ok(Ok(connections)),
            Ok(Err(lacks)) => lacks,
            Err(error) => return Ok(Err(error_result(&error))),
        };
        if caller.is_some_and(Caller::is_client_credentials) {
            return Ok(Err(error_result(&wants_a_person(&lacks))));
        }
        let context = incoming.context.get();
        // Somebody may be on the way to connect; then this call is the one to answer.
        match self.ask.hold(&principal, &lacks, &context).await {
            Some(Told { refused: Some(error), .. }) => return Ok(Err(error_result(&error))),
            Some(told) => match self.connect(tool, &principal, &told, access).await {
                Ok(Ok(connections)) => return Ok(Ok(connections)),
                Ok(Err(still)) => lacks = still,
                Err(error) => return Ok(Err(error_result(&error))),
            },
            None => {}
        }
        asked.store(true, Ordering::Relaxed);
        self.ask.ask(tool, digest.as_ref(), &principal, (&lacks, access), &context).await.map(Err)
    }

    /// The provider revoked the grant under our hands: says so in the form that can mend it.
    async fn revoked(
        &self,
        tool: &Built,
        incoming: &CallRequest<'_>,
        error: Error,
        (asked, access): (&AtomicBool, &Access),
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = incoming.caller.as_ref();
        let principal = caller.map(|caller| self.subject(caller)).unwrap_or_default();
        match self.connect(tool, &principal, &Told::default(), access).await {
            Ok(Err(lacks)) => {
                asked.store(true, Ordering::Relaxed);
                let (digest, context) = (incoming.digest(), incoming.context.get());
                self.ask.ask(tool, digest.as_ref(), &principal, (&lacks, access), &context).await
            }
            _ => Ok(error_result(&error)),
        }
    }

    /// Under which name the caller's grants are kept.
    fn subject(&self, caller: &Caller) -> String {
        match (caller.claims(), &self.admission) {
            (Some(claims), Some(admission)) => admission.subject(claims),
            _ => Caller::LOCAL.to_owned(),
        }
    }

    /// Who calls: whom the gate let in, or the local person where there is no gate.
    pub(crate) fn caller(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<Caller>, ErrorData> {
        if self.admission.is_none() {
            return Ok(Some(Caller::local()));
        }
        let parts = context.extensions.get::<Parts>();
        match parts.and_then(|parts| parts.extensions.get::<Authenticated>()) {
            Some(Authenticated(admitted)) => Ok(admitted.clone().map(Caller::from_claims)),
            None => {
                Err(ErrorData::invalid_request("the caller was not verified on its way here", None))
            }
        }
    }

    /// A connection for every client of the tool, or everything that is lacking, at once.
    async fn connect(
        &self,
        tool: &Built,
        subject: &str,
        told: &Told,
        access: &Access,
    ) -> Result<Result<Connections, Vec<Lack>>, Error> {
        let (mut connections, mut lacks) = (Vec::new(), Vec::new());
        for need in tool.needs {
            let Need::Client(need) = *need else { continue };
            match self.upstreams.reach(subject, need).await? {
                Reach::Ready(connection, granted) => {
                    access.grants(granted);
                    connections.push((need.provider_type, connection));
                }
                Reach::Lacking(lack) => {
                    told.check(&lack).inspect_err(|error| access.refused(error))?;
                    lacks.push(lack);
                }
            }
        }
        Ok(if lacks.is_empty() { Ok(connections) } else { Err(lacks) })
    }
}

fn wants_a_person(lacks: &[Lack]) -> Error {
    let providers: Vec<_> = lacks.iter().map(|lack| lack.need.provider_name).collect();
    Error::new(format!(
        "this tool works with an account at {} that a person has to connect, and the caller is a machine; call it with a person's access token",
        providers.join(" and ")
    ))
}

impl Told {
    /// Was just asked for and withheld? Then asking in a circle would not help.
    fn check(&self, lack: &Lack) -> Result<(), Error> {
        let provider = lack.need.provider_name;
        if !self.withheld.contains_key(lack.need.provider) {
            return Ok(());
        }
        let scopes = scope::missing(lack.need.catalogue, &lack.granted, lack.need.scopes);
        let scopes: Vec<_> = scopes.into_iter().map(str::to_owned).collect();
        let list = scopes.join(" ");
        Err(Error::with_kind(
            ErrorKind::ScopeMissing { provider, scopes },
            format!(
                "{provider} was asked for `{list}` just now and withheld it. If the user left it out there, call again once they want to allow it. If it was not offered to them, they may not have it: asking again will not help until an administrator of {provider} changes that"
            ),
        ))
    }
}

/// The arguments as the client wrote them, or, where nothing kept them, as rmcp read them.
pub(crate) fn arguments(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Arc<RawValue>, ErrorData> {
    let kept = context
        .extensions
        .get::<RawArguments>()
        .or_else(|| context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get()));
    if let Some(RawArguments(raw)) = kept {
        // `null` is how some clients say that there are none.
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

fn outcome_of(response: &Result<CallToolResponse, ErrorData>, asked: bool) -> CallOutcome {
    match response {
        _ if asked => CallOutcome::ConsentAsked,
        Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
            CallOutcome::Failed
        }
        Ok(CallToolResponse::Complete(_)) => CallOutcome::Done,
        Ok(_) => CallOutcome::ConsentAsked,
        Err(_) => CallOutcome::Faulty,
    }
}

/// Runs the function. A panic ends this call alone, and in words.
async fn run(ready: Ready, call: Call) -> Result<CallToolResult, Error> {
    let outcome = match std::panic::catch_unwind(AssertUnwindSafe(|| ready(call))) {
        Ok(running) => AssertUnwindSafe(running).catch_unwind().await,
        Err(panic) => Err(panic),
    };
    outcome.unwrap_or_else(|panic| {
        Err(Error::internal(format!("the tool panicked: {}", panic::text(&*panic))))
    })
}

/// The subject, so that the lines of one person can be told together and the person not. It is worked
/// out when a line is written, and not for every call.
struct Pseudonym<'a>(&'a Dispatch, Option<&'a Caller>);

impl fmt::Display for Pseudonym<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(dispatch, Some(caller)) = self else { return Ok(()) };
        let digest = digest::digest(&digest::SHA256, dispatch.subject(caller).as_bytes());
        digest.as_ref().iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
