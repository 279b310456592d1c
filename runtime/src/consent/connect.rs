//! `/connect/{id}`: from our link to the provider.

use http::{HeaderMap, header};

use super::{Answer, Consents, Departure, Progress, page};
use crate::browser::cookie;
use crate::{oauth, support::random};

/// The cookie that binds a state to the browser that started.
pub(crate) const COOKIE: &str = "toolgate-consent";

pub(crate) async fn open(consents: &Consents, id: &str, headers: &HeaderMap) -> Answer {
    let departed = {
        let now = consents.now();
        let open = consents.open();
        open.get(id).filter(|consent| consent.expires_at > now).and_then(|consent| {
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
        match recognize.subject(headers, consents.is_https()).await {
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
                return page::redirect(&recognize.sign_in(&path));
            }
            Err(error) => {
                tracing::error!(target: "toolgate::consent", error, "it cannot be said whose browser it is");
                return page::our_fault();
            }
        }
    }
    let Some(upstream) = consents.0.providers.get(provider) else { return page::expired() };
    let (challenge, verifier) = oauth::new_pkce();
    let (state, browser) = (oauth::new_state(), random::text());
    let redirect_uri = consents.callback_url(provider);
    let url = upstream.authorization_url(&asked, &state, challenge, &redirect_uri);
    let departure = Departure {
        consent: id.to_owned(),
        subject,
        provider: provider.to_owned(),
        needed,
        asked,
        verifier,
        browser: browser.clone(),
        redirect_uri,
    };
    if let Err(error) = consents.depart(&state, &departure).await {
        tracing::error!(target: "toolgate::consent", %error, "a consent cannot be kept");
        return page::our_fault();
    }
    consents.report(id, Progress::Opened);
    tracing::info!(target: "toolgate::consent", provider, scopes = %departure.asked.join(" "), "a browser went to ask");
    let mut response = page::redirect(url.as_str());
    let name = cookie::name_for(COOKIE, state.secret());
    let bound = cookie::set(&name, &browser, consents.is_https());
    response.headers_mut().append(header::SET_COOKIE, bound);
    response
}
