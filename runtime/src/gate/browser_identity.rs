//! The identity of a browser, from the sessions of an application.

use async_trait::async_trait;
use http::HeaderMap;

use super::{AuthError, Claims};

/// Identifies the person behind a browser that opens a link.
///
/// A link to connect an account works only for the person for whom the tool was called. Implement
/// this on the sessions of your application, whose users sign in at the same authorization server
/// that issues the access tokens.
#[async_trait]
pub trait BrowserIdentity: Send + Sync + 'static {
    /// Returns the person who is signed in with the browser that sent these headers, with the same
    /// issuer and subject as in the person's access tokens, or `None` if nobody is signed in.
    ///
    /// # Errors
    ///
    /// The sessions cannot be read now. The link stays valid.
    async fn person(&self, headers: &HeaderMap) -> Result<Option<Claims>, AuthError>;

    /// Returns where the browser goes to sign in: a URL, or a path of this server. After the
    /// sign-in it must come back to `path`, which is a path of this server.
    fn sign_in(&self, path: &str) -> String;
}
