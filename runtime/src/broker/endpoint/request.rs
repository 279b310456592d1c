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
/// The most scopes in one request.
const MAX_SCOPES: usize = 64;

/// A request that was checked. It is stored until the browser is back.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) client_name: Option<String>,
    pub(crate) trust: ClientTrust,
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
    pub(crate) fn destination(&self, schemes: &[String]) -> Option<redirect::Destination> {
        redirect::check(&self.redirect_uri, schemes).ok()
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
        let scopes = self
            .read_scopes(asked.get("scope"))
            .map_err(|why| AuthorizationError::new("invalid_scope", why))?;
        Ok(AuthorizationRequest {
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            trust: client.trust.clone(),
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
        let Some(named) = asked.get("resource") else { return Ok(()) };
        let ours = &self.0.resource;
        if named == ours || is_same_resource(named, ours) {
            return Ok(());
        }
        Err(format!("there are tokens for {ours} alone"))
    }

    /// The requested scopes, or the default ones. All must be in the provider's catalogue.
    fn read_scopes(&self, asked: Option<&str>) -> Result<Vec<String>, String> {
        let catalogue = self.0.oauth.registration.catalogue;
        let Some(asked) = asked else { return Ok(self.0.default_scopes.clone()) };
        let asked: BTreeSet<&str> = asked
            .split(' ')
            // Every client gets a refresh token, whether it requests one or not.
            .filter(|scope| !scope.is_empty() && *scope != OFFLINE)
            .collect();
        if asked.len() > MAX_SCOPES {
            return Err("too many scopes".to_owned());
        }
        if let Some(unknown) =
            asked.iter().find(|scope| catalogue.iter().all(|known| known.name != **scope))
        {
            let unknown: String = unknown.chars().take(80).collect();
            return Err(format!("there is no scope {unknown}"));
        }
        let scopes = catalogue.iter().map(|known| known.name).filter(|name| asked.contains(name));
        Ok(scopes.map(str::to_owned).collect())
    }
}

/// Whether this is a challenge of S256: 32 bytes in base64url (RFC 7636 §4.2).
fn is_digest(challenge: &str) -> bool {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    challenge.len() == 43
        && BASE64_URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|bytes| bytes.len() == 32)
}

/// Compares resources as URLs: clients add a slash at the end, or write the host in another case.
fn is_same_resource(named: &str, ours: &str) -> bool {
    let (Ok(named), Ok(ours)) = (Url::parse(named), Url::parse(ours)) else { return false };
    named.fragment().is_none()
        && named.origin() == ours.origin()
        && named.username().is_empty()
        && named.password().is_none()
        && named.query() == ours.query()
        && named.path().trim_end_matches('/') == ours.path().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_one_in_every_spelling_and_no_other() {
        let ours = "https://tools.example/mcp";
        for named in ["https://tools.example/mcp/", "HTTPS://Tools.Example:443/mcp"] {
            assert!(is_same_resource(named, ours), "{named}");
        }
        for named in [
            "https://tools.example/",
            "https://tools.example/mcp2",
            "https://tools.example/mcp?x=1",
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
