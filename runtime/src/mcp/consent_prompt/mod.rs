//! Consent prompt: finds the connections that a call needs, and asks the user for the missing ones.
//!
//! No form of prompt reports that the user is done; the client only calls again. That call is held
//! open for a while, until the browser is back.

mod form;
mod hold;
mod request_state;
mod step_up;

use std::{any::TypeId, collections::HashMap, io, sync::Arc};

use async_trait::async_trait;
use rmcp::{
    ErrorData, RoleServer,
    model::{CallToolRequestParams, CallToolResponse},
    service::RequestContext,
};

use self::{
    form::{Prompt, PromptForm},
    request_state::{CallIdentity, RequestState, STATE_TTL},
};
use super::{
    access_meta::AuthMeta,
    connection_errors::store_failed,
    connections::{ConnectionStatus, MissingGrant, ProviderConnections},
    elicitation::AskedClient,
    request::CallRequest,
    tool_error::CallError,
};
use crate::{
    client::SharedConnection,
    consent::{ConsentOwner, Consents, Link, Progress},
    error::{Error, ErrorKind},
    grant::{Clock, Sealer},
    support::background as task,
    tool::{
        ClientDependency, Dependency, argument::account::account_argument, call::Caller,
        registry::RegisteredTool,
    },
    trace::{EventKind, SpanId},
};

/// What prompts need of the server.
pub(crate) struct PromptServices {
    pub(crate) providers: ProviderConnections,
    pub(crate) consents: Consents,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    /// Receives the browser's callback where the server itself does not speak HTTP.
    pub(crate) callback_listener: Option<Arc<dyn CallbackListener>>,
}

/// A listener for the browser's callback, opened for as long as a consent is pending (RFC 8252 §7.3).
#[async_trait]
pub(crate) trait CallbackListener: Send + Sync {
    /// Listens, unless it does already, and sets the base URL of the links to its address.
    async fn listen(self: Arc<Self>, consents: &Consents) -> io::Result<()>;
}

/// A connection for each client of a tool.
pub(crate) type Connections = Vec<(TypeId, SharedConnection)>;

/// How a call goes on.
pub(crate) enum Connected {
    /// Every client of the tool has a grant with its scopes.
    Ready(Connections),
    /// The user is asked for what is missing.
    Ask(CallToolResponse),
}

/// The consent prompt of one call.
pub(crate) struct ConsentPrompt<'a> {
    pub(crate) services: &'a PromptServices,
    pub(crate) tool: &'a RegisteredTool,
    pub(crate) request: &'a CallRequest<'a>,
    /// Whose grants the call uses.
    pub(crate) subject: String,
    /// The client that calls. `None` where a user's clients share the user's grants.
    pub(crate) client: Option<&'a str>,
}

/// Which grants of a call are there.
enum GrantCheck {
    Complete(Connections),
    Missing(Vec<MissingGrant>),
}

/// What came of the consents that a call waited for.
#[derive(Default)]
struct ConsentOutcome {
    /// The scopes that were requested and not granted, by the provider's ID.
    withheld: HashMap<String, Vec<String>>,
    /// The client did not show a link to its user, or the user closed it: a host without a window
    /// cancels every prompt.
    cancelled: bool,
}

impl ConsentPrompt<'_> {
    /// Finds the connections that the tool needs, or asks for everything that is missing, at once.
    pub(crate) async fn connect(&self, auth: &mut AuthMeta) -> Result<Connected, CallError> {
        if self.request.caller.as_ref().is_some_and(Caller::is_client_credentials) {
            // A machine whose identifier is that of a person must not get the person's grants.
            self.tool_needs_person()?;
        }
        let outcome = match self.request.retry {
            Some(retry) => self.resume(retry).await?,
            None => ConsentOutcome::default(),
        };
        let missing = match self.check(&outcome, auth).await? {
            GrantCheck::Complete(connections) => return Ok(Connected::Ready(connections)),
            GrantCheck::Missing(missing) => missing,
        };
        if outcome.cancelled {
            let asked = self.ask_in(PromptForm::Text, &missing, auth).await;
            return asked.map(Connected::Ask);
        }
        let Some(outcome) = self.hold(&missing).await? else {
            return self.ask(&missing, auth).await.map(Connected::Ask);
        };
        match self.check(&outcome, auth).await? {
            GrantCheck::Complete(connections) => Ok(Connected::Ready(connections)),
            GrantCheck::Missing(missing) => self.ask(&missing, auth).await.map(Connected::Ask),
        }
    }

    /// Asks again for a grant that the provider revoked during the call. `error` is what the tool
    /// returned; it remains the answer if nothing is missing.
    pub(crate) async fn reconnect(
        &self,
        error: Error,
        auth: &mut AuthMeta,
    ) -> Result<CallToolResponse, CallError> {
        match self.check(&ConsentOutcome::default(), auth).await {
            Ok(GrantCheck::Missing(missing)) => self.ask(&missing, auth).await,
            Ok(GrantCheck::Complete(_)) | Err(_) => Err(error.into()),
        }
    }

    /// Waits for the consents which the `requestState` of a retried call names.
    async fn resume(&self, retry: &CallToolRequestParams) -> Result<ConsentOutcome, CallError> {
        let mut outcome = ConsentOutcome::default();
        let Some(text) = &retry.request_state else { return Ok(outcome) };
        let (sealer, now) = (&self.services.sealer, self.services.clock.now());
        let digest = self.request.digest();
        let opened = RequestState::open(text, sealer, &self.identity(digest.as_ref()), now);
        let consents = opened.ok_or_else(|| {
            ErrorData::invalid_params(
                "`requestState` is not of this call, or is too old: call again without it",
                None,
            )
        })?;
        for (provider, consent) in &consents {
            let response = retry.input_responses.as_ref().and_then(|all| all.get(provider));
            let action =
                response.and_then(|response| response.get("action")).and_then(|a| a.as_str());
            match action {
                Some("decline") => {
                    self.services.consents.forget(consent).await;
                    return Err(CallError::Tool(Error::new(format!(
                        "the user declined connecting `{provider}`, without which this tool cannot work; do not call it again unless the user asks"
                    ))));
                }
                Some("cancel") => outcome.cancelled = true,
                _ => self.wait_for(provider, consent, &mut outcome).await?,
            }
        }
        Ok(outcome)
    }

    /// Finds a connection for every client of the tool, or everything that is missing.
    async fn check(
        &self,
        outcome: &ConsentOutcome,
        auth: &mut AuthMeta,
    ) -> Result<GrantCheck, Error> {
        let (mut connections, mut all_missing) = (Vec::new(), Vec::new());
        for need in self.tool.dependencies.iter() {
            let Dependency::Client(need) = *need else { continue };
            let (providers, span) = (&self.services.providers, &self.request.span);
            if need.exchanges_token() {
                let claims = self.request.caller.as_ref().and_then(Caller::claims);
                let connection = providers.exchanged.connect(claims, need, span)?;
                auth.add_granted(need.scopes().iter().map(|&scope| scope.to_owned()).collect());
                connections.push((need.provider_type, connection));
                continue;
            }
            let named = self.named_account(need)?;
            let using = (self.client, named.as_deref());
            match providers.status(&self.subject, need, using, span).await? {
                ConnectionStatus::Connected(connection, granted) => {
                    auth.add_granted(granted);
                    connections.push((need.provider_type, connection));
                }
                ConnectionStatus::Missing(missing) => {
                    outcome.check(&missing).inspect_err(|error| auth.add_withheld(error))?;
                    all_missing.push(missing);
                }
            }
        }
        Ok(if all_missing.is_empty() {
            GrantCheck::Complete(connections)
        } else {
            GrantCheck::Missing(all_missing)
        })
    }

    /// Asks for everything that is missing, in the best form that the client supports.
    async fn ask(
        &self,
        all_missing: &[MissingGrant],
        auth: &mut AuthMeta,
    ) -> Result<CallToolResponse, CallError> {
        self.ask_in(PromptForm::of(&self.request.context.get()), all_missing, auth).await
    }

    async fn ask_in(
        &self,
        form: PromptForm,
        all_missing: &[MissingGrant],
        auth: &mut AuthMeta,
    ) -> Result<CallToolResponse, CallError> {
        let mut prompts = Vec::new();
        for missing in all_missing {
            let link = self.begin(missing).await?;
            self.trace(form, missing, &link);
            prompts.push(Prompt { missing, link });
        }
        let connect_url = prompts.first().map(|prompt| prompt.link.url.as_str());
        auth.set_prompted(all_missing, connect_url);
        let context = self.request.context.get();
        let tool = &self.tool.definition.name;
        match form {
            PromptForm::InputRequired => {
                let consents = prompts.iter().map(|prompt| {
                    (prompt.missing.need.provider.to_owned(), prompt.link.id.clone())
                });
                let (digest, now) = (self.request.digest(), self.services.clock.now());
                let call = self.identity(digest.as_ref());
                let state = RequestState::new(&call, consents.collect(), now);
                Ok(form::input_required(prompts, state.seal(&self.services.sealer, call.server)))
            }
            PromptForm::UrlElicitationError => {
                let error = form::url_elicitation_error(tool, &prompts);
                for prompt in prompts {
                    notify_when_granted(&self.services.consents, prompt.link.id, &context);
                }
                Err(error.into())
            }
            PromptForm::Text => Err(form::text_error(tool, &prompts).into()),
        }
    }

    fn trace(&self, form: PromptForm, missing: &MissingGrant, link: &Link) {
        let span = &self.request.span;
        if !span.is_observed() {
            return;
        }
        let lacking = missing.missing_scopes();
        span.emit(|| EventKind::ConsentNeeded {
            tool: self.tool.name,
            provider: missing.need.provider,
            reason: missing.reason,
            missing: &lacking,
            held: (&missing.granted).into(),
            form: form.into(),
            consent: SpanId::of_secret(&link.id),
        });
    }

    async fn begin(&self, missing: &MissingGrant) -> Result<Link, Error> {
        let (services, need) = (self.services, &missing.need);
        if let Some(listener) = &services.callback_listener {
            Arc::clone(listener).listen(&services.consents).await.map_err(Error::internal)?;
        }
        let (owner, granted) = (self.owner(*need), &missing.granted);
        let span = &self.request.span;
        let at = (need.provider, &missing.account);
        let link = services.consents.begin(owner, at, need.scopes(), granted, span);
        link.await.map_err(store_failed)
    }

    /// The account that the call names for `need`.
    fn named_account(&self, need: ClientDependency) -> Result<Option<String>, Error> {
        match need.account {
            Some(argument) => account_argument(self.request.arguments, argument),
            None => Ok(None),
        }
    }

    /// Whose consent to `need` is asked for.
    fn owner(&self, need: ClientDependency) -> ConsentOwner<'_> {
        let client = self.services.providers.bound_client(need, self.client);
        ConsentOwner { subject: &self.subject, client }
    }

    /// Fails if the tool has a client whose account only a person can connect.
    fn tool_needs_person(&self) -> Result<(), Error> {
        let names = self.tool.dependencies.iter().filter_map(|need| match need {
            Dependency::Client(need) if !need.exchanges_token() => Some(need.provider_name),
            _ => None,
        });
        let names: Vec<_> = names.collect();
        if names.is_empty() { Ok(()) } else { Err(user_required(&names)) }
    }

    fn identity<'a>(&'a self, digest: &'a [u8]) -> CallIdentity<'a> {
        let (subject, client) = (&*self.subject, self.client);
        CallIdentity {
            server: self.services.consents.server(),
            subject,
            client,
            tool: &self.tool.definition.name,
            digest,
        }
    }
}

impl ConsentOutcome {
    /// Fails if the scopes of `missing` were withheld just now: another prompt would be a loop.
    fn check(&self, missing: &MissingGrant) -> Result<(), Error> {
        let provider = missing.need.provider_name;
        if !self.withheld.contains_key(missing.need.provider) {
            return Ok(());
        }
        let scopes: Vec<_> = missing.missing_scopes().into_iter().map(str::to_owned).collect();
        let list = scopes.join(" ");
        Err(Error::with_kind(
            ErrorKind::ScopeMissing { provider, scopes },
            format!(
                "{provider} was asked for `{list}` just now and withheld it. If the user left it out there, call again once they want to allow it. If it was not offered to them, they may not have it: asking again will not help until an administrator of {provider} changes that"
            ),
        ))
    }
}

/// Sends `notifications/elicitation/complete` to a client of 2025-11-25 when the user is done.
fn notify_when_granted(consents: &Consents, id: String, context: &RequestContext<RoleServer>) {
    let (consents, client) = (consents.clone(), AskedClient::of(context));
    task::spawn(async move {
        if let Ok(Some(Progress::Granted { .. })) = consents.wait(&id, STATE_TTL).await {
            client.complete(&id).await;
        }
    });
}

fn not_connected(provider: &str, reason: &str, by_us: bool) -> Error {
    let advice = if by_us {
        "Neither the user nor another call can help; tell the user that the operator of this server has to"
    } else {
        "Ask the user before calling again"
    };
    Error::new(format!("`{provider}` was not connected: {reason}. {advice}"))
}

fn user_required(providers: &[&str]) -> Error {
    Error::new(format!(
        "this tool works with an account at {} that a person has to connect, and the caller is a machine; call it with a person's access token",
        providers.join(" and ")
    ))
}
