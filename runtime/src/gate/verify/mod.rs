//! Verification of access tokens: the [`Verifier`] trait and its implementations.

pub(crate) mod discovery;
pub(crate) mod dpop;
pub(crate) mod fair_permits;
pub(crate) mod introspection;
pub(crate) mod jwks;
pub(crate) mod jwt;
pub(crate) mod jwt_options;
pub(crate) mod keys;
mod replay_window;
pub(crate) mod token;
pub(crate) mod token_rules;

use std::net::IpAddr;

use async_trait::async_trait;

use super::{AuthError, Claims, Credentials, TokenCache};

/// An access token as it was presented to this resource.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PresentedToken<'a> {
    /// The token, its scheme, and its proof of possession.
    pub credentials: &'a Credentials,
    /// The URL of this resource, which must be among the token's audiences (RFC 8707).
    pub resource: &'a str,
    /// The method of the request.
    pub method: &'a str,
    /// The cache of the connection.
    pub(crate) cache: Option<&'a TokenCache>,
    /// The address of the client, if it is known.
    pub(crate) client: Option<IpAddr>,
    /// The URL of the request, if it is another than that of the resource.
    pub(crate) url: Option<&'a str>,
}

impl<'a> PresentedToken<'a> {
    /// Credentials that were sent to `resource` by the HTTP method `method`.
    pub fn new(credentials: &'a Credentials, resource: &'a str, method: &'a str) -> Self {
        Self { credentials, resource, method, cache: None, client: None, url: None }
    }

    /// Sets the cache of the connection, and the address of the client.
    pub(crate) fn on_connection(
        self,
        cache: Option<&'a TokenCache>,
        client: Option<IpAddr>,
    ) -> Self {
        Self { cache, client, ..self }
    }

    /// Sets the URL that the request was sent to, if it is another than that of the resource.
    pub(crate) fn at(self, url: Option<&'a str>) -> Self {
        Self { url, ..self }
    }
}

/// Decides whether an access token is valid at this resource, and whose it is.
///
/// ```
/// use toolgate::gate::{AuthError, Claims, PresentedToken, Verifier, async_trait};
///
/// /// Accepts one fixed token.
/// struct Fixed;
///
/// #[async_trait]
/// impl Verifier for Fixed {
///     async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
///         match presented.credentials.token() {
///             "opensesame" => Ok(Claims::new("https://cave.example", "ali")),
///             _ => Err(AuthError::Invalid),
///         }
///     }
///
///     fn authorization_servers(&self) -> Vec<String> {
///         vec!["https://cave.example".to_owned()]
///     }
/// }
/// ```
#[async_trait]
pub trait Verifier: Send + Sync + 'static {
    /// Verifies the token: its origin, its lifetime, and that its audience is
    /// [`PresentedToken::resource`] (RFC 8707).
    ///
    /// # Errors
    ///
    /// The reason why the token is not valid, or [`AuthError::Unavailable`] if that cannot be
    /// determined now.
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError>;

    /// As [`Verifier::verify`], without waiting, for tokens that are known already: it makes calls
    /// cheaper. The default implementation returns `None`, which leaves the token to `verify`.
    fn verify_now(&self, presented: PresentedToken<'_>) -> Option<Result<Claims, AuthError>> {
        let _ = presented;
        None
    }

    /// Gets what the first token needs, such as the keys of the issuer, unless it is there already. A
    /// server is not [ready](crate::Server::management) while this fails. The default does nothing.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`], if the issuer cannot be asked.
    async fn prepare(&self) -> Result<(), AuthError> {
        Ok(())
    }

    /// Returns the issuers whose tokens are accepted, for the resource's metadata (RFC 9728 §2).
    fn authorization_servers(&self) -> Vec<String>;

    /// Returns what the issuer puts before each scope of this server: `api://tools/` if
    /// `api://tools/orders:read` is what a client asks for, and `orders:read` what a tool requires. It
    /// is added in challenges and metadata. The scopes of [`Claims`] are without it. Empty by default.
    #[allow(
        clippy::unnecessary_literal_bound,
        reason = "other verifiers return what they were given"
    )]
    fn requested_scope_prefix(&self) -> &str {
        ""
    }

    /// Returns what the operator has to set at the authorization server, so that tokens like the one
    /// that was refused are accepted. It is for the log and for observers, and not sent to callers.
    fn hint(&self, error: &AuthError, resource: &str) -> Option<String> {
        let _ = (error, resource);
        None
    }

    /// Returns what MCP hosts cannot do at the authorization server, with what to do about it, for an
    /// operator who sets the server up.
    fn host_notes(&self) -> &[&str] {
        &[]
    }

    /// Returns the signature algorithms of the accepted proofs of possession (RFC 9449 §7.1); empty
    /// if none are accepted.
    fn proof_algorithms(&self) -> &[&str] {
        &[]
    }
}
