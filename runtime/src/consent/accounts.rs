//! `/accounts`: the accounts that a person has connected, and how to disconnect them.

use axum::{extract::Request, response::Response};
use http::{HeaderMap, header};

use super::{
    client_page,
    consents::Consents,
    page::{self, Account},
};
use crate::{
    browser::{
        ACCOUNTS_PATH, csrf, error_pages, form, page as browser_page,
        pending_authorization::PENDING_AUTHORIZATION_TTL,
    },
    grant::{
        DisconnectOutcome, Grant, GrantClient, GrantClients, GrantKey, GrantState, StoreError,
    },
    oauth::UpstreamClient,
    support::{background as task, crypto},
};

/// The cookie that binds the forms of the page to the browser that was shown them.
const FORM_COOKIE: &str = "toolgate-accounts";

/// What the CSRF token of these forms is made for.
const FORM: &str = "accounts";

/// Shows the accounts of the person.
pub(crate) async fn list(consents: &Consents, headers: &HeaderMap) -> Response {
    let subject = match consents.require_subject(headers).await {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    let mut connected = Vec::new();
    for oauth in consents.providers() {
        let registration = &oauth.registration;
        match consents.grants().store().load(&GrantKey::new(&subject, registration.id)).await {
            Ok(Some(row)) if row.value.state == GrantState::Live => {
                let clients =
                    match clients_of(consents, &subject, registration.id, &row.value).await {
                        Ok(clients) => clients,
                        Err(error) => return failed(&error.to_string()),
                    };
                connected.push(Account { registration, scopes: row.value.scopes, clients });
            }
            Ok(_) => {}
            Err(error) => return failed(&error.to_string()),
        }
    }
    connected.sort_by_key(|account| account.registration.name);
    let browser = crypto::random_token();
    let mut response = page::accounts(&connected, &csrf::token(&browser, FORM));
    let cookie = consents.cookies().set(FORM_COOKIE, &browser, PENDING_AUTHORIZATION_TTL);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Disconnects the account that the form names, or takes it away from one client.
pub(crate) async fn disconnect(consents: &Consents, request: Request) -> Response {
    let (headers, sent) = match form::read_form(request).await {
        Ok(sent) => sent,
        Err(error) => return browser_page::text(error.status(), &error.to_string()),
    };
    let browser = consents.cookies().get(&headers, FORM_COOKIE).unwrap_or_default();
    let is_ours = csrf::verify(browser, FORM, sent.get("csrf").unwrap_or_default());
    if !csrf::is_same_origin(&headers, &consents.origin()) || !is_ours {
        return page::foreign_form();
    }
    let subject = match consents.require_subject(&headers).await {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    let Some(oauth) = sent.get("provider").and_then(|id| consents.provider(id)) else {
        return error_pages::unknown_answer();
    };
    if let Some(client) = sent.get("client") {
        return take_away(consents, oauth, &subject, client).await;
    }
    match consents.disconnect(oauth.registration.id, subject).await {
        Some(Ok(outcome)) => page::disconnected(oauth.registration.name, outcome),
        Some(Err(error)) => failed(&error),
        None => error_pages::unknown_answer(),
    }
}

/// The clients that may use an account. `None`: all of the person's, or the account is not theirs to
/// divide.
async fn clients_of(
    consents: &Consents,
    subject: &str,
    provider: &str,
    grant: &Grant,
) -> Result<Option<Vec<GrantClient>>, StoreError> {
    let Some(authenticator) = consents.authenticator().filter(|_| consents.binds_clients()) else {
        return Ok(None);
    };
    if let Some(signed_in) = authenticator.clients(provider, subject).await {
        return signed_in.map(Some);
    }
    Ok(grant.clients.as_ref().map(|clients| clients.iter().cloned().collect()))
}

/// Takes the account away from the client with this key.
async fn take_away(
    consents: &Consents,
    oauth: &UpstreamClient,
    subject: &str,
    client: &str,
) -> Response {
    let (consents, oauth) = (consents.clone(), oauth.clone());
    let (subject, client) = (subject.to_owned(), client.to_owned());
    let (id, name) = (oauth.registration.id, oauth.registration.name);
    let taken = task::spawn(async move {
        let by_authenticator = match consents.authenticator() {
            Some(authenticator) => authenticator.remove_client(id, &subject, &client).await,
            None => None,
        };
        match by_authenticator {
            Some(removed) => removed,
            None => {
                let key = GrantKey::new(&subject, id);
                let without = |clients: &GrantClients| clients.without(&client);
                consents.grants().change_clients(&key, oauth.origin(), without).await.map(drop)
            }
        }
    });
    match taken.await {
        Ok(Ok(())) => {
            tracing::info!(target: "toolgate::consent", provider = id, "a person took an account away from a client");
            client_page::taken_away(name)
        }
        Ok(Err(error)) => failed(&error.to_string()),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(error: &str) -> Response {
    tracing::error!(target: "toolgate::consent", error, "a person's accounts cannot be read");
    error_pages::server_error()
}

impl Consents {
    /// Disconnects the person's account at a provider. `None`: there is no such provider.
    pub(crate) async fn disconnect(
        &self,
        provider: &str,
        subject: String,
    ) -> Option<Result<DisconnectOutcome, String>> {
        let oauth = self.provider(provider)?.clone();
        let (consents, id) = (self.clone(), oauth.registration.id);
        // The browser may leave: what is disconnected here must be revoked at the provider as well.
        let disconnected = task::spawn(async move {
            let by_authenticator = match consents.authenticator() {
                Some(authenticator) => authenticator.disconnect(id, &subject).await,
                None => None,
            };
            match by_authenticator {
                Some(outcome) => outcome,
                None => consents.grants().disconnect(&oauth, &subject).await,
            }
        });
        Some(match disconnected.await {
            Ok(Ok(outcome)) => {
                tracing::info!(target: "toolgate::consent", provider = id, ?outcome, "a person disconnected an account");
                Ok(outcome)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// The person whose accounts this browser may see; otherwise the response that it gets.
    async fn require_subject(&self, headers: &HeaderMap) -> Result<String, Box<Response>> {
        let found = self.subject(headers).await.map_err(|error| Box::new(failed(&error)))?;
        match (found, self.authenticator()) {
            (Some(subject), _) => Ok(subject),
            (None, Some(authenticator)) => {
                Err(Box::new(browser_page::redirect(&authenticator.sign_in_url(ACCOUNTS_PATH))))
            }
            (None, None) => Err(Box::new(error_pages::server_error())),
        }
    }
}
