//! `/accounts`: the accounts that a person has connected, and the forms that change them.

use std::collections::BTreeSet;

use axum::{extract::Request, response::Response};
use http::{HeaderMap, header};

use super::{
    accounts_page::{Account, AccountsPage, NameFault, Section},
    client_page,
    consents::Consents,
    forms,
    open_consents::ConsentOwner,
    page,
};
use crate::{
    browser::{
        ACCOUNTS_PATH, CONNECT_PATH, csrf, error_pages, form, page as browser_page,
        pending_authorization::PENDING_AUTHORIZATION_TTL,
    },
    gate::connected_ip_key,
    grant::{
        ConnectedAccount, DisconnectOutcome, Grant, GrantClient, GrantClients, GrantKey,
        GrantState, Renamed, StoreError, WantedAccount, account_name,
    },
    oauth::UpstreamClient,
    support::{background as task, crypto, escape::escape},
};

/// How much of a name that is too long is shown again, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// The cookie that binds the forms of the page to the browser that was shown them.
const FORM_COOKIE: &str = "toolgate-accounts";

/// What the CSRF token of these forms is made for.
const FORM: &str = "accounts";

/// Shows the accounts of the person.
pub(crate) async fn list(consents: &Consents, headers: &HeaderMap) -> Response {
    match consents.require_subject(headers).await {
        Ok(subject) => show(consents, &subject, None).await,
        Err(response) => *response,
    }
}

/// Shows the accounts of the person; `fault`: what is wrong with a form that was sent.
async fn show(consents: &Consents, subject: &str, fault: Option<&NameFault>) -> Response {
    let mut sections = Vec::new();
    for oauth in consents.providers() {
        match section(consents, subject, oauth).await {
            Ok(section) => sections.extend(section),
            Err(error) => return failed(&error.to_string()),
        }
    }
    sections.sort_by_key(|section| section.registration.name);
    let browser = crypto::random_token();
    let csrf = csrf::token(&browser, FORM);
    let mut response = AccountsPage { sections: &sections, csrf: &csrf, fault }.into_response();
    let cookie = consents.cookies().set(FORM_COOKIE, &browser, PENDING_AUTHORIZATION_TTL);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// The person's accounts at one provider; `None` without any.
async fn section<'c>(
    consents: &Consents,
    subject: &str,
    oauth: &'c UpstreamClient,
) -> Result<Option<Section<'c>>, StoreError> {
    let registration = &oauth.registration;
    let endpoint = consents.account_endpoint(oauth);
    if let Some(endpoint) = endpoint {
        let first = GrantKey::new(subject, registration.id);
        if let Err(error) = consents.identify_connected(oauth, endpoint, &first).await {
            tracing::info!(target: "toolgate::consent", provider = registration.id, error = %escape(&error), "whose account is connected is not known");
        }
    }
    let connected = consents.grants().accounts(subject, registration.id).await?;
    let is_one_of_several = connected.len() > 1;
    let mut accounts = Vec::new();
    for ConnectedAccount { key, grant, name, is_default } in connected {
        let is_live = grant.state == GrantState::Live;
        // An only account that has ended is connected again when a tool needs it.
        if !is_live && !is_one_of_several {
            continue;
        }
        let clients = clients_of(consents, subject, registration.id, &grant).await?;
        let of_person = registration.of_person().into_iter();
        let address = of_person
            .filter_map(|(one, label)| Some((label, grant.placeholders.get(one.name)?.clone())))
            .collect();
        let is_named = endpoint.is_some() && (grant.identity().is_some() || is_one_of_several);
        let scopes = grant.scopes;
        accounts.push(Account {
            key: key.account,
            name: is_named.then_some(name),
            is_default,
            is_live,
            scopes,
            address,
            clients,
        });
    }
    let allows_several = endpoint.is_some();
    let section =
        Section { registration, accounts, allows_several, form: forms::to_provider(oauth) };
    Ok((!section.accounts.is_empty()).then_some(section))
}

/// Does what a form of the page asks for.
pub(crate) async fn submit(consents: &Consents, request: Request) -> Response {
    // Before the body is read.
    if let Err(refused) = consents.limit().check_address(connected_ip_key(request.extensions())) {
        return error_pages::too_many_requests(refused);
    }
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
    let key = GrantKey::new(&*subject, oauth.registration.id);
    let key = key.account(sent.get("account").unwrap_or_default());
    if let Some(client) = sent.get("client") {
        return take_away(consents, oauth, key, client).await;
    }
    let has_accounts = consents.account_endpoint(oauth).is_some();
    match sent.get("action") {
        None => match consents.disconnect(oauth, key).await {
            Ok((outcome, name)) => {
                page::disconnected(oauth.registration.name, name.as_deref(), outcome)
            }
            Err(error) => failed(&error),
        },
        Some("default") if has_accounts => {
            match consents.grants().set_default_account(&key).await {
                Ok(_) => browser_page::redirect(ACCOUNTS_PATH),
                Err(error) => failed(&error.to_string()),
            }
        }
        Some("rename") if has_accounts => {
            rename(consents, key, sent.get("name").unwrap_or_default()).await
        }
        Some("connect") if has_accounts => connect(consents, oauth, key, true).await,
        Some("reconnect") if has_accounts => connect(consents, oauth, key, false).await,
        Some(_) => error_pages::unknown_answer(),
    }
}

/// Gives an account the name that the person typed; without one, that of the provider again.
async fn rename(consents: &Consents, key: GrantKey, typed: &str) -> Response {
    let name = account_name(typed);
    let fault = if name.is_none() && !typed.trim().is_empty() {
        "A name has at most 40 characters."
    } else {
        match consents.grants().rename_account(&key, name.as_deref()).await {
            Ok(Renamed::Done) => return browser_page::redirect(ACCOUNTS_PATH),
            Ok(Renamed::Missing) => return error_pages::unknown_answer(),
            Ok(Renamed::Taken) => "Another account of yours has this name.",
            Err(error) => return failed(&error.to_string()),
        }
    };
    let typed = typed.chars().take(MAX_SHOWN_CHARS).collect();
    let fault = NameFault { provider: key.provider, account: key.account, typed, text: fault };
    show(consents, &key.subject, Some(&fault)).await
}

/// Sends the browser to the provider, to connect another account or this one again, with the scopes of
/// this one.
async fn connect(
    consents: &Consents,
    oauth: &UpstreamClient,
    key: GrantKey,
    another: bool,
) -> Response {
    let found = match consents.grants().store().load(&key).await {
        Ok(found) => found,
        Err(error) => return failed(&error.to_string()),
    };
    let Some(row) = found else { return error_pages::unknown_answer() };
    let owner = ConsentOwner { subject: &key.subject, client: None };
    let catalogue = oauth.registration.catalogue;
    let is_known = |scope: &&str| catalogue.iter().any(|known| known.name == *scope);
    let scopes: Vec<&str> = row.value.scopes.iter().map(String::as_str).filter(is_known).collect();
    let account =
        if another { WantedAccount::Another } else { WantedAccount::Named(key.account.clone()) };
    let at = (oauth.registration.id, &account);
    let link = consents.begin(owner, at, &scopes, &BTreeSet::new(), &consents.new_span()).await;
    match link {
        Ok(link) => browser_page::redirect(&format!("{CONNECT_PATH}/{}", link.id)),
        Err(error) => failed(&error.to_string()),
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
    key: GrantKey,
    client: &str,
) -> Response {
    let (consents, oauth, client) = (consents.clone(), oauth.clone(), client.to_owned());
    let (id, name) = (oauth.registration.id, oauth.registration.name);
    let taken = task::spawn(async move {
        let by_authenticator = match consents.authenticator() {
            Some(authenticator) => authenticator.remove_client(id, &key.subject, &client).await,
            None => None,
        };
        match by_authenticator {
            Some(removed) => removed,
            None => {
                let without = |clients: &GrantClients| clients.without(&client);
                consents.grants().change_clients(&key, &oauth, without).await.map(drop)
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
    /// Disconnects the account that the person's calls use at a provider which name none. `None`: there
    /// is no such provider.
    #[cfg_attr(not(feature = "inspector"), allow(dead_code, reason = "the inspector does it"))]
    pub(crate) async fn disconnect_default(
        &self,
        provider: &str,
        subject: String,
    ) -> Option<Result<DisconnectOutcome, String>> {
        let oauth = self.provider(provider)?;
        let accounts = match self.grants().accounts(&subject, provider).await {
            Ok(accounts) => accounts,
            Err(error) => return Some(Err(error.to_string())),
        };
        let default = accounts.into_iter().find(|account| account.is_default);
        let key = default.map_or_else(|| GrantKey::new(subject, provider), |account| account.key);
        Some(self.disconnect(oauth, key).await.map(|(outcome, _)| outcome))
    }

    /// Disconnects an account. Returns its name, if the person has others.
    async fn disconnect(
        &self,
        oauth: &UpstreamClient,
        key: GrantKey,
    ) -> Result<(DisconnectOutcome, Option<String>), String> {
        let (consents, oauth, id) = (self.clone(), oauth.clone(), oauth.registration.id);
        // The browser may leave: what is disconnected here must be revoked at the provider as well.
        let disconnected = task::spawn(async move {
            let by_authenticator = match consents.authenticator() {
                Some(authenticator) => authenticator.disconnect(id, &key.subject).await,
                None => None,
            };
            if let Some(outcome) = by_authenticator {
                return outcome.map(|outcome| (outcome, None));
            }
            let accounts = consents.grants().accounts(&key.subject, id).await?;
            let is_one_of_several = accounts.len() > 1;
            let mut named = accounts.into_iter().filter(|account| account.key == key);
            let name = named.next().map(|account| account.name).filter(|_| is_one_of_several);
            let outcome = consents.grants().disconnect_account(&oauth, key).await?;
            Ok((outcome, name))
        });
        match disconnected.await {
            Ok(Ok((outcome, name))) => {
                tracing::info!(target: "toolgate::consent", provider = id, ?outcome, "a person disconnected an account");
                Ok((outcome, name))
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
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
