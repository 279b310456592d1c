//! Upstream providers: what `#[provider]` declares, and the client that an operator registers.

use std::{any::TypeId, env, fmt, marker::PhantomData};

use secrecy::SecretString;

use crate::{
    error::ConfigError,
    scope::{Catalogue, Scope},
    support::url::parse_endpoint,
};

/// An upstream OAuth 2 provider and its API; `#[provider]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no provider: it has no API",
    label = "not a provider",
    note = "a client is of an enum with `#[provider]`; a caller may be of one with `#[catalogue]`"
)]
pub trait Provider: Catalogue + Sized {
    /// The name in URLs, in the grant store and in environment variables: `github`.
    const ID: &'static str;
    /// The base URL of the API. Tokens are sent to its origin and nowhere else.
    const API: &'static str;
    /// The authorization endpoint (RFC 6749 §3.1).
    const AUTHORIZE: &'static str;
    /// The token endpoint (RFC 6749 §3.2).
    const TOKEN: &'static str;
    /// The revocation endpoint (RFC 7009), if there is one.
    const REVOKE: Option<&'static str> = None;
    /// The issuer that authorization responses must name (RFC 9207), if the provider names one.
    const ISSUER: Option<&'static str> = None;
    /// Where the provider departs from the RFCs.
    const DIALECT: Dialect = Dialect::STANDARD;

    /// The client with this identifier, without a secret.
    fn client(id: impl Into<String>) -> OAuthClient<Self> {
        OAuthClient { registration: Registration::new::<Self>(id.into()), of: PhantomData }
    }

    /// The client that the environment describes.
    ///
    /// For a provider with the ID `github` these are read: `GITHUB_CLIENT_ID`,
    /// `GITHUB_CLIENT_SECRET` (optional: a public client has none), and, for an installation of
    /// one's own or a test, `GITHUB_API_URL`, `GITHUB_AUTHORIZE_URL`, `GITHUB_TOKEN_URL`,
    /// `GITHUB_REVOKE_URL` and `GITHUB_ISSUER`.
    ///
    /// # Errors
    ///
    /// The identifier is not set, or a URL is none or not https (loopback excepted).
    fn from_env() -> Result<OAuthClient<Self>, ConfigError> {
        let prefix = Self::ID.to_uppercase().replace('-', "_");
        let read = |suffix: &str| {
            let name = format!("{prefix}_{suffix}");
            env::var(&name).ok().filter(|value| !value.is_empty()).map(|value| (name, value))
        };
        let (_, id) = read("CLIENT_ID").ok_or_else(|| {
            ConfigError::new(format!("`{prefix}_CLIENT_ID` is not set")).help(format!(
                "register an OAuth client at {} and set `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`",
                Self::NAME
            ))
        })?;
        let mut client = Self::client(id);
        if let Some((_, secret)) = read("CLIENT_SECRET") {
            client = client.secret(secret);
        }
        let registration = &mut client.registration;
        for (suffix, target) in [
            ("API_URL", &mut registration.api),
            ("AUTHORIZE_URL", &mut registration.authorize),
            ("TOKEN_URL", &mut registration.token),
        ] {
            if let Some((name, value)) = read(suffix) {
                check_endpoint(&name, &value)?;
                *target = value;
            }
        }
        if let Some((name, value)) = read("REVOKE_URL") {
            check_endpoint(&name, &value)?;
            registration.revoke = Some(value);
        }
        if let Some((_, value)) = read("ISSUER") {
            registration.issuer = Some(value);
        }
        Ok(client)
    }
}

/// How a client proves itself at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// HTTP Basic; what the RFC wants of every server.
    Basic,
    /// `client_id` and `client_secret` in the form.
    Body,
}

/// Where a provider departs from the RFCs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Dialect {
    /// Between the scopes of an authorization request. The RFC says a space.
    pub scope_separator: &'static str,
    /// Between the scopes of a token response. The RFC says a space, GitHub a comma.
    pub response_scope_separator: &'static str,
    /// How the client proves itself.
    pub client_auth: ClientAuth,
    /// What the authorization request carries besides: `("access_type", "offline")`.
    pub authorize_params: &'static [(&'static str, &'static str)],
    /// Where tokens are refreshed, if not at the token endpoint.
    pub refresh: Option<&'static str>,
    /// A path of the API that every good token may read, where the API answers 403 rather than 401
    /// (RFC 6750 §3.1) to a token that has ended: `/user`. After a 403 it is read once; if it is
    /// refused too, the token has ended.
    pub token_check: Option<&'static str>,
}

impl Dialect {
    /// Just as the RFCs say.
    pub const STANDARD: Self = Self {
        scope_separator: " ",
        response_scope_separator: " ",
        client_auth: ClientAuth::Basic,
        authorize_params: &[],
        refresh: None,
        token_check: None,
    };

    /// Sets [`Self::scope_separator`].
    #[must_use]
    pub const fn scope_separator(self, separator: &'static str) -> Self {
        Self { scope_separator: separator, ..self }
    }

    /// Sets [`Self::response_scope_separator`].
    #[must_use]
    pub const fn response_scope_separator(self, separator: &'static str) -> Self {
        Self { response_scope_separator: separator, ..self }
    }

    /// Sets [`Self::client_auth`].
    #[must_use]
    pub const fn client_auth(self, client_auth: ClientAuth) -> Self {
        Self { client_auth, ..self }
    }

    /// Sets [`Self::authorize_params`].
    #[must_use]
    pub const fn authorize_params(self, params: &'static [(&'static str, &'static str)]) -> Self {
        Self { authorize_params: params, ..self }
    }

    /// Sets [`Self::refresh`].
    #[must_use]
    pub const fn refresh(self, url: &'static str) -> Self {
        Self { refresh: Some(url), ..self }
    }

    /// Sets [`Self::token_check`].
    #[must_use]
    pub const fn token_check(self, path: &'static str) -> Self {
        Self { token_check: Some(path), ..self }
    }
}

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

impl<P: Provider> OAuthClient<P> {
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

/// An [`OAuthClient`] whose provider is a value: what the rooms below the language work with.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) type_id: TypeId,
    /// The path of the type, for errors.
    pub(crate) type_name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) api: String,
    pub(crate) authorize: String,
    pub(crate) token: String,
    pub(crate) revoke: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) catalogue: &'static [Scope],
    pub(crate) dialect: Dialect,
    pub(crate) client_id: String,
    pub(crate) secret: Option<SecretString>,
}

impl Registration {
    fn new<P: Provider>(client_id: String) -> Self {
        Self {
            type_id: TypeId::of::<P>(),
            type_name: std::any::type_name::<P>(),
            id: P::ID,
            name: P::NAME,
            api: P::API.to_owned(),
            authorize: P::AUTHORIZE.to_owned(),
            token: P::TOKEN.to_owned(),
            revoke: P::REVOKE.map(str::to_owned),
            issuer: P::ISSUER.map(str::to_owned),
            catalogue: P::SCOPES,
            dialect: P::DIALECT,
            client_id,
            secret: None,
        }
    }

    /// Every endpoint is an absolute https URL, loopback excepted.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let of = |what: &str| format!("the {what} of `{}`", self.name);
        check_endpoint(&of("API"), &self.api)?;
        check_endpoint(&of("authorization endpoint"), &self.authorize)?;
        check_endpoint(&of("token endpoint"), &self.token)?;
        self.revoke.as_ref().map_or(Ok(()), |url| check_endpoint(&of("revocation endpoint"), url))
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("provider", &self.name)
            .field("client_id", &self.client_id)
            .field("secret", &self.secret.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}

fn check_endpoint(what: &str, url: &str) -> Result<(), ConfigError> {
    parse_endpoint(what, url, "tokens travel to it").map(drop)
}
