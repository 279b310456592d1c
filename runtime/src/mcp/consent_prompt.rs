//! Asking for consent, in the form that the client understands.
//!
//! | client | form |
//! |---|---|
//! | 2026-07-28 with `elicitation.url` | `input_required`, with a sealed `requestState` |
//! | 2025-11-25 with `elicitation.url` | error -32042, and a notification when it is done |
//! | all others | the link in the text of the result |
//!
//! No form tells us when the person is done; the client only calls again. So that call is held
//! open, for a while, until the browser is back.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rmcp::{
    ErrorData, Peer, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CustomNotification, ElicitRequest,
        ElicitRequestParams, ErrorCode, InputRequest, InputRequiredResult, ProtocolVersion,
        ServerNotification,
    },
    service::RequestContext,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{access_meta::Access, connections::Lack, tool_error::error_result};
use crate::{
    consent::{Consents, Link, Progress},
    error::{Error, ErrorKind},
    grant::{Clock, Sealer},
    scope,
    support::background as task,
    tool::registry::Built,
};

/// How long a retried call waits for the browser: less than the minute after which clients give up.
const HOLD: Duration = Duration::from_secs(50);

/// How long a `requestState` is good, as long as the link it stands for.
const STATE: Duration = Duration::from_secs(600);

pub(crate) struct Ask {
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

/// What the consents brought that this call waited for.
#[derive(Default)]
pub(crate) struct Told {
    /// The scopes that were asked for and not granted, by the provider's ID.
    pub(crate) withheld: HashMap<String, Vec<String>>,
    /// Why a consent came to nothing that nobody waited for.
    pub(crate) refused: Option<Error>,
}

/// What is sealed into `requestState`: for whom, for what, until when.
#[derive(Serialize, Deserialize)]
struct RequestState {
    subject: String,
    tool: String,
    digest: Vec<u8>,
    consents: BTreeMap<String, String>,
    until: u64,
}

enum Form {
    InputRequired,
    Error,
    Text,
}

impl Form {
    fn of(context: &RequestContext<RoleServer>) -> Self {
        let elicitation = context.client_capabilities().and_then(|client| client.elicitation);
        if elicitation.is_none_or(|elicitation| elicitation.url.is_none()) {
            return Self::Text;
        }
        match context.protocol_version() {
            Some(version) if version >= ProtocolVersion::V_2026_07_28 => Self::InputRequired,
            Some(version) if version >= ProtocolVersion::V_2025_11_25 => Self::Error,
            _ => Self::Text,
        }
    }
}

impl Ask {
    /// A call that comes back with a `requestState`: waits for the consents that it stands for.
    ///
    /// The outer error is the protocol's, the inner one for the model.
    pub(crate) async fn resume(
        &self,
        tool: &str,
        digest: &[u8],
        subject: &str,
        request: &CallToolRequestParams,
    ) -> Result<Result<Told, Error>, ErrorData> {
        let Some(text) = &request.request_state else { return Ok(Ok(Told::default())) };
        let now = self.now();
        let state = self.open(text).filter(|state| {
            state.subject == subject
                && state.tool == tool
                && state.digest == digest
                && state.until > now
        });
        let Some(state) = state else {
            return Err(ErrorData::invalid_params(
                "`requestState` is not of this call, or is too old: call again without it",
                None,
            ));
        };
        let mut told = Told::default();
        for (provider, consent) in &state.consents {
            let response = request.input_responses.as_ref().and_then(|all| all.get(provider));
            let action =
                response.and_then(|response| response.get("action")).and_then(|a| a.as_str());
            if let Some(action @ ("decline" | "cancel")) = action {
                self.consents.forget(consent);
                let verb = if action == "decline" { "declined" } else { "put off" };
                return Ok(Err(Error::new(format!(
                    "the user {verb} connecting `{provider}`, without which this tool cannot work; do not call it again unless the user asks"
                ))));
            }
            if let Err(error) = self.hear(provider, consent, HOLD, &mut told).await {
                return Ok(Err(error));
            }
        }
        Ok(Ok(told))
    }

    /// A call without a state, while a browser is on its way for the same: waits for it.
    pub(crate) async fn hold(
        &self,
        subject: &str,
        lacks: &[Lack],
        context: &RequestContext<RoleServer>,
    ) -> Option<Told> {
        let form = Form::of(context);
        let mut told = Told::default();
        let mut held = false;
        for lack in lacks {
            let provider = lack.need.provider;
            // Who gets the link as text is not held, and learns only now how it ended.
            match self.consents.ended(subject, provider, lack.need.scopes) {
                Some(Progress::Granted { withheld }) => {
                    held = true;
                    told.withheld.insert(provider.to_owned(), withheld);
                    continue;
                }
                Some(Progress::Refused { reason, by_us }) => {
                    held = true;
                    told.refused = Some(not_connected(provider, &reason, by_us));
                    continue;
                }
                _ => {}
            }
            let link = self.begin(subject, lack).await.ok()?;
            let waits = match self.consents.progress(&link.id)? {
                Progress::Waiting => link.again && matches!(form, Form::Error),
                _ => link.again,
            };
            if waits {
                held = true;
                // A refusal is told by what follows: a new link.
                let _ = self.hear(lack.need.provider, &link.id, HOLD, &mut told).await;
            }
        }
        held.then_some(told)
    }

    /// Waits for one consent, and remembers what it brought.
    async fn hear(
        &self,
        provider: &str,
        consent: &str,
        patience: Duration,
        told: &mut Told,
    ) -> Result<(), Error> {
        match self.consents.wait(consent, patience).await {
            Some(Progress::Granted { withheld }) => {
                self.consents.forget(consent);
                if !withheld.is_empty() {
                    told.withheld.insert(provider.to_owned(), withheld);
                }
                Ok(())
            }
            Some(Progress::Refused { reason, by_us }) => {
                self.consents.forget(consent);
                Err(not_connected(provider, &reason, by_us))
            }
            Some(Progress::Waiting | Progress::Opened) | None => Ok(()),
        }
    }

    /// Asks for everything that is lacking, at once.
    pub(crate) async fn ask(
        &self,
        tool: &Built,
        digest: &[u8],
        subject: &str,
        (lacks, access): (&[Lack], &Access),
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut links = Vec::new();
        for lack in lacks {
            match self.begin(subject, lack).await {
                Ok(link) => links.push((lack, link)),
                Err(error) => return Ok(error_result(&error)),
            }
        }
        access.lacks(lacks, links.first().map(|(_, link)| link.url.as_str()));
        let name = &tool.definition.name;
        match Form::of(context) {
            Form::InputRequired => {
                let state = RequestState {
                    subject: subject.to_owned(),
                    tool: name.to_string(),
                    digest: digest.to_vec(),
                    consents: links
                        .iter()
                        .map(|(lack, link)| (lack.need.provider.to_owned(), link.id.clone()))
                        .collect(),
                    until: self.now() + STATE.as_secs(),
                };
                let requests = links
                    .into_iter()
                    .map(|(lack, link)| {
                        let params = ElicitRequestParams::UrlElicitationParams {
                            meta: None,
                            message: reason(lack),
                            url: link.url,
                            elicitation_id: String::new(),
                        };
                        let request = InputRequest::Elicitation(ElicitRequest::new(params));
                        (lack.need.provider.to_owned(), request)
                    })
                    .collect();
                Ok(InputRequiredResult::new(Some(requests), Some(self.seal(&state))).into())
            }
            Form::Error => {
                let elicitations: Vec<_> = links
                    .iter()
                    .map(|(lack, link)| {
                        json!({
                            "mode": "url",
                            "elicitationId": link.id,
                            "url": link.url,
                            "message": reason(lack),
                        })
                    })
                    .collect();
                for (_, link) in links {
                    self.announce(link.id, context.peer.clone());
                }
                Err(ErrorData::new(
                    ErrorCode(-32042),
                    format!("`{name}` needs the user's consent"),
                    Some(json!({ "elicitations": elicitations })),
                ))
            }
            Form::Text => {
                let provider = links[0].0.need.provider_name;
                let steps: Vec<_> = links
                    .iter()
                    .map(|(lack, link)| format!("{} Open {}", reason(lack), link.url))
                    .collect();
                Ok(error_result(&Error::with_kind(
                    ErrorKind::ConsentNeeded { provider },
                    format!(
                        "{}\nShow this link to the user; when it is done, call `{name}` again with the same arguments.",
                        steps.join("\n")
                    ),
                )))
            }
        }
    }

    async fn begin(&self, subject: &str, lack: &Lack) -> Result<Link, Error> {
        if let Some(listener) = &self.callback_listener {
            Arc::clone(listener).listen(&self.consents).await.map_err(Error::internal)?;
        }
        Ok(self.consents.begin(subject, lack.need.provider, lack.need.scopes, &lack.granted))
    }

    /// Tells a client of 2025-11-25 that the browser is back, if it still listens.
    fn announce(&self, id: String, peer: Peer<RoleServer>) {
        let consents = self.consents.clone();
        task::spawn(async move {
            if let Some(Progress::Granted { .. }) = consents.wait(&id, STATE).await {
                let params = json!({ "elicitationId": id });
                let notification =
                    CustomNotification::new("notifications/elicitation/complete", Some(params));
                let notification = ServerNotification::CustomNotification(notification);
                // The client may have gone, and may call again in any case.
                let _ = peer.send_notification(notification).await;
            }
        });
    }

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    fn seal(&self, state: &RequestState) -> String {
        // Strings, bytes and a number are always JSON.
        let plain = serde_json::to_vec(state).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(self.sealer.seal("requestState", &[], &plain))
    }

    fn open(&self, text: &str) -> Option<RequestState> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.sealer.open("requestState", &[], &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

fn not_connected(provider: &str, reason: &str, by_us: bool) -> Error {
    let advice = if by_us {
        "Neither the user nor another call can help; tell the user that the operator of this server has to"
    } else {
        "Ask the user before calling again"
    };
    Error::new(format!("`{provider}` was not connected: {reason}. {advice}"))
}

/// Why the person is asked, in words.
fn reason(lack: &Lack) -> String {
    let provider = lack.need.provider_name;
    let missing = scope::missing(lack.need.catalogue, &lack.granted, lack.need.scopes);
    let described: Vec<_> = missing
        .into_iter()
        .map(|name| {
            let known = lack.need.catalogue.iter().find(|scope| scope.name == name);
            match known.map(|scope| scope.description.trim_end_matches('.')) {
                Some(description) if !description.is_empty() => format!("{name} ({description})"),
                _ => name.to_owned(),
            }
        })
        .collect();
    let scopes = described.join(", ");
    match (&lack.dead, lack.granted.is_empty()) {
        (Some(dead), _) => format!(
            "{provider} has to be connected again, because {dead}. It will be asked for: {scopes}."
        ),
        (None, true) => format!("{provider} is not connected yet. It will be asked for: {scopes}."),
        (None, false) => {
            format!("{provider} is connected, but not for this. It will be asked for: {scopes}.")
        }
    }
}
