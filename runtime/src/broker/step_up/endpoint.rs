//! `/oauth/step-up/{link}`: the page on which a person adds scopes to a sign-in.
//!
//! The link alone opens nothing: the browser must be signed in as the person whose token the call
//! had, the form is bound to the browser that was shown the page, and a link is used once.

use std::{collections::BTreeSet, net::IpAddr};

use axum::{
    extract::{Path, Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};

use super::page;
use crate::support::escape::escape;
use crate::{
    broker::{
        endpoint::error::OAuthError,
        state::Broker,
        store::{step_up_record::Decision, step_ups::FoundLink},
    },
    browser::{csrf, form::read_form, page::redirect},
    gate::connected_ip_key,
    grant::StoreError,
    scope,
    support::crypto,
    trace,
};

/// What the CSRF token of the page is made for.
fn form_name(link: &str) -> String {
    format!("step-up {link}")
}

/// Shows the page.
pub(crate) async fn open(
    State(broker): State<Broker>,
    Path(link): Path<String>,
    request: HttpRequest,
) -> Response {
    let party = connected_ip_key(request.extensions());
    broker.open_step_up(&link, request.headers(), party).await
}

/// Handles the decision of a person.
pub(crate) async fn decide(
    State(broker): State<Broker>,
    Path(link): Path<String>,
    request: HttpRequest,
) -> Response {
    let party = connected_ip_key(request.extensions());
    if let Err(refused) = broker.0.limits.authorizations.check(party) {
        return broker.too_many_requests(refused);
    }
    let (headers, form) = match read_form(request).await {
        Ok(sent) => sent,
        Err(error) => return OAuthError::from(error).into_response(),
    };
    if !csrf::is_same_origin(&headers, &broker.0.origin) {
        return broker.stop(StatusCode::FORBIDDEN, "This form was sent by another site.");
    }
    let Some(browser) = broker.browser_cookie(&headers) else {
        return broker.other_browser();
    };
    if !csrf::verify(browser, &form_name(&link), form.get("csrf").unwrap_or_default()) {
        return broker.other_browser();
    }
    let allows = match form.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return broker.stop(StatusCode::BAD_REQUEST, "The form is not complete."),
    };
    let decided = broker.decide_step_up(&link, &headers, browser, allows).await;
    decided.unwrap_or_else(|error| broker.failed(&error))
}

impl Broker {
    /// The path of a link.
    pub(crate) fn step_up_path(&self, link: &str) -> String {
        format!("{}/step-up/{link}", self.0.root)
    }

    /// Whether this is the path of a link.
    pub(crate) fn is_step_up_path(&self, path: &str) -> bool {
        let link = path.strip_prefix(&self.step_up_path(""));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        link.is_some_and(|link| !link.starts_with('.') && link.bytes().all(fits))
    }

    async fn open_step_up(
        &self,
        link: &str,
        headers: &HeaderMap,
        party: Option<IpAddr>,
    ) -> Response {
        if let Err(refused) = self.0.limits.authorizations.check(party) {
            return self.too_many_requests(refused);
        }
        match self.show_step_up(link, headers).await {
            Ok(response) => response,
            Err(error) => self.failed(&error),
        }
    }

    async fn show_step_up(&self, link: &str, headers: &HeaderMap) -> Result<Response, StoreError> {
        let Some(found) = self.find_link(link).await?.filter(|found| !found.link.allowed) else {
            return Ok(self.too_late());
        };
        match self.signed_in(headers).await? {
            Some(subject) if subject == found.sign_in.subject => {}
            Some(_) => return Ok(self.other_person()),
            None => return Ok(redirect(&self.sign_in_url(&self.step_up_path(link)))),
        }
        let (browser, is_new) = match self.browser_cookie(headers) {
            Some(browser) => (browser.to_owned(), false),
            None => (crypto::random_token(), true),
        };
        self.trace_step_up(&found, trace::Decision::Asked);
        let held = self.granted(&found.sign_in.subject).await?;
        let token = csrf::token(&browser, &form_name(link));
        let mut response = page::ask(&page::StepUpPage {
            broker: &self.0,
            action: &self.step_up_path(link),
            csrf: &token,
            sign_in: &found.sign_in,
            scopes: &found.link.scopes,
            asks_provider: !self.lacking(&held, &found.link.scopes).is_empty(),
        });
        if is_new {
            response.headers_mut().append(header::SET_COOKIE, self.set_browser_cookie(&browser));
        }
        Ok(response)
    }

    async fn decide_step_up(
        &self,
        link: &str,
        headers: &HeaderMap,
        browser: &str,
        allows: bool,
    ) -> Result<Response, StoreError> {
        let Some(found) = self.find_link(link).await?.filter(|found| !found.link.allowed) else {
            return Ok(self.too_late());
        };
        if self.signed_in(headers).await?.as_ref() != Some(&found.sign_in.subject) {
            return Ok(self.other_person());
        }
        let FoundLink { sign_in_id, sign_in, link } = &found;
        if !allows {
            self.trace_step_up(&found, trace::Decision::Denied);
            let refused = Decision::Refused { by_provider: false };
            let settled = self.settle_link(sign_in_id, &link.secret, &refused).await?;
            return Ok(if settled {
                page::refused(&self.0, "You refused. Nothing was changed.")
            } else {
                self.too_late()
            });
        }
        // Of any number of posts, one goes on.
        if !self.allow_link(&found).await? {
            return Ok(self.too_late());
        }
        self.trace_step_up(&found, trace::Decision::Allowed);
        let held = self.granted(&sign_in.subject).await?;
        if !self.lacking(&held, &link.scopes).is_empty() {
            return self.redirect_to_provider_for(&found, browser, held).await;
        }
        let added = Decision::Added(link.scopes.clone());
        let settled = self.settle_link(sign_in_id, &link.secret, &added).await?;
        Ok(if settled { self.step_up_done(&found, &link.scopes) } else { self.too_late() })
    }

    /// The page at the end, after `added` was added.
    pub(crate) fn step_up_done(&self, found: &FoundLink, added: &[String]) -> Response {
        let FoundLink { sign_in, link, .. } = found;
        let (client, subject, scopes) = (&sign_in.client_id, &sign_in.subject, added.join(" "));
        tracing::info!(target: "toolgate::broker", client = %escape(client), subject = %escape(subject), scopes, "a sign-in was widened");
        page::done(&self.0, sign_in, added, &link.scopes)
    }

    /// The scopes of `needed` that the provider's grant does not cover.
    pub(crate) fn lacking<'n>(
        &self,
        held: &BTreeSet<String>,
        needed: &'n [String],
    ) -> Vec<&'n str> {
        let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
        scope::missing(self.0.oauth.registration.catalogue, held, &needed)
    }

    fn other_person(&self) -> Response {
        tracing::warn!(target: "toolgate::broker", "a link was opened by another person");
        page::refused(
            &self.0,
            "This link is for another person: it gives an application more access to the account of the person who got it in a conversation, and you are signed in as another. If another person sent you this link, do not go on.",
        )
    }
}
