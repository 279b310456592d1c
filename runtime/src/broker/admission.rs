//! Admission: who may sign in at all.
//!
//! In front of a public provider, everybody with an account there could sign in. The operator's
//! predicate decides, at each sign-in, and again at the first refresh after [`ADMISSION_TTL`].

use std::{any::TypeId, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    client::{AuthedClient, Connection, SharedConnection, TokenSource},
    error::{Error, ErrorKind},
    oauth::{Identity, UpstreamClient},
    provider::Provider,
};

/// How long an admission is good, unless the operator says otherwise.
pub(crate) const ADMISSION_TTL: Duration = Duration::from_secs(3600);

/// Decides whether a person may sign in.
pub(crate) type Admit = dyn Fn(Person) -> BoxFuture<'static, Result<bool, Error>> + Send + Sync;

/// A person whom the provider has identified, and whom
/// [`BrokerBuilder::admit`](super::BrokerBuilder::admit) decides about.
///
/// `Debug` shows the subject only.
#[derive(Clone)]
pub struct Person {
    subject: String,
    profile: Arc<Value>,
    connection: SharedConnection,
    provider: TypeId,
}

impl Person {
    /// The person with this identity, whose token is of `oauth`'s provider.
    pub(crate) fn new(
        identity: Identity,
        oauth: &UpstreamClient,
        token: &SecretString,
    ) -> Result<Self, Error> {
        let registration = &oauth.registration;
        let tokens = CurrentToken { token: token.clone(), provider: registration.name };
        let (api, transport) = (&registration.api, Arc::new(oauth.http.clone()));
        let connection = Connection::new(registration.name, api, transport, Arc::new(tokens));
        let mut connection = connection.map_err(Error::internal)?;
        connection.dialect = registration.dialect;
        Ok(Self {
            subject: identity.subject,
            profile: Arc::new(identity.profile),
            connection: connection.into(),
            provider: registration.type_id,
        })
    }

    /// Returns the subject, as tokens have it: `github:583231`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns what the provider says of the person: the JSON at the path that
    /// [`user`](super::BrokerBuilder::user) names. Trust only what people cannot change there, such as
    /// the domain of a verified address.
    pub fn profile(&self) -> &Value {
        &self.profile
    }

    /// Returns a client that is authorized as the person, with the scopes of this sign-in and those
    /// that [`sign_in_scopes`](super::BrokerBuilder::sign_in_scopes) adds.
    ///
    /// # Errors
    ///
    /// `P` is not the broker's provider.
    pub fn client<P: Provider>(&self) -> Result<AuthedClient<P>, Error> {
        if TypeId::of::<P>() != self.provider {
            let message = format!("`{}` is not the provider that the broker is for", P::NAME);
            return Err(Error::internal(message));
        }
        Ok(AuthedClient::new(self.connection.clone()))
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A token that was just obtained, and is not renewed.
struct CurrentToken {
    token: SecretString,
    provider: &'static str,
}

#[async_trait]
impl TokenSource for CurrentToken {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(self.token.clone())
    }

    async fn renew(&self, _: &SecretString) -> Result<SecretString, Error> {
        let provider = self.provider;
        let message = format!("{provider} does not accept the token that it has just issued");
        Err(Error::with_kind(ErrorKind::GrantExpired { provider }, message))
    }
}
