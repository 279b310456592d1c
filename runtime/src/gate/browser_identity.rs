//! Whose browser it is.

use async_trait::async_trait;
use http::HeaderMap;

use crate::gate::{AuthError, Claims};

/// Says whose browser opens a link: the person must be the one for whom the tool was called.
///
/// Implement it on the session of your application, whose people sign in at the same authorization
/// server that issues the access tokens.
#[async_trait]
pub trait BrowserIdentity: Send + Sync + 'static {
    /// The person who is signed in with the browser that sent these headers: the same issuer and
    /// subject as in the person's access tokens. `None` if nobody is.
    ///
    /// # Errors
    ///
    /// It cannot be said now; the link stays good.
    async fn person(&self, headers: &HeaderMap) -> Result<Option<Claims>, AuthError>;

    /// Where the browser goes to sign in: a URL, or a path of this server. Afterwards it must come
    /// back to `path`, which is a path of this server.
    fn sign_in(&self, path: &str) -> String;
}
