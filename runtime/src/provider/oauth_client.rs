//! The OAuth client that an operator registered at a provider.

use std::{fmt, marker::PhantomData};

use super::registration::Registration;

/// The OAuth client that the operator registered at `P`.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// A code host.
/// #[provider(
///     api = "https://api.example.com",
///     authorize = "https://example.com/authorize",
///     token = "https://example.com/token"
/// )]
/// pub enum Example {
///     /// Reads code.
///     #[scope("repo:read", access = read)]
///     RepoRead,
/// }
///
/// let client = Example::client("my-client-id").secret("my-client-secret");
/// assert!(!format!("{client:?}").contains("my-client-secret"));
/// ```
pub struct OAuthClient<P> {
    pub(crate) registration: Registration,
    of: PhantomData<fn() -> P>,
}

impl<P> OAuthClient<P> {
    pub(super) fn new(registration: Registration) -> Self {
        Self { registration, of: PhantomData }
    }

    /// Sets the client's secret. It is never shown, and zeroed when dropped.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.registration.secret = Some(secret.into().into());
        self
    }

    /// Speaks to another installation of the provider: its API's base URL.
    #[must_use]
    pub fn api(mut self, url: impl Into<String>) -> Self {
        self.registration.api = url.into();
        self
    }

    /// Sets the authorization endpoint of another installation.
    #[must_use]
    pub fn authorize(mut self, url: impl Into<String>) -> Self {
        self.registration.authorize = url.into();
        self
    }

    /// Sets the token endpoint of another installation.
    #[must_use]
    pub fn token(mut self, url: impl Into<String>) -> Self {
        self.registration.token = url.into();
        self
    }

    /// Sets the revocation endpoint of another installation.
    #[must_use]
    pub fn revoke(mut self, url: impl Into<String>) -> Self {
        self.registration.revoke = Some(url.into());
        self
    }

    /// Sets the value of a placeholder in the provider's URLs: that of `{tenant}` with the name
    /// `tenant`. With the name `sites_url`, the URL where the value of `{sites}` is read.
    #[must_use]
    pub fn placeholder(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.registration.values.insert(name.into(), value.into());
        self
    }

    /// Sets the issuer that authorization responses must name (RFC 9207).
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.registration.issuer = Some(issuer.into());
        self
    }
}

impl<P> fmt::Debug for OAuthClient<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.registration.fmt(f)
    }
}
