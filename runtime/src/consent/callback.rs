//! `/callback/{provider}`: back from the provider, with a code or without.

use std::collections::BTreeSet;

use http::HeaderMap;
use serde::Deserialize;

use super::{Answer, Consents, Departure, Progress, Returned, connect, page};
use crate::browser::cookie;
use crate::{
    grant::GrantKey,
    oauth::{AuthorizationCode, TokenError, TokenResponse, UpstreamClient},
    scope,
    support::background as task,
};

/// The authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Deserialize)]
pub(crate) struct Arrival {
    state: Option<String>,
    code: Option<AuthorizationCode>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

pub(crate) async fn arrive(
    consents: &Consents,
    provider: &str,
    arrival: Arrival,
    headers: &HeaderMap,
) -> Answer {
    let Some(state) = arrival.state.as_deref() else { return page::not_ours() };
    // The browser comes first: a stranger who learnt the state must not use it up.
    let name = cookie::name_for(connect::COOKIE, state);
    let Some(browser) = cookie::get(headers, &name, consents.is_https()) else {
        return page::other_browser();
    };
    let departure = match consents.return_of(state, browser).await {
        Ok(Returned::Here(departure)) => departure,
        Ok(Returned::Elsewhere) => return page::other_browser(),
        Ok(Returned::Over) => return page::expired(),
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a consent cannot be read");
            return page::our_fault();
        }
    };
    let Some(oauth) = consents.0.providers.get(departure.provider.as_str()) else {
        return page::not_ours();
    };
    if departure.provider != provider {
        return consents.refuse(
            &departure,
            oauth,
            "the answer came to the callback of another provider",
        );
    }
    if let Err(reason) = oauth.check_issuer(arrival.iss.as_deref()) {
        return consents.refuse(&departure, oauth, reason);
    }
    if let Some(error) = arrival.error {
        let description = arrival.error_description.unwrap_or_default();
        let reason = match error.as_str() {
            "access_denied" => "the access was refused".to_owned(),
            error => printable(&format!("it answered `{error}` {description}")),
        };
        return consents.refuse(&departure, oauth, &reason);
    }
    let Some(code) = arrival.code else {
        return consents.refuse(&departure, oauth, "it answered without a code");
    };
    // A code is good once: a browser that leaves in the meantime does not take the grant with it.
    let (consents, oauth) = (consents.clone(), oauth.clone());
    let redeemed = task::spawn(async move { consents.redeem(&departure, &oauth, code).await });
    redeemed.await.unwrap_or_else(|error| {
        tracing::error!(target: "toolgate::consent", %error, "a consent broke off");
        page::our_fault()
    })
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl Consents {
    /// Turns the code into a grant.
    async fn redeem(
        &self,
        departure: &Departure,
        oauth: &UpstreamClient,
        code: AuthorizationCode,
    ) -> Answer {
        match oauth.exchange_code(code, &departure.verifier, &departure.redirect_uri).await {
            Ok(renewed) => self.keep(departure, oauth, renewed).await,
            Err(error) => {
                oauth.log_failed_exchange(&error);
                let reason = match &error {
                    TokenError::InvalidGrant { .. } => "it no longer accepts the code it gave",
                    TokenError::Refused { .. } => return self.refuse_for_us(departure, oauth),
                    TokenError::Unreachable { .. } | TokenError::Busy { .. } => {
                        "it did not answer in time"
                    }
                };
                self.refuse(departure, oauth, reason)
            }
        }
    }

    fn refuse(&self, departure: &Departure, oauth: &UpstreamClient, reason: &str) -> Answer {
        let name = oauth.registration.name;
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, reason, "a consent came to nothing");
        let progress = Progress::Refused { reason: reason.to_owned(), by_us: false };
        self.report(&departure.consent, progress);
        page::refused(name, reason)
    }

    /// The provider does not accept this server as the client it claims to be.
    fn refuse_for_us(&self, departure: &Departure, oauth: &UpstreamClient) -> Answer {
        let reason = "it refuses this server's own client, which its operator has to mend";
        let progress = Progress::Refused { reason: reason.to_owned(), by_us: true };
        self.report(&departure.consent, progress);
        page::not_the_person(oauth.registration.name, reason)
    }

    async fn keep(
        &self,
        departure: &Departure,
        oauth: &UpstreamClient,
        renewed: TokenResponse,
    ) -> Answer {
        let catalogue = oauth.registration.catalogue;
        // No `scope` in the answer: just what was asked (RFC 6749 §5.1).
        let granted: BTreeSet<String> =
            renewed.scopes.clone().unwrap_or_else(|| departure.asked.iter().cloned().collect());
        let needed: Vec<&str> = departure.needed.iter().map(String::as_str).collect();
        let withheld: Vec<String> =
            scope::missing(catalogue, &granted, &needed).into_iter().map(str::to_owned).collect();
        if let Some(recognize) = &self.0.recognize {
            match recognize.owner(&departure.provider, &renewed.access_token).await {
                Ok(Some(owner)) if owner != departure.subject => {
                    return self.refuse(departure, oauth, "it is the account of another person");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(target: "toolgate::consent", %error, "the provider did not say whose account it is");
                    return self.refuse(departure, oauth, "it did not say whose account it is");
                }
            }
        }
        let key = GrantKey::new(&departure.subject, &departure.provider);
        if let Err(error) = self.0.grants.adopt(&key, renewed, granted.clone()).await {
            tracing::error!(target: "toolgate::consent", %error, "a grant cannot be kept");
            let reason = "this server could not keep the grant".to_owned();
            self.report(&departure.consent, Progress::Refused { reason, by_us: true });
            return page::our_fault();
        }
        let described: Vec<_> = granted
            .iter()
            .map(|name| {
                let known = catalogue.iter().find(|scope| scope.name == name);
                (name.clone(), known.map_or("", |scope| scope.description))
            })
            .collect();
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, withheld = %withheld.join(" "), "a grant was made");
        let name = oauth.registration.name;
        let page = page::connected(name, &described, &withheld, self.0.lasts);
        self.report(&departure.consent, Progress::Granted { withheld });
        page
    }
}
