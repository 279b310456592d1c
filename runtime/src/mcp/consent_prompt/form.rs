//! Prompt forms: how a client is asked to send its user to a link.
//!
//! | client | form |
//! |---|---|
//! | 2026-07-28 with `elicitation.url` | `input_required`, with a sealed `requestState` |
//! | 2025-11-25 with `elicitation.url` | error -32042, and a notification when the user is done |
//! | all others | the link in the text of the result |

use std::fmt::Write;

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResponse, ElicitRequest, ElicitRequestParams, ErrorCode, InputRequest,
        InputRequiredResult, ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::json;

use crate::{
    consent::Link,
    error::{Error, ErrorKind},
    mcp::connections::MissingGrant,
    support::escape::escape,
    trace,
};

/// The form of a prompt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PromptForm {
    InputRequired,
    UrlElicitationError,
    Text,
}

/// A missing grant, and the link at which the user gives it.
pub(super) struct Prompt<'a> {
    pub(super) missing: &'a MissingGrant,
    pub(super) link: Link,
}

impl From<PromptForm> for trace::PromptForm {
    fn from(form: PromptForm) -> Self {
        match form {
            PromptForm::InputRequired => Self::InputRequired,
            PromptForm::UrlElicitationError => Self::UrlElicitation,
            PromptForm::Text => Self::Text,
        }
    }
}

impl PromptForm {
    /// The best form that the client supports.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let elicitation = context.client_capabilities().and_then(|client| client.elicitation);
        if elicitation.is_none_or(|elicitation| elicitation.url.is_none()) {
            return Self::Text;
        }
        match context.protocol_version() {
            Some(version) if version >= ProtocolVersion::V_2026_07_28 => Self::InputRequired,
            Some(version) if version >= ProtocolVersion::V_2025_11_25 => Self::UrlElicitationError,
            _ => Self::Text,
        }
    }
}

impl Prompt<'_> {
    /// What the user reads before the link.
    fn message(&self) -> String {
        let need = &self.missing.need;
        let provider = match &self.missing.account_name {
            Some(name) => format!("The account `{}` at {}", escape(name), need.provider_name),
            None => need.provider_name.to_owned(),
        };
        let mut scopes = String::new();
        for name in self.missing.missing_scopes() {
            let separator = if scopes.is_empty() { "" } else { ", " };
            let scope = need.catalogue.iter().find(|scope| scope.name == name);
            // Writing to a string does not fail.
            let _ = match scope.map(|scope| scope.description.trim_end_matches('.')) {
                Some(description) if !description.is_empty() => {
                    write!(scopes, "{separator}{name} ({description})")
                }
                _ => write!(scopes, "{separator}{name}"),
            };
        }
        if self.missing.is_of_other_client {
            return format!(
                "{provider} was connected through another application. Its user has to allow this one to use it for: {scopes}."
            );
        }
        match (&self.missing.dead, self.missing.granted.is_empty()) {
            (Some(dead), _) => format!(
                "{provider} has to be connected again, because {dead}. It will be asked for: {scopes}."
            ),
            (None, true) => {
                format!("{provider} is not connected yet. It will be asked for: {scopes}.")
            }
            (None, false) => format!(
                "{provider} is connected, but not for this. It will be asked for: {scopes}."
            ),
        }
    }
}

/// An `input_required` result; `state` comes back when the client retries the call.
pub(super) fn input_required(prompts: Vec<Prompt<'_>>, state: String) -> CallToolResponse {
    let requests = prompts.into_iter().map(|prompt| {
        let params = ElicitRequestParams::UrlElicitationParams {
            meta: None,
            message: prompt.message(),
            url: prompt.link.url,
            elicitation_id: String::new(),
        };
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        (prompt.missing.need.provider.to_owned(), request)
    });
    InputRequiredResult::new(Some(requests.collect()), Some(state)).into()
}

/// The error -32042, `URLElicitationRequired`.
pub(super) fn url_elicitation_error(tool: &str, prompts: &[Prompt<'_>]) -> ErrorData {
    let elicitations: Vec<_> = prompts
        .iter()
        .map(|prompt| {
            json!({
                "mode": "url",
                "elicitationId": prompt.link.id,
                "url": prompt.link.url,
                "message": prompt.message(),
            })
        })
        .collect();
    ErrorData::new(
        ErrorCode(-32042),
        format!("`{tool}` needs the user's consent"),
        Some(json!({ "elicitations": elicitations })),
    )
}

/// An error whose text has the links; the model shows them to the user.
pub(super) fn text_error(tool: &str, prompts: &[Prompt<'_>]) -> Error {
    let provider = prompts.first().map_or("", |prompt| prompt.missing.need.provider_name);
    let steps: Vec<_> = prompts
        .iter()
        .map(|prompt| format!("{} Open {}", prompt.message(), prompt.link.url))
        .collect();
    Error::with_kind(
        ErrorKind::ConsentNeeded { provider },
        format!(
            "{}\nShow this link to the user; when it is done, call `{tool}` again with the same arguments.",
            steps.join("\n")
        ),
    )
}
