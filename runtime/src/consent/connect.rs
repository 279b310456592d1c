//! `/connect/{id}`: from our link to the provider.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, header};
use oauth2::PkceCodeChallenge;

use super::{Consents, Departure, Progress, page, random_text};

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
        match recognize.subject(&headers).await {
            Ok(Some(found)) if found == subject => {}
            Ok(Some(_)) => {
                tracing::warn!(target: "toolgate::consent", provider, "a link was opened by another person");
                return page::other_person();
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
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (state, browser) = (random_text(), random_text());
    let redirect_uri = consents.url(&format!("callback/{provider}"));
    let url = oauth.authorization_url(&asked, &state, &challenge, &redirect_uri);
    let departure = Departure {
        consent: id.clone(),
        subject,
        provider: provider.to_owned(),
        needed,
        asked,
        verifier: verifier.secret().clone(),
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
    response
        .headers_mut()
        .append(header::SET_COOKIE, cookie(&state, &browser, consents.is_https()));
    response
}

/// One cookie for each state, so that two tabs do not disturb each other.
fn cookie(state: &str, browser: &str, https: bool) -> http::HeaderValue {
    let secure = if https { "; Secure" } else { "" };
    let name = cookie_name(state);
    let text =
        format!("{name}={browser}; Path=/callback; Max-Age=600; HttpOnly; SameSite=Lax{secure}");
    http::HeaderValue::try_from(text).expect("base64 fits into a header")
}

fn cookie_name(state: &str) -> String {
    format!("{COOKIE}-{}", state.get(..16).unwrap_or(state))
}

/// What this browser's cookie for `state` says.
pub(super) fn browser_of(headers: &HeaderMap, state: &str) -> Option<String> {
    let name = cookie_name(state);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(cookie, _)| *cookie == name)
        .map(|(_, value)| value.to_owned())
}
