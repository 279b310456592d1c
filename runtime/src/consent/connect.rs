//! `/connect/{id}`: from our link to the provider.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, header};

use super::{Consents, Departure, Progress, cookie, page, random_text};
use crate::oauth::pkce;

/// The cookie that binds a state to the browser that started.
pub(super) const COOKIE: &str = "toolgate-consent";

pub(super) async fn open(
    State(consents): State<Consents>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let departed = {
        let now = consents.now();
        let open = consents.open();
        open.get(&id).filter(|consent| consent.expires_at > now).and_then(|consent| {
            let ended = !matches!(*consent.progress.borrow(), Progress::Waiting | Progress::Opened);
            (!ended).then(|| {
                (
                    consent.subject.clone(),
                    consent.provider,
                    consent.needed.clone(),
                    consent.asked.clone(),
                )
            })
        })
    };
    let Some((subject, provider, needed, asked)) = departed else {
        return page::expired();
    };
    if let Some(recognize) = &consents.0.recognize {
        // Whoever opens a link of somebody else's would connect an account of theirs to that one.
        match recognize.subject(&headers, consents.is_https()).await {
            Ok(Some(found)) if found == subject => {}
            Ok(Some(_)) => {
                tracing::warn!(target: "toolgate::consent", provider, "a link was opened by another person");
                let mut response = page::other_person();
                if let Some(signed_out) = recognize.sign_out(consents.is_https()) {
                    response.headers_mut().append(header::SET_COOKIE, signed_out);
                }
                return response;
            }
            Ok(None) => {
                let path = format!("/connect/{id}");
                let mut response = Redirect::to(&recognize.sign_in(&path)).into_response();
                page::harden(response.headers_mut());
                return response;
            }
            Err(error) => {
                tracing::error!(target: "toolgate::consent", error, "it cannot be said whose browser it is");
                return page::our_fault();
            }
        }
    }
    let Some(oauth) = consents.0.providers.get(provider) else { return page::expired() };
    let (challenge, verifier) = pkce::random();
    let (state, browser) = (random_text(), random_text());
    let redirect_uri = consents.url(&format!("callback/{provider}"));
    let url = oauth.authorization_url(&asked, &state, &challenge, &redirect_uri);
    let departure = Departure {
        consent: id.clone(),
        subject,
        provider: provider.to_owned(),
        needed,
        asked,
        verifier: verifier.secret().to_owned(),
        browser: browser.clone(),
        redirect_uri,
    };
    if let Err(error) = consents.depart(&state, &departure).await {
        tracing::error!(target: "toolgate::consent", %error, "a consent cannot be kept");
        return page::our_fault();
    }
    consents.report(&id, Progress::Opened);
    tracing::info!(target: "toolgate::consent", provider, scopes = %departure.asked.join(" "), "a browser went to ask");
    let mut response = Redirect::to(url.as_str()).into_response();
    page::harden(response.headers_mut());
    let name = cookie::name_for(COOKIE, &state);
    let bound = cookie::set(&name, &browser, consents.is_https());
    response.headers_mut().append(header::SET_COOKIE, bound);
    response
}
