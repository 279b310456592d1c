//! Pending authorizations: what is stored while a browser is at the authorization server.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::authorization_response::AuthorizationResponse;
use crate::{
    grant::{GrantStore, StoreError},
    oauth::{PkceCodeVerifier, RedirectUrl},
    provider::Registration,
    support::crypto,
};

/// How long a browser may stay at the authorization server.
pub(crate) const PENDING_AUTHORIZATION_TTL: Duration = Duration::from_secs(600);

/// An authorization request that was not answered yet. `T` is what the feature that sent it needs
/// to go on.
#[derive(Serialize, Deserialize)]
pub(crate) struct PendingAuthorization<T> {
    /// Redeems the code (RFC 7636 §4.1).
    pub(crate) code_verifier: PkceCodeVerifier,
    /// The digest of the secret in the browser's cookie (RFC 6749 §10.12).
    pub(crate) browser: String,
    pub(crate) redirect_uri: RedirectUrl,
    pub(crate) issuer: ExpectedIssuer,
    /// The scopes that were requested.
    pub(crate) scopes: Vec<String>,
    pub(crate) context: T,
}

/// The issuer that may answer. The comparison keeps the code of one authorization server from
/// being sent to another (RFC 9207 §2.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum ExpectedIssuer {
    /// The response must have this `iss`.
    Required(String),
    /// The response need not have an `iss`; one that it has must be this.
    Optional(String),
    /// As `Optional`, where only the origin of the authorization endpoint is known.
    OptionalOrigin(String),
}

impl ExpectedIssuer {
    /// The issuer of a provider. Without a configured one, an `iss` is compared with the origin
    /// of the authorization endpoint.
    pub(crate) fn of_provider(registration: &Registration) -> Self {
        match &registration.issuer {
            Some(issuer) => Self::Required(issuer.clone()),
            None => Self::OptionalOrigin(registration.authorize.clone()),
        }
    }

    fn check(&self, iss: Option<&str>) -> Result<(), &'static str> {
        let is_expected = match (self, iss) {
            (Self::Required(_), None) => {
                return Err("the answer does not say from which issuer it comes");
            }
            (Self::Optional(_) | Self::OptionalOrigin(_), None) => true,
            (Self::Required(expected) | Self::Optional(expected), Some(iss)) => expected == iss,
            (Self::OptionalOrigin(endpoint), Some(iss)) => is_same_origin(endpoint, iss),
        };
        if is_expected { Ok(()) } else { Err("the answer comes from another issuer") }
    }
}

fn is_same_origin(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    one.origin().is_tuple() && one.origin() == other.origin()
}

impl<T> PendingAuthorization<T> {
    /// Whether it was this browser that left; the comparison takes constant time.
    pub(crate) fn is_of_browser(&self, secret: &str) -> bool {
        crypto::constant_time_eq(&self.browser, crypto::sha256_base64url(secret))
    }

    /// Checks that `response` came to the redirect URI that was sent, and from the issuer that was
    /// asked. `path` may lack a prefix under which the router is nested.
    pub(crate) fn check_origin(
        &self,
        path: &str,
        response: &AuthorizationResponse,
    ) -> Result<(), &'static str> {
        if path.len() < 2 || !self.redirect_uri.url().path().ends_with(path) {
            return Err("the answer came to the callback of another provider");
        }
        self.issuer.check(response.iss.as_deref())
    }
}

/// Where pending authorizations are stored, by their `state`.
#[async_trait]
pub(crate) trait PendingStore: Send + Sync + 'static {
    async fn put(
        &self,
        state: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError>;

    /// Reads the value and leaves it there.
    async fn peek(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Removes the value: of any number of callers one gets it.
    async fn take(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;
}

/// Pending authorizations next to the grants, under a prefix of their own.
pub(crate) struct PendingInGrantStore {
    pub(crate) store: Arc<dyn GrantStore>,
    pub(crate) prefix: &'static str,
}

impl PendingInGrantStore {
    fn id(&self, state: &str) -> String {
        format!("{}:{state}", self.prefix)
    }
}

#[async_trait]
impl PendingStore for PendingInGrantStore {
    async fn put(
        &self,
        state: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        self.store.put_pending(&self.id(state), value, expires_at).await
    }

    async fn peek(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.store.peek_pending(&self.id(state)).await?.map(Zeroizing::new))
    }

    async fn take(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.store.take_pending(&self.id(state)).await?.map(Zeroizing::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(issuer: ExpectedIssuer) -> PendingAuthorization<()> {
        PendingAuthorization {
            code_verifier: PkceCodeVerifier::new(String::new()),
            browser: crypto::sha256_base64url("secret"),
            redirect_uri: RedirectUrl::new("https://tools.example/auth/callback/forge".to_owned())
                .unwrap(),
            issuer,
            scopes: Vec::new(),
            context: (),
        }
    }

    fn from(iss: Option<&str>) -> AuthorizationResponse {
        let iss = iss.map(str::to_owned);
        AuthorizationResponse { iss, ..AuthorizationResponse::default() }
    }

    #[test]
    fn a_response_must_come_to_the_callback_that_was_sent() {
        let pending = pending(ExpectedIssuer::Optional("https://forge.example".to_owned()));
        for path in ["/auth/callback/forge", "/callback/forge"] {
            assert_eq!(pending.check_origin(path, &from(None)), Ok(()), "{path}");
        }
        for path in ["/callback/other", "/callback/forge2", "/callback/forge/", "/", ""] {
            let refused = pending.check_origin(path, &from(None)).unwrap_err();
            assert!(refused.contains("callback of another provider"), "{path}: {refused}");
        }
    }

    #[test]
    fn an_issuer_that_is_named_must_be_the_one_that_was_asked() {
        let issuer = "https://forge.example";
        let check = |expected: ExpectedIssuer, iss: Option<&str>| {
            pending(expected).check_origin("/callback/forge", &from(iss))
        };
        let required = || ExpectedIssuer::Required(issuer.to_owned());
        let optional = || ExpectedIssuer::Optional(issuer.to_owned());
        let origin = || ExpectedIssuer::OptionalOrigin(format!("{issuer}/oauth/authorize"));
        for expected in [required(), optional(), origin()] {
            assert_eq!(check(expected.clone(), Some(issuer)), Ok(()));
            let refused = check(expected, Some("https://evil.example")).unwrap_err();
            assert_eq!(refused, "the answer comes from another issuer");
        }
        assert!(check(required(), None).unwrap_err().contains("does not say"));
        assert!(check(required(), Some("https://forge.example/")).is_err(), "letter by letter");
        assert_eq!(check(optional(), None), Ok(()));
        assert_eq!(check(origin(), None), Ok(()));
        assert_eq!(check(origin(), Some("https://forge.example/tenant")), Ok(()));
        for other in ["http://forge.example", "https://forge.example.evil.example", "forge", ""] {
            assert!(check(origin(), Some(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn a_browser_is_recognised_by_the_secret_in_its_cookie() {
        let pending = pending(ExpectedIssuer::Required(String::new()));
        assert!(pending.is_of_browser("secret"));
        assert!(!pending.is_of_browser(&pending.browser));
        assert!(!pending.is_of_browser(""));
    }
}
