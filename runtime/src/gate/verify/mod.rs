//! What decides whether a token is good.

pub(crate) mod discovery;
pub(crate) mod dpop;
pub(crate) mod introspection;
pub(crate) mod jwks;
pub(crate) mod jwt;
pub(crate) mod keys;
pub(crate) mod token;

use async_trait::async_trait;

use super::{AuthError, Claims, Credentials, Memory};

/// A token to verify, with what it must fit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Presented<'a> {
    /// The token and how it came.
    pub credentials: &'a Credentials,
    /// This resource: what the token's audience must be (RFC 8707).
    pub resource: &'a str,
    /// The method of the request.
    pub method: &'a str,
    /// What the connection remembers, where there is one.
    pub(crate) memory: Option<&'a Memory>,
}

impl<'a> Presented<'a> {
    /// Credentials that were sent to `resource` by `method`.
    pub fn new(credentials: &'a Credentials, resource: &'a str, method: &'a str) -> Self {
        Self { credentials, resource, method, memory: None }
    }

    /// They came over a connection that remembers its last token.
    pub(crate) fn over(self, memory: Option<&'a Memory>) -> Self {
        Self { memory, ..self }
    }
}

/// Decides whether an access token is good for this resource, and says whose it is.
///
/// ```
/// use toolgate::gate::{Claims, Presented, AuthError, Verifier, async_trait};
///
/// /// Knows one token by heart.
/// struct Fixed;
///
/// #[async_trait]
/// impl Verifier for Fixed {
///     async fn verify(&self, presented: Presented<'_>) -> Result<Claims, AuthError> {
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
    /// Verifies the token: that it is genuine, is not over, and was made for
    /// [`Presented::resource`].
    ///
    /// # Errors
    ///
    /// Why it is not good, or [`AuthError::Unavailable`] where that cannot be said.
    async fn verify(&self, presented: Presented<'_>) -> Result<Claims, AuthError>;

    /// As [`Verifier::verify`], at once, of a token of which that can be said without waiting: a call
    /// with it costs less then. `None`, which it is if nothing is said, leaves it to `verify`.
    fn verify_now(&self, presented: Presented<'_>) -> Option<Result<Claims, AuthError>> {
        let _ = presented;
        None
    }

    /// The issuers whose tokens are accepted, for the resource's metadata (RFC 9728 §2).
    fn authorization_servers(&self) -> Vec<String>;

    /// The algorithms of the proofs of possession that are taken, where they are (RFC 9449 §7.1).
    fn proof_algorithms(&self) -> &[&str] {
        &[]
    }
}
