//! Our own consent: what keeps one client from using what a person granted to another through the
//! one client that the provider knows (the confused deputy of MCP's security guide).

use std::{collections::BTreeSet, time::Duration};

use axum::{
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{
    parameters,
    request::{Refusal, Request},
};
use crate::{
    broker::{
        Broker,
        client::Standing,
        cookie, page, redirect,
        redirect::Destination,
        store::typed_store::{CONSENTS, REQUESTS},
    },
    support::digest as secret,
};
use crate::{grant::StoreError, scope, support::random};

/// How long the page may stay open.
pub(crate) const LIFE: Duration = Duration::from_secs(600);
/// How long a consent is remembered.
const REMEMBERED: Duration = Duration::from_secs(180 * 24 * 3600);

/// What a person allowed a client once.
#[derive(Serialize, Deserialize)]
struct Remembered {
    scopes: BTreeSet<String>,
    redirect_uris: BTreeSet<String>,
    /// The digests of the browsers in which it was allowed.
    browsers: BTreeSet<String>,
    at: u64,
}

/// The most redirect URIs and browsers of one consent that are remembered.
const MOST: usize = 16;

fn record(subject: &str, client: &str) -> String {
    format!("{subject}\n{client}")
}

impl Broker {
    /// Shows the page. `signed_in`: who it probably is, whose earlier consent it tells apart from
    /// what is new.
    pub(crate) async fn ask(
        &self,
        request: Request,
        browser: &str,
        signed_in: Option<&str>,
        notice: Option<&str>,
    ) -> Result<Response, StoreError> {
        let allowed = match signed_in {
            Some(subject) => self.remembered(subject, &request).await?.map(|before| before.scopes),
            None => None,
        };
        let id = random::text();
        let until = self.now() + LIFE;
        self.0.shelf.put(REQUESTS, &id, &request, until).await?;
        Ok(self.consent_page(&request, &id, browser, &allowed.unwrap_or_default(), notice))
    }

    fn consent_page(
        &self,
        request: &Request,
        id: &str,
        browser: &str,
        allowed: &BTreeSet<String>,
        notice: Option<&str>,
    ) -> Response {
        let registration = &self.0.oauth.registration;
        let destination = request.destination(&self.0.schemes);
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
            csrf: &cookie::csrf(browser, id),
            client: request.client_name.as_deref().unwrap_or("An application without a name"),
            vouched: vouched(request),
            destination: words_of(destination.as_ref()),
            warns: request.standing != Standing::Known
                && destination.as_ref().is_none_or(Destination::is_native),
            server: &self.0.name,
            provider: registration.name,
            scopes,
            allowed,
            notice,
            forms_go_to,
        };
        page.response()
    }

    /// What `subject` allowed this client, and has not taken back.
    async fn remembered(
        &self,
        subject: &str,
        request: &Request,
    ) -> Result<Option<Remembered>, StoreError> {
        let key = record(subject, &request.client_id);
        let Some(found) = self.0.shelf.read::<Remembered>(CONSENTS, &key).await? else {
            return Ok(None);
        };
        let ended = self.ended_before(subject).await?;
        Ok(Some(found.value).filter(|remembered| remembered.at > ended))
    }

    /// Did `subject` allow all of this before, to this client, on the way to the same place?
    ///
    /// A client that runs on the person's machine can be imitated by any other program there, so
    /// for it the browser must be the same as well (RFC 8252 §8.6).
    pub(crate) async fn remembers(
        &self,
        subject: &str,
        request: &Request,
    ) -> Result<bool, StoreError> {
        let Some(remembered) = self.remembered(subject, request).await? else { return Ok(false) };
        let catalogue = self.0.oauth.registration.catalogue;
        let needed: Vec<&str> = request.scopes.iter().map(String::as_str).collect();
        let allowed = scope::missing(catalogue, &remembered.scopes, &needed).is_empty();
        let to_the_same =
            remembered.redirect_uris.iter().any(|uri| redirect::same(uri, &request.redirect_uri));
        let is_native =
            request.destination(&self.0.schemes).as_ref().is_none_or(Destination::is_native);
        let in_the_same = remembered.browsers.contains(&request.browser);
        Ok(allowed && to_the_same && (!is_native || in_the_same))
    }

    /// Remembers that `subject` allowed it.
    pub(crate) async fn remember(
        &self,
        subject: &str,
        request: &Request,
        at: u64,
    ) -> Result<(), StoreError> {
        let ended = self.ended_before(subject).await?;
        let now = self.now();
        let key = record(subject, &request.client_id);
        self.0
            .shelf
            .change(CONSENTS, &key, now + REMEMBERED, |found: Option<Remembered>| {
                let mut remembered = found.filter(|found| found.at > ended).unwrap_or(Remembered {
                    scopes: BTreeSet::new(),
                    redirect_uris: BTreeSet::new(),
                    browsers: BTreeSet::new(),
                    at: 0,
                });
                remembered.at = at;
                remembered.scopes.extend(request.scopes.iter().cloned());
                for (set, value) in [
                    (&mut remembered.redirect_uris, &request.redirect_uri),
                    (&mut remembered.browsers, &request.browser),
                ] {
                    if set.len() < MOST {
                        set.insert(value.clone());
                    }
                }
                remembered
            })
            .await
    }

    /// Forgets what `subject` allowed to `client`.
    pub(crate) async fn forget_consent(
        &self,
        subject: &str,
        client: &str,
    ) -> Result<(), StoreError> {
        self.0.shelf.take::<Remembered>(CONSENTS, &record(subject, client)).await.map(drop)
    }
}

/// The person has decided.
pub(crate) async fn decide(State(broker): State<Broker>, request: HttpRequest) -> Response {
    let (headers, form) = match parameters::form(request).await {
        Ok(sent) => sent,
        Err(error) => return error.into_response(),
    };
    if !broker.is_own_page(&headers) {
        return broker.stop(StatusCode::FORBIDDEN, "This form was sent by another site.");
    }
    let Some(browser) = broker.0.cookies.browser(&headers) else {
        return broker.other_browser();
    };
    let (Some(id), Some(csrf), Some(decision)) =
        (form.get("request"), form.get("csrf"), form.get("decision"))
    else {
        return broker.stop(StatusCode::BAD_REQUEST, "The form is not complete.");
    };
    if !secret::same(csrf, &cookie::csrf(&browser, id)) {
        return broker.other_browser();
    }
    let request = match broker.0.shelf.read::<Request>(REQUESTS, id).await {
        Ok(Some(stored)) => stored.value,
        Ok(None) => return broker.too_late(),
        Err(error) => return broker.failed(&error),
    };
    if !secret::same(&request.browser, &secret::digest(&browser)) {
        return broker.other_browser();
    }
    let allows = match decision {
        "allow" => true,
        "deny" => false,
        _ => return broker.stop(StatusCode::BAD_REQUEST, "The form is not complete."),
    };
    // Taken by one of any number of posts.
    let request = match broker.0.shelf.take::<Request>(REQUESTS, id).await {
        Ok(Some(request)) => request,
        Ok(None) => return broker.too_late(),
        Err(error) => return broker.failed(&error),
    };
    if !allows {
        return broker.send_back(&request, &Refusal::new("access_denied", "the person refused"));
    }
    let departed = match broker.signed_in(&headers).await {
        Ok(signed_in) => broker.depart(request, signed_in, false).await,
        Err(error) => Err(error),
    };
    departed.unwrap_or_else(|error| broker.failed(&error))
}

impl Broker {
    /// Was a form sent by a page of ours? Browsers say so, other programs need not.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        crate::consent::page::is_own(headers, &self.0.origin)
    }

    pub(crate) fn other_browser(&self) -> Response {
        self.stop(
            StatusCode::FORBIDDEN,
            "This is not the browser that began, or it keeps no cookies. Whoever signs in must do it in one browser, from the beginning to the end.",
        )
    }

    pub(crate) fn too_late(&self) -> Response {
        self.stop(StatusCode::GONE, "This was used already, or is more than ten minutes old.")
    }
}

fn vouched(request: &Request) -> Markup {
    match &request.standing {
        Standing::Known => html! { "An application that the operator of this server registered." },
        Standing::Document { host } => html! {
            "An application published by " strong { (host) } " (verified)."
        },
        Standing::Registered => html! {
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

/// Browsers hold the redirects after a form to this as well: first to the provider, by whichever
/// hosts it signs people in, and from there to the client.
fn forms_go_to(destination: Option<&Destination>) -> String {
    let mut sources = "'self' https: http://127.0.0.1:* http://localhost:*".to_owned();
    match destination {
        // There is no way to write an address of version 6.
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
