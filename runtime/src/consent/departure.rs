//! Redirect of a browser to the provider, with a pending authorization.

use axum::response::Response;
use http::{HeaderMap, header};

use super::{
    callback::{CONSENT_COOKIE, ConsentContext},
    consents::Consents,
    open_consents::{OpenConsent, Progress},
};
use crate::{
    browser::{
        authorization_flow::NewAuthorization,
        cookie::name_for_state,
        error_pages, page,
        pending_authorization::{ExpectedIssuer, PENDING_AUTHORIZATION_TTL},
        traced::FlowTrace,
    },
    grant::{Grant, GrantClient, WantedAccount},
    oauth::{UpstreamClient, new_state},
    provider::PlaceholderValues,
    support::crypto,
    trace::Flow,
};

/// A browser that is about to be redirected to the provider.
pub(super) struct Departure<'a> {
    pub(super) id: &'a str,
    pub(super) consent: OpenConsent,
    pub(super) client: Option<GrantClient>,
    /// The grant that the consent replaces.
    pub(super) grant: Option<Grant>,
    /// The values of the provider's placeholders that the person gave.
    pub(super) values: PlaceholderValues,
}

impl Departure<'_> {
    /// Redirects the browser to the provider. The URLs of `oauth` have the person's values.
    pub(super) async fn send(
        self,
        consents: &Consents,
        oauth: &UpstreamClient,
        headers: &HeaderMap,
    ) -> Response {
        if let Err(refused) = consents.limit().check_total() {
            return error_pages::too_many_requests(refused);
        }
        let Self { id, consent, client, grant, values } = self;
        let provider = oauth.registration.id;
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
                account: consent.account.clone(),
                needed: consent.needed,
                values,
                cause: consent.cause,
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
        let endpoint = consents.account_endpoint(oauth);
        if let Some(prompt) = endpoint.and_then(|endpoint| endpoint.prompt)
            && consent.account == WantedAccount::Another
        {
            // Without `prompt`, a provider may use the account that is signed in there.
            let others = url.query_pairs().into_owned().filter(|(name, _)| name != "prompt");
            let others: Vec<_> = others.collect();
            url.query_pairs_mut().clear().extend_pairs(others).append_pair("prompt", prompt);
        }
        let has_refresh_token = grant.is_some_and(|grant| grant.refresh_token.is_some());
        if has_refresh_token && url.query_pairs().all(|(name, _)| name != "prompt") {
            // The person may choose another account, whose grant needs a refresh token of its own.
            // Providers that issue one with the first consent only issue another for `prompt=consent`
            // (OpenID Connect Core §3.1.2.1).
            url.query_pairs_mut().append_pair("prompt", "consent");
        }
        consents.report(id, Progress::Opened).await;
        tracing::info!(target: "toolgate::consent", provider, %scopes, "a browser was sent to the provider");
        let mut response = page::redirect(url.as_str());
        for cookie in consents.cookies().make_room(headers, CONSENT_COOKIE) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        let name = name_for_state(CONSENT_COOKIE, state.secret());
        let cookie = consents.cookies().set(&name, &browser, PENDING_AUTHORIZATION_TTL);
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response
    }
}
