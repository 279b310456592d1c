//! The prompt of a call whose token lacks scopes: the link under which its user adds them.

use std::{collections::BTreeMap, sync::Arc};

use http::request::Parts;
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResponse, CallToolResult, ContentBlock, ElicitRequest, ElicitRequestParams,
        ErrorCode, InputRequest, InputRequiredResult,
    },
    service::RequestContext,
};
use serde_json::json;

use super::{
    ConsentPrompt,
    form::PromptForm,
    hold::HOLD_TIMEOUT,
    request_state::{RequestState, STATE_TTL},
};
use crate::{
    gate::{
        AuthError, Claims, required_scopes::RequiredScopes, resource_server::ResourceServer,
        sign_in_scopes::StepUpLink, step_up::StepUpOffer,
    },
    mcp::elicitation::AskedClient,
    support::background as task,
    tool::call::Caller,
};

/// The key of the prompt in an `input_required` result, and of the response to it.
const PROMPT_KEY: &str = "toolgate/access";

impl ConsentPrompt<'_> {
    /// Asks the user for the scopes that the call lacks for `error`, in the best form that the client
    /// supports. `Ok`: the user has added them since, and these are the claims with them. `Err`: the
    /// response of the call.
    pub(crate) async fn step_up(
        &self,
        gate: &Arc<ResourceServer>,
        required: &RequiredScopes,
        error: AuthError,
    ) -> Result<Claims, Result<CallToolResponse, ErrorData>> {
        let context = self.request.context.get();
        let parts = context.extensions.get::<Parts>();
        let offer = parts.and_then(|parts| parts.extensions.get::<StepUpOffer>());
        let claims = self.request.caller.as_ref().and_then(Caller::claims);
        let (Some(offer), Some(claims)) = (offer, claims) else {
            return Err(Err(ErrorData::invalid_request(error.to_string(), None)));
        };
        let form = match self.action() {
            Some("decline") => {
                let text = format!(
                    "The user declined adding what this needs ({error}). Do not call again unless the user asks for it."
                );
                return Err(Ok(failed(text)));
            }
            // A host without a window cancels every prompt, and its user has not seen the link.
            Some("cancel") => PromptForm::Text,
            _ => PromptForm::of(&context),
        };
        // A client that has shown the link calls again, and its user may be opening it now.
        if form != PromptForm::Text && (offer.link.again || self.request.retry.is_some()) {
            let waited = tokio::select! {
                () = context.ct.cancelled() => None,
                waited = gate.wait_for_step_up(claims, &offer.link, HOLD_TIMEOUT) => waited,
            };
            if let Some(widened) = waited.filter(|claims| required.check(Some(claims)).is_ok()) {
                return Ok(widened);
            }
        }
        Err(match form {
            PromptForm::InputRequired => Ok(self.input_required(&offer.link)),
            PromptForm::UrlElicitationError => {
                notify_when_decided(gate, claims, offer.link.clone(), &context);
                Err(url_elicitation_error(&offer.link))
            }
            PromptForm::Text => Ok(self.text(offer)),
        })
    }

    /// What the user did about the prompt, as the client says.
    fn action(&self) -> Option<&str> {
        let responses = self.request.retry?.input_responses.as_ref()?;
        responses.get(PROMPT_KEY)?.get("action")?.as_str()
    }

    fn input_required(&self, link: &StepUpLink) -> CallToolResponse {
        let params = ElicitRequestParams::UrlElicitationParams {
            meta: None,
            message: link.message.clone(),
            url: link.url.clone(),
            elicitation_id: String::new(),
        };
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        let requests = [(PROMPT_KEY.to_owned(), request)].into_iter().collect();
        let digest = self.request.digest();
        let call = self.identity(digest.as_ref());
        // It names no consent, so a retry that has its scopes goes on at once.
        let state = RequestState::new(&call, BTreeMap::new(), self.services.clock.now());
        InputRequiredResult::new(
            Some(requests),
            Some(state.seal(&self.services.sealer, self.services.consents.server())),
        )
        .into()
    }

    fn text(&self, offer: &StepUpOffer) -> CallToolResponse {
        let tool = &self.tool.definition.name;
        let StepUpLink { message, url, .. } = &offer.link;
        let text = format!(
            "{message} Open {url}\nShow this link to the user; when it is done, call `{tool}` again with the same arguments."
        );
        let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
        let challenges = json!([offer.challenge]);
        result.meta.get_or_insert_default().0.insert("mcp/www_authenticate".to_owned(), challenges);
        result.into()
    }
}

fn failed(text: String) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text)]).into()
}

/// The error -32042, `URLElicitationRequired`.
fn url_elicitation_error(link: &StepUpLink) -> ErrorData {
    let elicitation = json!({
        "mode": "url",
        "elicitationId": link.id,
        "url": link.url,
        "message": link.message,
    });
    let data = json!({ "elicitations": [elicitation] });
    ErrorData::new(ErrorCode(-32042), link.message.clone(), Some(data))
}

/// Sends `notifications/elicitation/complete` to a client of 2025-11-25 when the user is done.
fn notify_when_decided(
    gate: &Arc<ResourceServer>,
    claims: &Claims,
    link: StepUpLink,
    context: &RequestContext<RoleServer>,
) {
    let (gate, claims, client) = (Arc::clone(gate), claims.clone(), AskedClient::of(context));
    task::spawn(async move {
        if gate.wait_for_step_up(&claims, &link, STATE_TTL).await.is_some() {
            client.complete(&link.id).await;
        }
    });
}
