//! The identity of a browser, as the pages of this server need it.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;

use crate::grant::{DisconnectOutcome, GrantClient, StoreError};

/// Tells which person uses a browser, and sends browsers to the sign-in.
#[async_trait]
pub(crate) trait BrowserAuthenticator: Send + Sync + 'static {
    /// The subject who is signed in with this browser. `https`: how the browser reaches the
    /// server, which the names of its cookies depend on.
    async fn subject(&self, headers: &HeaderMap, https: bool) -> Result<Option<String>, String>;

    /// Where the browser goes to sign in. It comes back to `path`: the path of a link, or of the
    /// accounts.
    fn sign_in_url(&self, path: &str) -> String;

    /// The cookie that ends the sign-in, if this server set one.
    fn sign_out_cookie(&self, _https: bool) -> Option<HeaderValue> {
        None
    }

    /// Disconnects the subject from the provider, where more than the grant has to be removed.
    async fn disconnect(
        &self,
        _provider: &str,
        _subject: &str,
    ) -> Option<Result<DisconnectOutcome, StoreError>> {
        None
    }

    /// The name that the client with this `client_id` registered under, for people to read.
    async fn client_name(&self, _client_id: &str) -> Option<String> {
        None
    }

    /// The clients through which the subject uses the account at the provider, where signing in with
    /// a client is the consent to that.
    async fn clients(
        &self,
        _provider: &str,
        _subject: &str,
    ) -> Option<Result<Vec<GrantClient>, StoreError>> {
        None
    }

    /// Ends what the subject let the client with this [key](GrantClient::key) do, where
    /// [`clients`](Self::clients) names it.
    async fn remove_client(
        &self,
        _provider: &str,
        _subject: &str,
        _key: &str,
    ) -> Option<Result<(), StoreError>> {
        None
    }

    /// The subject who owns the account that this access token opens; `None` where accounts of
    /// this provider do not identify subjects.
    async fn owner(
        &self,
        _provider: &str,
        _token: &SecretString,
    ) -> Result<Option<String>, String> {
        Ok(None)
    }
}
