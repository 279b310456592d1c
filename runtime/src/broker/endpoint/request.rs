//! The authorization request (OAuth 2.1 §4.1.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::broker::{
    client::{Client, ClientTrust},
    redirect,
    state::Broker,
    store::typed_store::millis,
};
use crate::{browser::form::Parameters, scope::OFFLINE};

/// The longest `state` of a client, in bytes.
const MAX_STATE_LEN: usize = 4096;
/// The most unknown scopes of one request in the log.
const MAX_LOGGED_SCOPES: usize = 8;

/// A request that was checked. It is stored until the browser is back.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    /// The broker that it was sent to: deployments may share a store.
    #[serde(default)]
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_name: Option<String>,
    pub(crate) trust: ClientTrust,
    /// Whether the client has to prove that it holds its key (RFC 7523).
    #[serde(default)]
    pub(crate) requires_assertion: bool,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: String,
    /// The requested scopes, in the order of the provider's catalogue.
    pub(crate) scopes: Vec<String>,
    pub(crate) begun: u64,
    /// The digest of the secret of the browser that started.
    pub(crate) browser: String,
}

/// An error that the client gets through the browser (RFC 6749 §4.1.2.1).
pub(crate) struct AuthorizationError {
    pub(crate) code: &'static str,
    pub(crate) description: String,
}

impl AuthorizationError {
    pub(crate) fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }
}

impl AuthorizationRequest {
    /// Where its answer goes.
    pub(crate) fn destination(&self) -> Option<redirect::Destination> {
        redirect::check(&self.redirect_uri).ok()
    }
}

impl Broker {
    /// Checks a request, whose client and redirect URI were checked before.
    pub(crate) fn read_request(
        &self,
        asked: &Parameters,
        client: &Client,
        redirect_uri: &str,
        browser: String,
    ) -> Result<AuthorizationRequest, AuthorizationError> {
        let wrong =
            |description: &str| Err(AuthorizationError::new("invalid_request", description));
        if asked.get("request").is_some() {
            return Err(AuthorizationError::new(
                "request_not_supported",
                "request objects are not supported",
            ));
        }
        if asked.get("request_uri").is_some() {
            let description = "pushed and referenced requests are not supported";
            return Err(AuthorizationError::new("request_uri_not_supported", description));
        }
        match asked.get("response_type") {
            Some("code") => {}
            Some(_) => {
                let description = "the only response_type is `code`";
                return Err(AuthorizationError::new("unsupported_response_type", description));
            }
            None => return wrong("response_type is missing"),
        }
        if asked.get("response_mode").is_some_and(|mode| mode != "query") {
            return wrong("the only response_mode is `query`");
        }
        let Some(challenge) = asked.get("code_challenge") else {
            return wrong("code_challenge is missing: PKCE is required (RFC 7636)");
        };
        // The default method would be `plain`.
        if asked.get("code_challenge_method") != Some("S256") {
            return wrong("code_challenge_method must be S256");
        }
        if !is_digest(challenge) {
            return wrong("code_challenge is not a SHA-256 digest in base64url");
        }
        let state = asked.get("state").map(str::to_owned);
        if state.as_ref().is_some_and(|state| {
            state.len() > MAX_STATE_LEN || !state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        }) {
            return wrong("state is too long, or has characters beyond ASCII");
        }
        self.check_resource(asked).map_err(|why| AuthorizationError::new("invalid_target", why))?;
        let scopes = match asked.get("scope") {
            None if client.only_identifies => Vec::new(),
            asked => self.scopes_or_default(asked),
        };
        Ok(AuthorizationRequest {
            issuer: self.0.issuer.clone(),
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            trust: client.trust.clone(),
            requires_assertion: client.requires_assertion,
            redirect_uri: redirect_uri.to_owned(),
            state,
            challenge: challenge.to_owned(),
            scopes,
            begun: millis(self.now()),
            browser,
        })
    }

    /// Checks that a requested resource is the one that tokens are for (RFC 8707).
    pub(crate) fn check_resource(&self, asked: &Parameters) -> Result<(), String> {
        match asked.get("resource") {
            Some(named) if !self.is_resource(named) => {
                Err(format!("there are tokens for {} alone", self.0.resource))
            }
            _ => Ok(()),
        }
    }

    /// Whether this names the resource that tokens are for.
    pub(crate) fn is_resource(&self, named: &str) -> bool {
        let is_named = |ours: &String| named == ours || is_same_resource(named, ours);
        is_named(&self.0.resource) || self.0.other_resources.iter().any(is_named)
    }

    /// The requested scopes, in the order of the provider's catalogue. Where none of them is known,
    /// the default ones: hosts ask for scopes of other servers, and for none (RFC 6749 §3.3).
    pub(crate) fn scopes_or_default(&self, asked: Option<&str>) -> Vec<String> {
        let known = self.known_scopes(asked.unwrap_or_default());
        if known.is_empty() { self.0.default_scopes.clone() } else { known }
    }

    /// The requested scopes that the provider's catalogue has. Others are logged.
    pub(crate) fn known_scopes(&self, asked: &str) -> Vec<String> {
        let catalogue = self.0.oauth.registration.catalogue;
        let mut asked: BTreeSet<&str> = asked
            .split(' ')
            // Every client gets a refresh token, whether it requests one or not.
            .filter(|scope| !scope.is_empty() && *scope != OFFLINE)
            .collect();
        let known = catalogue.iter().map(|known| known.name).filter(|name| asked.remove(name));
        let known = known.map(str::to_owned).collect();
        if !asked.is_empty() {
            let unknown = asked.iter().take(MAX_LOGGED_SCOPES);
            let unknown: Vec<String> =
                unknown.map(|scope| scope.chars().take(80).collect()).collect();
            tracing::info!(target: "toolgate::broker", ?unknown, "scopes that there are not were requested, and ignored");
        }
        known
    }
}

/// Whether this is a challenge of S256: 32 bytes in base64url (RFC 7636 §4.2).
fn is_digest(challenge: &str) -> bool {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    challenge.len() == 43
        && BASE64_URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|bytes| bytes.len() == 32)
}

/// Compares resources as URLs: clients add a slash at the end, or write the host in another case. A
/// query is part of a resource only if ours has one (RFC 8707 §2): hosts send that of the URL that
/// their user typed.
fn is_same_resource(named: &str, ours: &str) -> bool {
    let (Ok(named), Ok(ours)) = (Url::parse(named), Url::parse(ours)) else { return false };
    named.fragment().is_none()
        && named.origin() == ours.origin()
        && named.username().is_empty()
        && named.password().is_none()
        && (ours.query().is_none() || named.query() == ours.query())
        && named.path().trim_end_matches('/') == ours.path().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_one_in_every_spelling_and_no_other() {
        let ours = "https://tools.example/mcp";
        for named in [
            "https://tools.example/mcp/",
            "HTTPS://Tools.Example:443/mcp",
            "https://tools.example/mcp?x=1",
        ] {
            assert!(is_same_resource(named, ours), "{named}");
        }
        let with_query = "https://tools.example/mcp?tenant=1";
        assert!(is_same_resource("https://tools.example/mcp/?tenant=1", with_query));
        for named in ["https://tools.example/mcp", "https://tools.example/mcp?tenant=2"] {
            assert!(!is_same_resource(named, with_query), "{named}");
        }
        for named in [
            "https://tools.example/",
            "https://tools.example/mcp2",
            "https://tools.example/mcp2?x=1",
            "https://tools.example/mcp#x",
            "https://user@tools.example/mcp",
            "http://tools.example/mcp",
            "https://tools.example.evil.example/mcp",
            "mcp",
        ] {
            assert!(!is_same_resource(named, ours), "{named}");
        }
    }
}
