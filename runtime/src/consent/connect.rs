//! `/connect/{id}`: from a link to the provider.

use axum::response::Response;
use http::{HeaderMap, header, request::Parts};

use super::{
    allow,
    callback::{CONSENT_COOKIE, ConsentContext},
    consents::{Consents, OpenConsent, Progress},
    page as consent_page,
};
use crate::{
    browser::{
        CONNECT_PATH,
        authorization_flow::NewAuthorization,
        cookie::name_for_state,
        error_pages, page,
        pending_authorization::{ExpectedIssuer, PENDING_AUTHORIZATION_TTL},
        request_limit::TooManyRequests,
        traced::FlowTrace,
    },
    gate::connected_ip_key,
    grant::{Grant, GrantClient, GrantKey, StoreError},
    oauth::{UpstreamClient, new_state},
    support::crypto,
    trace::{EventKind, Flow, LinkOpener},
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
    let provider = consent.provider;
    if let Err(retry_after) = consents.connects().check(&consent.subject) {
        return error_pages::too_many_requests(TooManyRequests { retry_after });
    }
    let Some(oauth) = consents.provider(provider) else { return error_pages::expired() };
    let grant = match consents.grant(&consent, oauth).await {
        Ok(grant) => grant,
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a person's account cannot be read");
            return error_pages::server_error();
        }
    };
    let client = consents.asking_client(&consent).await;
    if let (Some(client), Some(grant)) = (&client, &grant)
        && let Some(page) = allow::ask(consents, id, &consent, client, oauth, grant)
    {
        return page;
    }
    if let Err(refused) = consents.limit().check_total() {
        return error_pages::too_many_requests(refused);
    }
    let (state, browser) = (new_state(), crypto::random_token());
    let scopes = consent.asked.join(" ");
    let authorization = NewAuthorization {
        state: &state,
        browser: &browser,
        scopes: consent.asked,
        redirect_uri: consents.callback_url(provider),
        issuer: ExpectedIssuer::of_provider(&oauth.registration),
        context: ConsentContext {
            consent: id.to_owned(),
            subject: consent.subject,
            provider: provider.to_owned(),
            client,
            needed: consent.needed,
        },
        trace: FlowTrace { flow: Flow::Consent, span: consents.span(id) },
    };
    let mut url = match consents.flow().start(oauth, authorization).await {
        Ok(url) => url,
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a consent cannot be stored");
            return error_pages::server_error();
        }
    };
    let has_refresh_token = grant.is_some_and(|grant| grant.refresh_token.is_some());
    if has_refresh_token && url.query_pairs().all(|(name, _)| name != "prompt") {
        // The person may choose another account, whose refresh token is another. Providers that
        // give one with the first consent only give one to this (OpenID Connect Core §3.1.2.1).
        url.query_pairs_mut().append_pair("prompt", "consent");
    }
    consents.report(id, Progress::Opened);
    tracing::info!(target: "toolgate::consent", provider, %scopes, "a browser was sent to the provider");
    let mut response = page::redirect(url.as_str());
    for cookie in consents.cookies().make_room(&request.headers, CONSENT_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let name = name_for_state(CONSENT_COOKIE, state.secret());
    let cookie = consents.cookies().set(&name, &browser, PENDING_AUTHORIZATION_TTL);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

impl Consents {
    /// The consent with this id, if the person who uses the browser is the one who was asked.
    pub(super) async fn require_owner(
        &self,
        id: &str,
        headers: &HeaderMap,
    ) -> Result<OpenConsent, Box<Response>> {
        let consent = self.openable(id).ok_or_else(|| Box::new(error_pages::expired()))?;
        let provider = consent.provider;
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
                tracing::warn!(target: "toolgate::consent", provider = consent.provider, "a link was opened by another person");
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
    async fn grant(
        &self,
        consent: &OpenConsent,
        oauth: &UpstreamClient,
    ) -> Result<Option<Grant>, StoreError> {
        let key = GrantKey::new(&consent.subject, consent.provider);
        let found = self.grants().store().load(&key).await?;
        Ok(found.map(|row| row.value).filter(|grant| grant.is_from(Some(oauth.origin()))))
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
