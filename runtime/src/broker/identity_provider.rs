//! An organization's identity provider, whose identity assertions the broker accepts.

use std::{fmt, sync::Arc};

use jsonwebtoken::jwk::JwkSet;
use serde_json::{Map, Value};

use crate::{
    error::ConfigError,
    gate::verify::{
        jwks::{HttpKeySource, KeySet},
        keys::Keys,
    },
    support::{
        clock::Clock,
        http_client,
        url::{is_secure, parse_endpoint},
    },
};

/// Finds the account at the provider that an assertion is about.
type FindAccount = dyn Fn(&IdentityAssertion) -> Option<String> + Send + Sync;

/// An organization's identity provider, which decides who uses this server with which application
/// (MCP, Enterprise-Managed Authorization). Its identity assertions (ID-JAG) become access tokens of
/// the broker, without a browser.
///
/// [`BrokerBuilder::identity_provider`](super::BrokerBuilder::identity_provider) adds it to a broker.
///
/// # Security
///
/// The identity provider can act as everyone whom `account` names. Let it name people of its own
/// directory only. [`admit`](super::BrokerBuilder::admit) is not asked: the identity provider decides
/// instead, and who leaves has access until the access token expires.
#[derive(Clone)]
pub struct IdentityProvider {
    pub(crate) issuer: String,
    key_set: Option<JwkSet>,
    account: Arc<FindAccount>,
}

/// What an identity assertion says of a person, after it was verified.
#[derive(Clone, Debug)]
pub struct IdentityAssertion {
    pub(crate) subject: String,
    pub(crate) claims: Map<String, Value>,
}

impl IdentityProvider {
    /// Creates an identity provider with this issuer identifier, whose keys are found by discovery
    /// (RFC 8414, `OpenID` Connect Discovery).
    ///
    /// `account` says which account at the broker's provider belongs to the person: the member that
    /// [`BrokerBuilder::user`](super::BrokerBuilder::user) names, as text. `None` refuses the assertion.
    ///
    /// ```
    /// use toolgate::broker::IdentityProvider;
    ///
    /// // The organization's directory has the account at GitHub in a claim of its own.
    /// let acme = IdentityProvider::new("https://acme.idp.example", |assertion| {
    ///     let id = assertion.claim("github_id")?.as_u64()?;
    ///     Some(id.to_string())
    /// });
    /// # let _ = acme;
    /// ```
    pub fn new(
        issuer: impl Into<String>,
        account: impl Fn(&IdentityAssertion) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { issuer: issuer.into(), key_set: None, account: Arc::new(account) }
    }

    /// Sets the keys, which are then not fetched.
    #[must_use]
    pub fn keys(mut self, keys: &JwkSet) -> Self {
        self.key_set = Some(keys.clone());
        self
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl IdentityAssertion {
    /// Returns the person's identifier at the identity provider (`sub`).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns a claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }
}

/// An identity provider with its keys.
pub(crate) struct TrustedIssuer {
    pub(crate) issuer: String,
    pub(crate) keys: KeySet,
    pub(crate) account: Arc<FindAccount>,
}

impl TrustedIssuer {
    pub(crate) fn new(
        provider: IdentityProvider,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let IdentityProvider { issuer, key_set, account } = provider;
        let url = parse_endpoint("the identity provider", &issuer, "its keys are fetched from it")?;
        debug_assert!(is_secure(&url), "endpoints are");
        let keys = match key_set {
            Some(set) => {
                let keys = Keys::from_set(&set);
                if keys.is_empty() {
                    return Err(ConfigError::new(format!(
                        "the keys of {issuer} hold none that verifies signatures"
                    )));
                }
                KeySet::Fixed(Arc::new(keys))
            }
            None => {
                let http = http_client::client()?;
                let source = HttpKeySource { http, issuer: issuer.clone(), url: None };
                KeySet::remote(source, issuer.clone(), Arc::clone(clock))
            }
        };
        Ok(Self { issuer, keys, account })
    }
}
