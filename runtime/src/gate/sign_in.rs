//! The OAuth client with which people sign in when they open a link.

use std::fmt;

use secrecy::SecretString;

use crate::provider::ClientAuth;

/// A client of the authorization server whose tokens the gate accepts, for
/// [`Gate::sign_in`](super::Gate::sign_in).
///
/// Register it there for the authorization code flow with PKCE, with the redirect URI
/// `PUBLIC_URL/signed-in`.
///
/// ```
/// use toolgate::gate::{Gate, SignIn, oidc};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(oidc("https://login.example")?)
///     .resource("https://tools.example/mcp")
///     .sign_in(SignIn::client("links").secret("of-the-client"));
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SignIn {
    pub(crate) client_id: String,
    pub(crate) secret: Option<SecretString>,
    pub(crate) auth: ClientAuth,
    pub(crate) scopes: Vec<String>,
}

impl SignIn {
    /// Creates a public client with this identifier.
    pub fn client(id: impl Into<String>) -> Self {
        Self { client_id: id.into(), secret: None, auth: ClientAuth::Basic, scopes: Vec::new() }
    }

    /// Sets the client's secret, which is sent in the header (`client_secret_basic`).
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into().into());
        self
    }

    /// Sends the secret in the body (`client_secret_post`).
    #[must_use]
    pub fn secret_in_body(mut self) -> Self {
        self.auth = ClientAuth::Body;
        self
    }

    /// Requests these scopes, separated by spaces: for authorization servers that issue no access
    /// token without one. The sign-in does not use what they allow.
    #[must_use]
    pub fn scopes(mut self, scopes: &str) -> Self {
        self.scopes = scopes.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        self
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
