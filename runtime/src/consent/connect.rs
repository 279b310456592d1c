//! `/connect/{id}`: from a link to the provider.

use axum::response::Response;
use http::{header, request::Parts};

use super::{
    callback::{CONSENT_COOKIE, ConsentContext},
    consents::{Consents, Progress},
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
    },
    gate::connected_ip_key,
    oauth::new_state,
    support::crypto,
};

/// Opens the link with this id.
pub(crate) async fn open(consents: &Consents, id: &str, request: &Parts) -> Response {
    if let Err(refused) = consents.limit().check(connected_ip_key(&request.extensions)) {
        return error_pages::too_many_requests(refused);
    }
    let Some(consent) = consents.openable(id) else { return error_pages::expired() };
    let provider = consent.provider;
    if let Some(authenticator) = consents.authenticator() {
        // A person who opens another person's link would connect an account to that person.
        match consents.subject(&request.headers).await {
            Ok(Some(found)) if found == consent.subject => {}
            Ok(Some(_)) => {
                tracing::warn!(target: "toolgate::consent", provider, "a link was opened by another person");
                let mut response = consent_page::other_person();
                if let Some(cookie) = authenticator.sign_out_cookie(consents.is_https()) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                return response;
            }
            Ok(None) => {
                return page::redirect(&authenticator.sign_in_url(&format!("{CONNECT_PATH}/{id}")));
            }
            Err(error) => {
                tracing::error!(target: "toolgate::consent", error, "the person behind a browser cannot be identified");
                return error_pages::server_error();
            }
        }
    }
    if let Err(retry_after) = consents.connects().check(&consent.subject) {
        return error_pages::too_many_requests(TooManyRequests { retry_after });
    }
    let Some(oauth) = consents.provider(provider) else { return error_pages::expired() };
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
            needed: consent.needed,
        },
    };
    let url = match consents.flow().start(oauth, authorization).await {
        Ok(url) => url,
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a consent cannot be stored");
            return error_pages::server_error();
        }
    };
    consents.report(id, Progress::Opened);
    tracing::info!(target: "toolgate::consent", provider, %scopes, "a browser was sent to the provider");
    let mut response = page::redirect(url.as_str());
    let name = name_for_state(CONSENT_COOKIE, state.secret());
    let cookie = consents.cookies().set(&name, &browser, PENDING_AUTHORIZATION_TTL);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}
