//! `/accounts`: what is connected here, and how a person takes it back.

use http::{HeaderMap, StatusCode, header};
use maud::html;
use secrecy::SecretString;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Answer, Consents, page};
use crate::browser::cookie;
use crate::{
    Caller,
    grant::{GrantKey, GrantState, Grants, StoreError},
    oauth::{TokenTypeHint, UpstreamClient},
    support::random,
};

/// Where the page is.
pub(crate) const PATH: &str = "/accounts";

/// The cookie without which a form of the page does nothing. Its value stands in the form as well:
/// another site can read neither, and over https cannot set the cookie.
const COOKIE: &str = "toolgate-accounts";

/// What became of a grant that a person took back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenBack {
    /// There was none.
    Nothing,
    /// The provider has revoked its tokens.
    Revoked,
    /// They are forgotten here; the provider has no endpoint for more.
    Forgotten,
    /// They are forgotten here; the provider was asked in vain.
    NotRevoked,
}

/// Revokes a grant at the provider (RFC 7009), and forgets it here.
pub(crate) async fn take_back(
    grants: &Grants,
    oauth: &UpstreamClient,
    subject: &str,
) -> Result<TakenBack, StoreError> {
    let key = GrantKey::new(subject, oauth.registration.id);
    let Some(stored) = grants.store().load(&key).await? else {
        return Ok(TakenBack::Nothing);
    };
    grants.remove(&key).await?;
    let grant = stored.value;
    // The refresh token first: most providers end with it all that came of it, and some then do not
    // know the access token any more.
    let tokens: [(Option<&SecretString>, _); 2] = [
        (grant.refresh_token.as_ref(), TokenTypeHint::RefreshToken),
        (Some(&grant.access_token), TokenTypeHint::AccessToken),
    ];
    let mut revoked = false;
    for (token, hint) in tokens {
        let Some(token) = token else { continue };
        match oauth.revoke(token, hint).await {
            Ok(true) => revoked = true,
            Ok(false) => return Ok(TakenBack::Forgotten),
            Err(error) => {
                tracing::warn!(target: "toolgate::consent", provider = oauth.registration.id, hint = hint.as_str(), %error, "a token was not revoked");
            }
        }
    }
    Ok(if revoked { TakenBack::Revoked } else { TakenBack::NotRevoked })
}

#[derive(Deserialize)]
pub(crate) struct Sent {
    provider: String,
    csrf: String,
}

pub(crate) async fn list(consents: &Consents, headers: &HeaderMap) -> Answer {
    let subject = match consents.whose(headers).await {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    let mut connected = Vec::new();
    for (id, oauth) in &consents.0.providers {
        match consents.0.grants.store().load(&GrantKey::new(&subject, *id)).await {
            Ok(Some(row)) if row.value.state == GrantState::Live => {
                connected.push((oauth, row.value.scopes));
            }
            Ok(_) => {}
            Err(error) => return fault(&error.to_string()),
        }
    }
    connected.sort_by_key(|(oauth, _)| oauth.registration.name);
    let csrf = random::text();
    let words = |oauth: &UpstreamClient, scope: &str| {
        let known = oauth.registration.catalogue.iter().find(|known| known.name == scope);
        known.map_or("", |known| known.description)
    };
    let body = html! {
        @if connected.is_empty() { p { "Nothing is connected to this server." } }
        @for (oauth, scopes) in &connected {
            h2 { (oauth.registration.name) }
            @if !scopes.is_empty() { p { "The tools of this server may do this for you:" } }
            ul {
                @for name in scopes {
                    li { code { (name) } @if !words(oauth, name).is_empty() { " – " (words(oauth, name)) } }
                }
            }
            form method="post" action=(PATH) {
                input type="hidden" name="provider" value=(oauth.registration.id);
                input type="hidden" name="csrf" value=(csrf);
                button type="submit" { "Disconnect " (oauth.registration.name) }
            }
        }
        p.next { "What is disconnected stops working at once, in every application that uses this server as you. You can connect it again whenever a tool needs it." }
    };
    let mut response = page::page(StatusCode::OK, "Your accounts", &body);
    page::allow_forms(response.headers_mut());
    let cookie = cookie::set(COOKIE, &csrf, consents.is_https());
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

pub(crate) async fn disconnect(consents: &Consents, headers: &HeaderMap, sent: Sent) -> Answer {
    let expected = cookie::get(headers, COOKIE, consents.is_https()).unwrap_or_default();
    let same = bool::from(expected.as_bytes().ct_eq(sent.csrf.as_bytes()));
    if !page::is_own(headers, &consents.origin()) || expected.is_empty() || !same {
        return page::foreign_form();
    }
    let subject = match consents.whose(headers).await {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    let Some(oauth) = consents.0.providers.get(sent.provider.as_str()) else {
        return page::not_ours();
    };
    let registration = &oauth.registration;
    let by_broker = match &consents.0.recognize {
        Some(recognize) => recognize.disconnect(registration.id, &subject).await,
        None => None,
    };
    let taken = match by_broker {
        Some(taken) => taken,
        None => take_back(&consents.0.grants, oauth, &subject).await,
    };
    match taken {
        Ok(taken) => {
            tracing::info!(target: "toolgate::consent", provider = registration.id, ?taken, "a person disconnected an account");
            page::disconnected(registration.name, taken)
        }
        Err(error) => fault(&error.to_string()),
    }
}

fn fault(error: &str) -> Answer {
    tracing::error!(target: "toolgate::consent", error, "a person's accounts cannot be looked up");
    page::our_fault()
}

impl Consents {
    /// Whose accounts this browser may see; otherwise the answer that it gets.
    async fn whose(&self, headers: &HeaderMap) -> Result<String, Box<Answer>> {
        let Some(recognize) = &self.0.recognize else { return Ok(Caller::LOCAL.to_owned()) };
        match recognize.subject(headers, self.is_https()).await {
            Ok(Some(subject)) => Ok(subject),
            Ok(None) => Err(Box::new(page::redirect(&recognize.sign_in(PATH)))),
            Err(error) => Err(Box::new(fault(&error))),
        }
    }

    fn origin(&self) -> String {
        let base = self.0.base.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        base.origin().ascii_serialization()
    }
}
