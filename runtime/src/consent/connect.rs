//! `/connect/{id}`: from a link to the provider.

use axum::response::Response;
use http::{HeaderMap, header, request::Parts};

use super::{
    address, allow, consents::Consents, departure::Departure, open_consents::OpenConsent,
    page as consent_page,
};
use crate::{
    browser::{CONNECT_PATH, error_pages, page, request_limit::TooManyRequests},
    gate::connected_ip_key,
    grant::{Grant, GrantClient, GrantKey, StoreError, WantedAccount},
    oauth::UpstreamClient,
    provider::PlaceholderValues,
    trace::{EventKind, LinkOpener},
};

/// Opens the link with this id.
pub(crate) async fn open(consents: &Consents, id: &str, request: &Parts) -> Response {
    if let Err(refused) = consents.limit().check_address(connected_ip_key(&request.extensions)) {
        return error_pages::too_many_requests(refused);
    }
    let consent = match consents.require_owner(id, &request.headers).await {
        Ok(consent) => consent,
        Err(response) => return *response,
    };
    if let Err(retry_after) = consents.connects().check(&consent.subject) {
        return error_pages::too_many_requests(TooManyRequests { retry_after });
    }
    let Some(oauth) = consents.provider(&consent.provider) else { return error_pages::expired() };
    let grant = match consents.grant(&consent, oauth).await {
        Ok(grant) => grant,
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a person's account cannot be read");
            return error_pages::server_error();
        }
    };
    let client = consents.asking_client(&consent).await;
    if let (Some(client), Some(grant)) = (&client, &grant)
        && let Some(page) = allow::ask(consents, id, &consent, client, oauth, grant).await
    {
        return page;
    }
    if oauth.asks_person() {
        let known = grant.map(|grant| grant.placeholders).unwrap_or_default();
        return address::ask(consents, id, oauth, &known).await;
    }
    let departure = Departure { id, consent, client, grant, values: PlaceholderValues::new() };
    departure.send(consents, oauth, &request.headers).await
}

impl Consents {
    /// The consent with this id, if the person who uses the browser is the one who was asked.
    pub(super) async fn require_owner(
        &self,
        id: &str,
        headers: &HeaderMap,
    ) -> Result<OpenConsent, Box<Response>> {
        let consent = self.openable(id).await.map_err(|error| {
            tracing::error!(target: "toolgate::consent", %error, "a consent cannot be read");
            Box::new(error_pages::server_error())
        })?;
        let consent = consent.ok_or_else(|| Box::new(error_pages::expired()))?;
        let oauth = self.provider(&consent.provider);
        let provider = oauth.ok_or_else(|| Box::new(error_pages::expired()))?.registration.id;
        let opened = |by| self.span(id).emit(|| EventKind::LinkOpened { provider, by });
        let Some(authenticator) = self.authenticator() else {
            opened(LinkOpener::Local);
            return Ok(consent);
        };
        // A person who opens another person's link would connect an account to that person.
        match self.subject(headers).await {
            Ok(Some(found)) if found == consent.subject => {
                opened(LinkOpener::Owner);
                Ok(consent)
            }
            Ok(Some(_)) => {
                opened(LinkOpener::OtherPerson);
                tracing::warn!(target: "toolgate::consent", provider, "a link was opened by another person");
                let mut response = consent_page::other_person();
                if let Some(cookie) = authenticator.sign_out_cookie(self.is_https()) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                Err(Box::new(response))
            }
            Ok(None) => {
                opened(LinkOpener::SignedOut);
                let url = authenticator.sign_in_url(&format!("{CONNECT_PATH}/{id}"));
                Err(Box::new(page::redirect(&url)))
            }
            Err(error) => {
                tracing::error!(target: "toolgate::consent", error, "the person behind a browser cannot be identified");
                Err(Box::new(error_pages::server_error()))
            }
        }
    }

    /// The grant that the consent replaces, dead or alive.
    pub(super) async fn grant(
        &self,
        consent: &OpenConsent,
        oauth: &UpstreamClient,
    ) -> Result<Option<Grant>, StoreError> {
        let Some(key) = self.key_of(consent, oauth).await? else { return Ok(None) };
        let found = self.grants().store().load(&key).await?;
        Ok(found.map(|row| row.value).filter(|grant| grant.is_issued_by(oauth)))
    }

    /// The key of the account that a consent is asked for. `None`: it is not connected yet.
    pub(super) async fn key_of(
        &self,
        consent: &OpenConsent,
        oauth: &UpstreamClient,
    ) -> Result<Option<GrantKey>, StoreError> {
        let first = GrantKey::new(&consent.subject, &consent.provider);
        Ok(match &consent.account {
            WantedAccount::Another => None,
            WantedAccount::Named(account) => Some(first.account(&**account)),
            WantedAccount::Default if self.account_endpoint(oauth).is_none() => Some(first),
            WantedAccount::Default => {
                let accounts = self.grants().accounts(&first.subject, &first.provider).await?;
                accounts.into_iter().find(|account| account.is_default).map(|account| account.key)
            }
        })
    }

    /// What the account is called that a consent is asked for, if the person has several.
    pub(super) async fn name_of(
        &self,
        consent: &OpenConsent,
        oauth: &UpstreamClient,
    ) -> Result<Option<String>, StoreError> {
        let Some(key) = self.key_of(consent, oauth).await? else { return Ok(None) };
        let accounts = self.grants().accounts(&key.subject, &key.provider).await?;
        let is_one_of_several = accounts.len() > 1;
        let named = accounts.into_iter().find(|account| account.key == key);
        Ok(named.map(|account| account.name).filter(|_| is_one_of_several))
    }

    /// The client that a consent binds the grant to, with the name that people read.
    pub(super) async fn asking_client(&self, consent: &OpenConsent) -> Option<GrantClient> {
        let id = consent.client.as_deref()?;
        let registered = match self.authenticator() {
            Some(authenticator) => authenticator.client_name(id).await,
            None => None,
        };
        Some(GrantClient::new(id, registered.as_deref().unwrap_or(id), self.now()))
    }
}
