//! The client that carries the caller's token to the provider's API, and nowhere else.

mod path;

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

pub use self::path::{IntoPath, Path};
use crate::{error::Error, provider::Provider, scope::Requires};

/// Stands where no tool has claimed a client.
#[derive(Debug)]
pub enum Unclaimed {}

/// A client that is authorized at `P` with the scopes that `T` declares.
///
/// Write `AuthedClient<P>` for a parameter of a tool or a helper, and leave `T` to `#[tool]` and
/// `#[requires]`.
pub struct AuthedClient<P, T = Unclaimed> {
    connection: Arc<Connection>,
    of: PhantomData<fn() -> (P, T)>,
}

impl<P: Provider, T> AuthedClient<P, T> {
    pub(crate) fn over(connection: Arc<Connection>) -> Self {
        Self { connection, of: PhantomData }
    }

    /// The same client with the scopes of a helper, which the caller's include.
    #[doc(hidden)]
    #[must_use]
    pub fn narrow<H: Requires<P>>(&self) -> AuthedClient<P, H> {
        AuthedClient::over(Arc::clone(&self.connection))
    }
}

impl<P: Provider> AuthedClient<P> {
    /// Hands the client to a tool: for code that makes clients outside of a call.
    #[must_use]
    pub fn claim<T: Requires<P>>(self) -> AuthedClient<P, T> {
        AuthedClient::over(self.connection)
    }
}

/// Where a client's requests go, and where their tokens come from.
pub(crate) struct Connection {
    pub(crate) http: reqwest::Client,
    /// The provider's name, for messages.
    pub(crate) provider: &'static str,
    /// The base URL of the API.
    pub(crate) api: Url,
    pub(crate) tokens: Arc<dyn Tokens>,
}

/// Where access tokens come from: a grant, or a test.
#[async_trait]
pub(crate) trait Tokens: Send + Sync {
    /// A token that is good now, as far as one can know.
    async fn token(&self) -> Result<SecretString, Error>;

    /// Another one, because the provider answered 401 to `rejected`.
    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error>;
}
