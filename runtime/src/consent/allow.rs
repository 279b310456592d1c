//! `/connect/{id}` of an account that is connected: whether one more client may use it.
//!
//! What an account may be used through is bound to the person and the client. A client that the
//! person let in later gets no account that was connected through another one, until the person has
//! said so here.

use std::collections::BTreeSet;

use axum::{extract::Request, response::Response};
use http::header;
use url::Url;

use super::{
    client_page::{self, ClientQuestion},
    consents::{Consents, OpenConsent, Progress},
    page as consent_page,
};
use crate::{
    browser::{
        CONNECT_PATH, csrf, error_pages, form,
        page::{self, FormAction},
        pending_authorization::PENDING_AUTHORIZATION_TTL,
        request_limit::TooManyRequests,
    },
    gate::connected_ip_key,
    grant::{Grant, GrantClient, GrantClients, GrantKey, GrantState, StoreError},
    oauth::UpstreamClient,
    scope,
    support::{background as task, crypto},
    trace::{ConsentFailure, Decision, EventKind, Found},
};

/// The cookie that binds the form to the browser that was shown it.
const FORM_COOKIE: &str = "toolgate-allow";

/// What the CSRF token of the form is made for.
fn form_name(id: &str) -> String {
    format!("allow {id}")
}

/// Asks whether the client of the consent may use the account. `None`: there is nothing to ask,
/// because no account is connected or the client may use it already.
pub(super) fn ask(
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
    let browser = crypto::random_token();
    let missing = missing(oauth, &grant.scopes, consent);
    let question = ClientQuestion {
        registration: &oauth.registration,
        client: client.name(),
        client_id: id_of_client,
        others: grant.clients.iter().flat_map(|all| all.iter()).map(GrantClient::name).collect(),
        scopes: &grant.scopes,
        form_action: form_action(oauth, &missing),
        missing,
        action: format!("{CONNECT_PATH}/{id}"),
        csrf: csrf::token(&browser, &form_name(id)),
    };
    let mut response = question.into_response();
    let cookie = consents.cookies().set(FORM_COOKIE, &browser, PENDING_AUTHORIZATION_TTL);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    consents.report(id, Progress::Opened);
    trace(consents, id, (consent, client), Decision::Asked);
    Some(response)
}

/// Handles the decision of a person.
pub(super) async fn decide(consents: &Consents, id: &str, request: Request) -> Response {
    if let Err(refused) = consents.limit().check_address(connected_ip_key(request.extensions())) {
        return error_pages::too_many_requests(refused);
    }
    let (headers, sent) = match form::read_form(request).await {
        Ok(sent) => sent,
        Err(error) => return page::text(error.status(), &error.to_string()),
    };
    let browser = consents.cookies().get(&headers, FORM_COOKIE).unwrap_or_default();
    let is_ours = csrf::verify(browser, &form_name(id), sent.get("csrf").unwrap_or_default());
    if !csrf::is_same_origin(&headers, &consents.origin()) || !is_ours {
        return consent_page::foreign_form();
    }
    let consent = match consents.require_owner(id, &headers).await {
        Ok(consent) => consent,
        Err(response) => return *response,
    };
    if let Err(retry_after) = consents.connects().check(&consent.subject) {
        return error_pages::too_many_requests(TooManyRequests { retry_after });
    }
    let oauth = consents.provider(consent.provider).cloned();
    let (Some(oauth), Some(client)) = (oauth, consents.asking_client(&consent).await) else {
        return error_pages::unknown_answer();
    };
    match sent.get("decision") {
        Some("allow") => allow(consents.clone(), id.to_owned(), consent, client, oauth).await,
        Some("deny") => {
            trace(consents, id, (&consent, &client), Decision::Denied);
            let (provider, reason) = (consent.provider, ConsentFailure::UseDenied);
            consents.span(id).emit(|| EventKind::ConsentFailed { provider, reason });
            let reason = "the user did not let this application use the account".to_owned();
            consents.report(id, Progress::Refused { reason, by_us: false });
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
        let key = GrantKey::new(&consent.subject, consent.provider);
        let add = |clients: &GrantClients| clients.with(client.clone());
        let scopes = consents.grants().change_clients(&key, oauth.origin(), add).await?;
        trace(&consents, &id, (&consent, &client), Decision::Allowed);
        let is_complete =
            scopes.is_some_and(|scopes| missing(&oauth, &scopes, &consent).is_empty());
        tracing::info!(target: "toolgate::consent", provider = consent.provider, is_complete, "a person let another client use an account");
        if is_complete {
            consents.report(&id, Progress::Granted { withheld: Vec::new() });
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
    (consent, client): (&OpenConsent, &GrantClient),
    decision: Decision,
) {
    let (provider, client) = (consent.provider, Found::new(client.name()));
    consents.span(id).emit(|| EventKind::AccountUse { provider, client, decision });
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

/// Browsers hold the redirects after a form to `form-action` as well: those to the provider, which
/// may sign people in on other hosts of its own.
fn form_action(oauth: &UpstreamClient, missing: &[String]) -> FormAction {
    if missing.is_empty() {
        return FormAction::SameOrigin;
    }
    let is_https =
        Url::parse(&oauth.registration.authorize).is_ok_and(|url| url.scheme() == "https");
    let source = if is_https { "https:" } else { "http://127.0.0.1:* http://localhost:*" };
    FormAction::Sources(format!("'self' {source}"))
}
