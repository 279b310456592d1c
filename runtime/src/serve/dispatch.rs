//! From a `tools/call` to the function, and from its outcome to the answer.

use std::{
    collections::HashMap,
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
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    },
    service::RequestContext,
};
use serde_json::{json, value::RawValue};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, field};

use super::{
    admission::{Admission, Admitted},
    ask::{Ask, Told},
    audit::{self, Ended},
    demand::Demand,
    envelope::RawArguments,
    told::Access,
    upstream::{Lack, Reach, Upstreams},
    widgets::Widgets,
};
use crate::{
    call::{Call, Caller},
    client::Connection,
    context::Context,
    error::{Error, ErrorKind},
    grant::Grants,
    scope,
    state::States,
    table::{Built, Ready},
    tool::Need,
};

/// The table, and everything that a call needs; made once.
pub(super) struct Dispatch {
    pub(super) identity: Implementation,
    pub(super) instructions: Option<String>,
    pub(super) tools: Vec<Served>,
    pub(super) index: HashMap<String, usize>,
    pub(super) widgets: Widgets,
    pub(super) upstreams: Upstreams,
    pub(super) states: States,
    pub(super) ask: Ask,
    /// The gate, if there is one.
    pub(super) admission: Option<Arc<Admission>>,
    pub(super) grants: Grants,
    /// The calls under way, for a graceful end.
    pub(super) running: TaskTracker,
}

/// A tool, and what it demands of its callers.
pub(super) struct Served {
    pub(super) built: Built,
    /// A widget's view sees its results.
    pub(super) seen: bool,
    pub(super) demand: Demand,
}

impl Served {
    /// Tells hosts what the tool demands before they call it: as `ChatGPT` reads it, under `_meta`.
    pub(super) fn say_what_it_demands(&mut self, public: bool) {
        let scheme = if public && self.demand.check(None).is_ok() {
            json!({ "type": "noauth" })
        } else {
            json!({ "type": "oauth2", "scopes": self.demand.scopes().collect::<Vec<_>>() })
        };
        let meta = self.built.definition.meta.get_or_insert_default();
        meta.0.insert("securitySchemes".to_owned(), json!([scheme]));
    }
}

/// The caller that the gate let in, beside the request.
#[derive(Clone)]
pub(super) struct LetIn(pub(super) Admitted);

impl Dispatch {
    pub(super) fn tool(&self, name: &str) -> Option<&Served> {
        self.index.get(name).map(|&at| &self.tools[at])
    }

    /// The tools that are listed to this caller.
    pub(super) fn listed(
        &self,
        caller: Option<&Caller>,
    ) -> impl Iterator<Item = &rmcp::model::Tool> {
        let listed = move |tool: &&Served| {
            let claims = caller.and_then(Caller::claims);
            self.admission.as_ref().is_none_or(|admission| admission.lists(claims, &tool.demand))
        };
        self.tools.iter().filter(listed).map(|tool| &tool.built.definition)
    }

    /// Calls `tool`. Its own failures are results, which the model reads; only what breaks the
    /// protocol is an error of it.
    pub(super) async fn call(
        &self,
        tool: &Served,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let running = self.running.token();
        let caller = self.caller(&context)?;
        // The endpoint has refused it before, in words of HTTP; other transports have only this.
        let claims = caller.as_ref().and_then(Caller::claims);
        let local = self.admission.is_none();
        if let Err(refusal) =
            tool.demand.check(claims).or_else(|refusal| if local { Ok(()) } else { Err(refusal) })
        {
            return Err(ErrorData::invalid_request(refusal.to_string(), None));
        }
        let (seen, tool, demand) = (tool.seen, &tool.built, &tool.demand);
        let claims = caller.as_ref().and_then(Caller::claims).cloned();
        let span = tracing::info_span!(
            target: "toolgate::call",
            "tool",
            tool = %tool.definition.name,
            subject = %caller.as_ref().map_or_else(String::new, |caller| pseudonym(&self.subject(caller))),
            outcome = field::Empty,
        );
        let gone = context.ct.clone();
        let asked = AtomicBool::new(false);
        let whose = caller.clone();
        let access = Access::default();
        let attempt = self.attempt(tool, &request, &context, caller, (&asked, &access));
        let outcome = tokio::select! {
            // Whoever left is not served to the end; a refresh under way lives in its own task.
            biased;
            () = gone.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
            outcome = attempt.instrument(span.clone()) => outcome,
        };
        let outcome = if seen { access.tell(outcome, whose.as_ref()) } else { outcome };
        drop(running);
        let ended = Ended::of(&outcome, asked.into_inner());
        span.record("outcome", ended.word());
        span.in_scope(|| audit::log(&tool.definition.name, demand, claims.as_ref(), ended));
        outcome
    }

    async fn attempt(
        &self,
        tool: &Built,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        caller: Option<Caller>,
        (asked, access): (&AtomicBool, &Access),
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = caller.as_ref().map(|caller| self.subject(caller)).unwrap_or_default();
        let arguments = arguments(request, context)?;
        let ready = match tool.decode(&arguments) {
            Ok(ready) => ready,
            Err(error) => return Ok(failed(&error)),
        };
        let digest = digest::digest(&digest::SHA256, arguments.get().as_bytes());
        let told = match self
            .ask
            .resume(&tool.definition.name, digest.as_ref(), &principal, request)
            .await?
        {
            Ok(told) => told,
            Err(error) => return Ok(failed(&error)),
        };
        let connections = match self.connect(tool, &principal, &told, access).await {
            Ok(Ok(connections)) => connections,
            Ok(Err(lacks)) if caller.as_ref().is_some_and(Caller::is_machine) => {
                return Ok(failed(&wants_a_person(&lacks)));
            }
            Ok(Err(lacks)) => {
                // Somebody may be on the way to connect; then this call is the one to answer.
                match self.ask.hold(&principal, &lacks, context).await {
                    Some(Told { refused: Some(error), .. }) => return Ok(failed(&error)),
                    Some(told) => match self.connect(tool, &principal, &told, access).await {
                        Ok(Ok(connections)) => connections,
                        Ok(Err(lacks)) => {
                            asked.store(true, Ordering::Relaxed);
                            return self
                                .ask
                                .ask(tool, digest.as_ref(), &principal, (&lacks, access), context)
                                .await;
                        }
                        Err(error) => return Ok(failed(&error)),
                    },
                    None => {
                        asked.store(true, Ordering::Relaxed);
                        return self
                            .ask
                            .ask(tool, digest.as_ref(), &principal, (&lacks, access), context)
                            .await;
                    }
                }
            }
            Err(error) => return Ok(failed(&error)),
        };
        let call = Call {
            connections,
            states: self.states.clone(),
            caller,
            context: Context::of(context.clone()),
        };
        match run(ready, call).await {
            Ok(result) => Ok(result.into()),
            Err(error) if matches!(error.kind(), ErrorKind::GrantExpired { .. }) => {
                // The provider revoked it under our hands: say so in the form that can mend it.
                match self.connect(tool, &principal, &Told::default(), access).await {
                    Ok(Err(lacks)) => {
                        asked.store(true, Ordering::Relaxed);
                        self.ask
                            .ask(tool, digest.as_ref(), &principal, (&lacks, access), context)
                            .await
                    }
                    _ => Ok(failed(&error)),
                }
            }
            Err(error) => Ok(failed(&error)),
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
    pub(super) fn caller(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<Caller>, ErrorData> {
        if self.admission.is_none() {
            return Ok(Some(Caller::local()));
        }
        let parts = context.extensions.get::<Parts>();
        match parts.and_then(|parts| parts.extensions.get::<LetIn>()) {
            Some(LetIn(admitted)) => Ok(admitted.clone().map(Caller::from)),
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
    ) -> Result<Result<Vec<(std::any::TypeId, Arc<Connection>)>, Vec<Lack>>, Error> {
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
        Err(Error::of(
            ErrorKind::ScopeMissing { provider, scopes },
            format!(
                "{provider} was asked for `{list}` just now and withheld it. If the user left it out there, call again once they want to allow it. If it was not offered to them, they may not have it: asking again will not help until an administrator of {provider} changes that"
            ),
        ))
    }
}

/// The arguments as the client wrote them, or, where nothing kept them, as rmcp read them.
fn arguments(
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

/// Runs the function. A panic ends this call alone, and in words.
async fn run(ready: Ready, call: Call) -> Result<CallToolResult, Error> {
    let outcome = AssertUnwindSafe(async move { ready(call).await }).catch_unwind().await;
    outcome.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Error::internal(format!("the tool panicked: {text}")))
    })
}

/// A failure as a result: the model reads the one text, the log gets the other.
pub(super) fn failed(error: &Error) -> CallToolResponse {
    match (error.kind(), error.source_text()) {
        // Its text holds a link that is for one person's eyes.
        (ErrorKind::ConsentNeeded { provider }, _) => {
            tracing::info!(target: "toolgate::call", provider, "the user is asked to connect");
        }
        (ErrorKind::Internal, source) => {
            tracing::error!(target: "toolgate::call", source = source.unwrap_or_default(), "{error}");
        }
        (kind, Some(source)) => tracing::warn!(target: "toolgate::call", ?kind, source, "{error}"),
        (kind, None) => tracing::info!(target: "toolgate::call", ?kind, "{error}"),
    }
    CallToolResult::error(vec![ContentBlock::text(error.message())]).into()
}

/// The subject, so that the lines of one person can be told together and the person not.
fn pseudonym(subject: &str) -> String {
    let digest = digest::digest(&digest::SHA256, subject.as_bytes());
    let bytes = digest.as_ref();
    format!("{:08x}", u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
