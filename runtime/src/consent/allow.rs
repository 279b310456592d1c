//! `/connect/{id}` of an account that is connected: whether one more client may use it.
//!
//! What an account may be used through is bound to the person and the client. A client that the
//! person let in later gets no account that was connected through another one, until the person has
//! said so here.

use std::collections::BTreeSet;

use axum::response::Response;

use super::{
    client_page::{self, ClientQuestion},
    consents::Consents,
    forms::{self, FormKind, NewForm, SentForm},
    open_consents::{OpenConsent, Progress},
};
use crate::{
    browser::{
        CONNECT_PATH, error_pages,
        page::{self, FormAction},
    },
    grant::{
        Grant, GrantClient, GrantClients, GrantState, StoreError,
        audit::entry::{AuditEvent, Facts},
    },
    oauth::UpstreamClient,
    scope,
    support::background as task,
    trace::{ConsentFailure, Decision, EventKind, Found},
};

/// Asks whether the client of the consent may use the account. `None`: there is nothing to ask,
/// because no account is connected or the client may use it already.
pub(super) async fn ask(
    consents: &Consents,
    id: &str,
    consent: &OpenConsent,
    client: &GrantClient,
    oauth: &UpstreamClient,
    grant: &Grant,
) -> Option<Response> {
    let id_of_client = consent.client.as_deref()?;
    if grant.state != GrantState::Live || grant.allows(id_of_client) {
        return None;
    }
    let missing = missing(oauth, &grant.scopes, consent);
    let account = match consents.name_of(consent, oauth).await {
        Ok(account) => account,
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a person's accounts cannot be read");
            return Some(error_pages::server_error());
        }
    };
    let form = NewForm::new(consents, id, FormKind::Allow);
    let question = ClientQuestion {
        registration: &oauth.registration,
        account: account.as_deref(),
        client: client.name(),
        client_id: id_of_client,
        others: grant.clients.iter().flat_map(|all| all.iter()).map(GrantClient::name).collect(),
        scopes: &grant.scopes,
        form_action: if missing.is_empty() {
            FormAction::SameOrigin
        } else {
            forms::to_provider(oauth)
        },
        missing,
        action: form.action.clone(),
        csrf: form.csrf.clone(),
    };
    let response = form.with_cookie(question.into_response());
    consents.report(id, Progress::Opened).await;
    trace(consents, id, (oauth, client), Decision::Asked);
    Some(response)
}

/// Handles the decision of a person.
pub(super) async fn decide(consents: &Consents, id: &str, sent: SentForm) -> Response {
    let SentForm { consent, fields, .. } = sent;
    let oauth = consents.provider(&consent.provider).cloned();
    let (Some(oauth), Some(client)) = (oauth, consents.asking_client(&consent).await) else {
        return error_pages::unknown_answer();
    };
    match fields.get("decision") {
        Some("allow") => allow(consents.clone(), id.to_owned(), consent, client, oauth).await,
        Some("deny") => {
            trace(consents, id, (&oauth, &client), Decision::Denied);
            keep(consents, AuditEvent::ClientRefused, (&consent, &oauth, &client));
            let (provider, reason) = (oauth.registration.id, ConsentFailure::UseDenied);
            let (cause, ms) = (consent.cause.as_ref(), consents.took(consent.cause.as_ref()));
            let span = consents.traced_span(id, cause);
            span.emit(|| EventKind::ConsentFailed { provider, reason, ms });
            let reason = "the user did not let this application use the account".to_owned();
            consents.report(id, Progress::Refused { reason, by_us: false }).await;
            client_page::refused(oauth.registration.name, client.name())
        }
        _ => error_pages::unknown_answer(),
    }
}

/// Lets the client use the account, and goes on to the provider where more scopes are needed.
async fn allow(
    consents: Consents,
    id: String,
    consent: OpenConsent,
    client: GrantClient,
    oauth: UpstreamClient,
) -> Response {
    let (provider, name) = (oauth.registration.name, client.name().to_owned());
    let path = format!("{CONNECT_PATH}/{id}");
    // The browser may leave: what is allowed must be reported to the call that waits.
    let allowed = task::spawn(async move {
        let add = |clients: &GrantClients| clients.with(client.clone());
        let scopes = match consents.key_of(&consent, &oauth).await? {
            Some(key) => consents.grants().change_clients(&key, &oauth, add).await?,
            None => None,
        };
        trace(&consents, &id, (&oauth, &client), Decision::Allowed);
        if scopes.is_some() {
            keep(&consents, AuditEvent::ClientAllowed, (&consent, &oauth, &client));
        }
        let is_complete =
            scopes.is_some_and(|scopes| missing(&oauth, &scopes, &consent).is_empty());
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, is_complete, "a person let another client use an account");
        if is_complete {
            consents.report(&id, Progress::Granted { withheld: Vec::new() }).await;
        }
        Ok::<_, StoreError>(is_complete)
    });
    let error = match allowed.await {
        Ok(Ok(true)) => return client_page::allowed(provider, &name),
        // The rest is between the person and the provider.
        Ok(Ok(false)) => return page::redirect(&path),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(target: "toolgate::consent", error, "a client of an account cannot be stored");
    error_pages::server_error()
}

fn trace(
    consents: &Consents,
    id: &str,
    (oauth, client): (&UpstreamClient, &GrantClient),
    decision: Decision,
) {
    let (provider, client) = (oauth.registration.id, Found::new(client.name()));
    consents.span(id).emit(|| EventKind::AccountUse { provider, client, decision });
}

/// Keeps in the audit what the person has decided.
fn keep(
    consents: &Consents,
    event: AuditEvent,
    (consent, oauth, client): (&OpenConsent, &UpstreamClient, &GrantClient),
) {
    consents.keep(event, (&consent.subject, Some(client.key())), |decided| Facts {
        provider: Some(oauth.registration.id.to_owned()),
        ..decided
    });
}

/// The needed scopes that were not granted yet.
fn missing(
    oauth: &UpstreamClient,
    granted: &BTreeSet<String>,
    consent: &OpenConsent,
) -> Vec<String> {
    let needed: Vec<&str> = consent.needed.iter().map(String::as_str).collect();
    let missing = scope::missing(oauth.registration.catalogue, granted, &needed);
    missing.into_iter().map(str::to_owned).collect()
}
