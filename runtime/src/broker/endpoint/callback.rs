//! Back from the provider: who it is, what was granted, and a code for the client.

use std::collections::BTreeSet;

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use url::form_urlencoded;

use super::{
    parameters::Parameters,
    request::Refusal,
    upstream::{Departure, STATE},
};
use crate::{
    broker::{Broker, page, store::typed_store::DEPARTURES},
    support::digest as secret,
};
use crate::{
    grant::{GrantKey, StoreError},
    oauth::{AuthorizationCode, TokenError, TokenResponse},
    scope,
};

/// Why an arrival does not lead to a code.
enum Stop {
    /// The client is told.
    Back(Refusal),
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Back(refusal)
    }
}

impl Broker {
    /// Does this query of `/callback/{provider}` answer a sign-in of the broker's?
    pub fn is_ours(query: &str) -> bool {
        form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| name == "state" && value.starts_with(STATE))
    }

    /// The provider's answer (RFC 6749 §4.1.2): `query` and `headers` of a request to
    /// `/callback/{provider}`. `None` if it is not the broker's: then it belongs to a consent that
    /// a tool asked for.
    pub async fn callback(&self, query: &str, headers: &HeaderMap) -> Option<Response> {
        if !Self::is_ours(query) {
            return None;
        }
        let answer = match Parameters::parse(query.as_bytes()) {
            Ok(answer) => answer,
            Err(error) => return Some(self.stop(StatusCode::BAD_REQUEST, &error.words())),
        };
        let state = answer.get("state").unwrap_or_default();
        let arrived = self.arrive(state, &answer, headers).await;
        Some(arrived.unwrap_or_else(|error| self.failed(&error)))
    }

    async fn arrive(
        &self,
        state: &str,
        answer: &Parameters,
        headers: &HeaderMap,
    ) -> Result<Response, StoreError> {
        // The browser comes first: a stranger who learnt the state must not use it up.
        let Some(browser) = self.0.cookies.browser(headers) else {
            return Ok(self.other_browser());
        };
        let Some(found) = self.0.shelf.read::<Departure>(DEPARTURES, state).await? else {
            return Ok(self.too_late());
        };
        if !secret::same(&found.value.request.browser, &secret::digest(&browser)) {
            return Ok(self.other_browser());
        }
        let Some(departure) = self.0.shelf.take::<Departure>(DEPARTURES, state).await? else {
            return Ok(self.too_late());
        };
        let request = departure.request.clone();
        match self.welcome(departure, answer, &browser).await {
            Ok(response) => Ok(response),
            Err(Stop::Back(refusal)) => Ok(self.send_back(&request, &refusal)),
            Err(Stop::Failed(error)) => {
                tracing::error!(target: "toolgate::broker", %error, "a sign-in cannot be kept");
                let refusal = Refusal::new("server_error", "the server cannot keep the sign-in");
                Ok(self.send_back(&request, &refusal))
            }
        }
    }

    async fn welcome(
        &self,
        departure: Departure,
        answer: &Parameters,
        browser: &str,
    ) -> Result<Response, Stop> {
        let renewed = self.redeem_there(&departure, answer).await?;
        let granted: BTreeSet<String> =
            renewed.scopes.clone().unwrap_or_else(|| departure.asked.iter().cloned().collect());
        let subject = self.who_is(&renewed.access_token).await.map_err(|why| {
            tracing::warn!(target: "toolgate::broker", %why, "the provider did not say who signed in");
            Refusal::new("server_error", "the provider did not say who signed in")
        })?;
        let Departure { request, relies_on, again, .. } = departure;
        if relies_on.as_ref().is_some_and(|expected| *expected != subject) {
            // Somebody agreed once, but somebody else is here.
            let notice = "You are signed in there with another account than last time.";
            return Ok(self.ask(request, browser, Some(&subject), Some(notice)).await?);
        }
        let catalogue = self.0.oauth.registration.catalogue;
        let given: Vec<String> = request
            .scopes
            .iter()
            .filter(|scope| scope::covers(catalogue, &granted, scope))
            .cloned()
            .collect();
        if given.is_empty() && !request.scopes.is_empty() {
            return Err(
                Refusal::new("access_denied", "nothing that was asked for was granted").into()
            );
        }
        let before = self.granted(&subject).await?;
        let old: Vec<&str> = before.iter().map(String::as_str).collect();
        if !again && !scope::missing(catalogue, &granted, &old).is_empty() {
            // It is known only now who it is, and that other clients have more of this person's.
            let relies_on = Some(subject);
            return Ok(self.leave(request, before, relies_on, true).await?);
        }
        let key = GrantKey::new(&subject, self.0.oauth.registration.id);
        self.0.grants.adopt(&key, renewed, granted).await?;
        let at = self.beginning(&subject).await?;
        self.remember(&subject, &request, at).await?;
        let session = self.sign_in(&subject, at).await?;
        let withheld = request.scopes.iter().filter(|scope| !given.contains(scope)).cloned();
        let withheld = self.withheld_again(&subject, withheld.collect()).await?;
        let code = self.issue_code(&subject, &request, given, withheld, at).await?;
        tracing::info!(target: "toolgate::broker", client = %request.client_id, %subject, "somebody signed in");
        let state = request.state.as_deref();
        let url = self.answer_url(&request.redirect_uri, state, &[("code", &code)]);
        let mut response = page::redirect(&url);
        let cookie = self.0.cookies.set_session(&session);
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(response)
    }

    /// Redeems the provider's code for its tokens.
    async fn redeem_there(
        &self,
        departure: &Departure,
        answer: &Parameters,
    ) -> Result<TokenResponse, Refusal> {
        let oauth = &self.0.oauth;
        oauth.check_issuer(answer.get("iss")).map_err(|why| {
            tracing::warn!(target: "toolgate::broker", provider = oauth.registration.id, why, "an answer was refused");
            Refusal::new("server_error", format!("the provider's answer was refused: {why}"))
        })?;
        match answer.get("error") {
            None => {}
            Some("access_denied") => {
                return Err(Refusal::new("access_denied", "the person refused at the provider"));
            }
            Some("temporarily_unavailable") => {
                return Err(Refusal::new("temporarily_unavailable", "the provider is busy"));
            }
            Some(error) => {
                let error: String = error.chars().filter(char::is_ascii_graphic).take(80).collect();
                return Err(Refusal::new("server_error", format!("the provider answered {error}")));
            }
        }
        let Some(code) = answer.get("code") else {
            return Err(Refusal::new("server_error", "the provider answered without a code"));
        };
        let code = AuthorizationCode::new(code.to_owned());
        let exchange = oauth.exchange_code(code, &departure.verifier, &departure.redirect_uri);
        exchange.await.map_err(|error| {
            oauth.log_failed_exchange(&error);
            match error {
                TokenError::Unreachable { .. } | TokenError::Busy { .. } => {
                    Refusal::new("temporarily_unavailable", "the provider did not answer in time")
                }
                TokenError::Refused { .. } => Refusal::new(
                    "server_error",
                    "the provider refuses this server's own client, which its operator has to mend; signing in again will not help",
                ),
                _ => Refusal::new("server_error", "the provider did not accept its own code"),
            }
        })
    }
}
