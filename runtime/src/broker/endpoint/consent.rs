//! The broker's own consent page. It keeps one client from using what a person granted to another:
//! the provider sees one client for both (the confused deputy of MCP's security guide).

use std::{collections::BTreeSet, time::Duration};

use axum::{
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{
    error::OAuthError,
    request::{AuthorizationError, AuthorizationRequest},
};
use crate::{
    broker::{
        client::ClientTrust,
        page, redirect,
        redirect::Destination,
        state::Broker,
        store::typed_store::{CONSENTS, REQUESTS},
    },
    support::crypto,
};
use crate::{
    browser::{csrf, form::read_form, page::FormAction},
    gate::connected_ip_key,
    grant::StoreError,
    scope,
    trace::Decision,
};

/// How long the page may stay open.
pub(crate) const CONSENT_PAGE_TTL: Duration = Duration::from_secs(600);
/// How long a consent is remembered.
const CONSENT_RETENTION: Duration = Duration::from_secs(180 * 24 * 3600);

/// What a person has allowed a client.
#[derive(Default, Serialize, Deserialize)]
struct StoredConsent {
    scopes: BTreeSet<String>,
    redirect_uris: BTreeSet<String>,
    /// The digests of the browsers in which it was allowed.
    browsers: BTreeSet<String>,
    at: u64,
}

/// The most redirect URIs and browsers of one consent that are remembered.
const MAX_REMEMBERED: usize = 16;

/// What the CSRF token of a consent page is made for.
fn form_name(id: &str) -> String {
    format!("consent {id}")
}

impl Broker {
    /// The key of the consent that `subject` gave `client` at this broker.
    fn consent_key(&self, subject: &str, client: &str) -> String {
        crypto::sha256_base64url(&format!("{}\n{subject}\n{client}", self.0.issuer))
    }

    /// Shows the page. `signed_in`: the person who signed in last, whose earlier consent the page
    /// shows apart from what is new.
    pub(crate) async fn ask(
        &self,
        request: AuthorizationRequest,
        browser: &str,
        signed_in: Option<&str>,
        notice: Option<&str>,
    ) -> Result<Response, StoreError> {
        let allowed = match signed_in {
            Some(subject) => self.remembered(subject, &request).await?.map(|before| before.scopes),
            None => None,
        };
        let id = crypto::random_token();
        let until = self.now() + CONSENT_PAGE_TTL;
        self.0.records.put(REQUESTS, &id, &request, until).await?;
        self.trace_consent(&request, Decision::Asked);
        Ok(self.consent_page(&request, &id, browser, &allowed.unwrap_or_default(), notice))
    }

    fn consent_page(
        &self,
        request: &AuthorizationRequest,
        id: &str,
        browser: &str,
        allowed: &BTreeSet<String>,
        notice: Option<&str>,
    ) -> Response {
        let registration = &self.0.oauth.registration;
        let destination = request.destination();
        let catalogue = registration.catalogue;
        let (allowed, scopes) = catalogue
            .iter()
            .filter(|scope| request.scopes.iter().any(|asked| asked == scope.name))
            .map(|scope| (scope.name, scope.description))
            .partition(|(name, _)| scope::covers(catalogue, allowed, name));
        let forms_go_to = forms_go_to(destination.as_ref());
        let page = page::Consent {
            root: &self.0.root,
            accounts: self.0.accounts,
            request: id,
            csrf: &csrf::token(browser, &form_name(id)),
            client: request.client_name.as_deref().unwrap_or("An application without a name"),
            vouched: vouched(Some(&request.trust)),
            destination: words_of(destination.as_ref()),
            warns: request.trust != ClientTrust::Known
                && destination.as_ref().is_none_or(Destination::is_native),
            server: (&self.0.name, &self.0.host),
            provider: registration.name,
            scopes,
            allowed,
            notice,
            form_action: FormAction::Sources(forms_go_to),
        };
        page.into_response()
    }

    /// What `subject` has allowed this client and not revoked.
    async fn remembered(
        &self,
        subject: &str,
        request: &AuthorizationRequest,
    ) -> Result<Option<StoredConsent>, StoreError> {
        let key = self.consent_key(subject, &request.client_id);
        let Some(found) = self.0.records.read::<StoredConsent>(CONSENTS, &key).await? else {
            return Ok(None);
        };
        let is_over = self.has_ended(subject, found.value.at).await?;
        Ok((!is_over).then_some(found.value))
    }

    /// Whether `subject` has allowed all of this before, to this client and redirect URI.
    ///
    /// Any program on the person's machine can imitate a native client, so for one the browser must
    /// be the same as well (RFC 8252 §8.6).
    pub(crate) async fn remembers(
        &self,
        subject: &str,
        request: &AuthorizationRequest,
    ) -> Result<bool, StoreError> {
        let Some(remembered) = self.remembered(subject, request).await? else { return Ok(false) };
        let catalogue = self.0.oauth.registration.catalogue;
        let needed: Vec<&str> = request.scopes.iter().map(String::as_str).collect();
        let allowed = scope::missing(catalogue, &remembered.scopes, &needed).is_empty();
        let to_the_same =
            remembered.redirect_uris.iter().any(|uri| redirect::same(uri, &request.redirect_uri));
        let is_native = request.destination().as_ref().is_none_or(Destination::is_native);
        let in_the_same = remembered.browsers.contains(&request.browser);
        Ok(allowed && to_the_same && (!is_native || in_the_same))
    }

    /// Remembers that `subject` has allowed the request.
    pub(crate) async fn remember(
        &self,
        subject: &str,
        request: &AuthorizationRequest,
        at: u64,
    ) -> Result<(), StoreError> {
        let before = self.remembered(subject, request).await?;
        let now = self.now();
        let key = self.consent_key(subject, &request.client_id);
        // Before the record, so that none is left behind.
        self.add_consent(subject, &key).await?;
        let remember = |found: Option<StoredConsent>| {
            let mut remembered = found.filter(|_| before.is_some()).unwrap_or_default();
            remembered.at = at;
            remembered.scopes.extend(request.scopes.iter().cloned());
            for (set, value) in [
                (&mut remembered.redirect_uris, &request.redirect_uri),
                (&mut remembered.browsers, &request.browser),
            ] {
                if set.len() < MAX_REMEMBERED {
                    set.insert(value.clone());
                }
            }
            (remembered, ())
        };
        self.0.records.change(CONSENTS, &key, now + CONSENT_RETENTION, remember).await
    }

    /// Forgets what `subject` has allowed `client`.
    pub(crate) async fn forget_consent(
        &self,
        subject: &str,
        client: &str,
    ) -> Result<(), StoreError> {
        let key = self.consent_key(subject, client);
        self.0.records.take::<StoredConsent>(CONSENTS, &key).await?;
        self.remove_consent(subject, &key).await
    }
}

/// Handles the decision of a person.
pub(crate) async fn decide(State(broker): State<Broker>, request: HttpRequest) -> Response {
    // Before the body is read.
    let address = connected_ip_key(request.extensions());
    if let Err(refused) = broker.0.limits.consents.check(address) {
        return broker.too_many_requests(refused);
    }
    let (headers, form) = match read_form(request).await {
        Ok(sent) => sent,
        Err(error) => return OAuthError::from(error).into_response(),
    };
    if !broker.is_own_page(&headers) {
        return broker.stop(StatusCode::FORBIDDEN, "This form was sent by another site.");
    }
    let Some(browser) = broker.browser_cookie(&headers) else {
        return broker.other_browser();
    };
    let (Some(id), Some(token), Some(decision)) =
        (form.get("request"), form.get("csrf"), form.get("decision"))
    else {
        return broker.stop(StatusCode::BAD_REQUEST, "The form is not complete.");
    };
    if !csrf::verify(browser, &form_name(id), token) {
        return broker.other_browser();
    }
    let request = match broker.0.records.read::<AuthorizationRequest>(REQUESTS, id).await {
        Ok(Some(stored)) if stored.value.issuer == broker.0.issuer => stored.value,
        Ok(_) => return broker.too_late(),
        Err(error) => return broker.failed(&error),
    };
    if !crypto::constant_time_eq(&request.browser, crypto::sha256_base64url(browser)) {
        return broker.other_browser();
    }
    let allows = match decision {
        "allow" => true,
        "deny" => false,
        _ => return broker.stop(StatusCode::BAD_REQUEST, "The form is not complete."),
    };
    // Of any number of posts, one gets it.
    let request = match broker.0.records.take::<AuthorizationRequest>(REQUESTS, id).await {
        Ok(Some(request)) => request,
        Ok(None) => return broker.too_late(),
        Err(error) => return broker.failed(&error),
    };
    broker.trace_consent(&request, if allows { Decision::Allowed } else { Decision::Denied });
    if !allows {
        return broker
            .send_back(&request, &AuthorizationError::new("access_denied", "the person refused"));
    }
    let departed = match broker.signed_in(&headers).await {
        Ok(signed_in) => broker.redirect_to_provider(request, browser, signed_in, false).await,
        Err(error) => Err(error),
    };
    departed.unwrap_or_else(|error| broker.failed(&error))
}

impl Broker {
    /// Whether a page of the broker sent the form.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        csrf::is_same_origin(headers, &self.0.origin)
    }

    pub(crate) fn other_browser(&self) -> Response {
        self.stop(
            StatusCode::FORBIDDEN,
            "This is not the browser that began, or it keeps no cookies. Sign in in one browser, from the beginning to the end.",
        )
    }

    pub(crate) fn too_late(&self) -> Response {
        self.stop(StatusCode::GONE, "This was used already, or is more than ten minutes old.")
    }
}

/// Who vouches for a client.
pub(crate) fn vouched(trust: Option<&ClientTrust>) -> Markup {
    match trust {
        Some(ClientTrust::Known) => {
            html! { "An application that the operator of this server registered." }
        }
        Some(ClientTrust::Document { host }) => html! {
            "An application published by " strong { (host) } " (verified)."
        },
        Some(ClientTrust::Registered) | None => html! {
            "An application that registered itself. Its name is " strong { "not verified" } "."
        },
    }
}

fn words_of(destination: Option<&Destination>) -> Markup {
    match destination {
        Some(Destination::Web { host }) => html! { "To the site " strong { (host) } },
        Some(Destination::Loopback { host }) => html! {
            "To a program on this computer (" strong { (host) } ")"
        },
        Some(Destination::Private { scheme }) => html! {
            "To the program on this device that opens " strong { (scheme) ":" } " links"
        },
        None => html! { "Nowhere" },
    }
}

/// Browsers apply `form-action` to the redirects after a form as well: first to the provider, over
/// the hosts on which it signs people in, and from there to the client.
pub(crate) fn forms_go_to(destination: Option<&Destination>) -> String {
    let mut sources = "'self' https: http://127.0.0.1:* http://localhost:*".to_owned();
    match destination {
        // A source cannot have an IPv6 address.
        Some(Destination::Loopback { host }) if host.starts_with('[') => sources.push_str(" http:"),
        Some(Destination::Private { scheme }) => {
            sources.push(' ');
            sources.push_str(scheme);
            sources.push(':');
        }
        _ => {}
    }
    sources
}
