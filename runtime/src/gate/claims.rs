//! Who calls, as a verifier found it.

use std::{collections::BTreeSet, time::SystemTime};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a verified access token says of its caller (RFC 9068 §2.2).
///
/// ```
/// use toolgate::gate::Claims;
///
/// let claims = Claims::new("https://login.example", "alice").scopes(["orders:read"]);
/// assert!(claims.has("orders:read"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    subject: String,
    issuer: String,
    client_id: Option<String>,
    scopes: BTreeSet<String>,
    expires_at: Option<SystemTime>,
    machine: bool,
    extra: Map<String, Value>,
}

impl Claims {
    /// A person of this issuer, without scopes.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            issuer: issuer.into(),
            client_id: None,
            scopes: BTreeSet::new(),
            expires_at: None,
            machine: false,
            extra: Map::new(),
        }
    }

    /// Sets the client that acts for the caller.
    #[must_use]
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Adds scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Sets when the token ends: what listens with it listens no longer. Tokens are verified anew for
    /// every request in any case.
    #[must_use]
    pub fn until(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Says that no person stands behind it: client credentials (RFC 6749 §4.4).
    #[must_use]
    pub fn of_machine(mut self) -> Self {
        self.machine = true;
        self
    }

    /// Adds the other claims.
    #[must_use]
    pub fn with_extra(mut self, extra: Map<String, Value>) -> Self {
        self.extra = extra;
        self
    }

    /// The subject (`sub`), unique at the issuer.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer (`iss`).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The client (`client_id`, `azp`) that acts for the caller.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The scopes that were granted.
    pub fn granted(&self) -> &BTreeSet<String> {
        &self.scopes
    }

    /// Is the scope among those that were granted? What others imply is not counted.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// When the token ends.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// Is it a machine, behind which no person stands?
    pub fn is_machine(&self) -> bool {
        self.machine
    }

    /// The claims besides those above, as a type of yours.
    ///
    /// # Errors
    ///
    /// They do not have this shape.
    pub fn extra<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&Value::Object(self.extra.clone()))
    }

    /// One name for the caller over all issuers: what grants and sessions are kept under.
    pub(crate) fn principal(&self) -> String {
        // An issuer is a URL, so it holds no space.
        format!("{} {}", self.issuer, self.subject)
    }
}
