//! The broker's state, shared by all of its endpoints.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jsonwebtoken::jwk::JwkSet;
use secrecy::SecretString;

use super::{
    admission::Admit,
    client::Clients,
    documents::ClientDocuments,
    identity_provider::TrustedIssuer,
    limits::Limits,
    step_up::memory::StepUpMemory,
    store::{signing_keys::SigningKeys, typed_store::TypedStore},
};
use crate::{
    browser::{authorization_flow::AuthorizationFlow, cookie::Cookies},
    grant::{Clock, Grants, StoreError},
    oauth::{RedirectUrl, UpstreamClient, UserEndpoint},
    trace::Tracer,
};

/// An authorization server in front of one provider. Clones share everything.
#[derive(Clone)]
pub struct Broker(pub(super) Arc<BrokerState>);

pub(crate) struct BrokerState {
    pub(super) oauth: UpstreamClient,
    pub(super) user_endpoint: UserEndpoint,
    pub(super) documents: ClientDocuments,
    pub(super) clients: Clients,
    pub(super) keys: SigningKeys,
    pub(super) limits: Limits,
    pub(super) cookies: Cookies,
    /// The origin of the broker's pages.
    pub(super) origin: String,
    /// The path of the public URL: empty, or as in `/auth`.
    pub(super) prefix: String,
    /// The path of the endpoints: `/oauth`, after the prefix.
    pub(super) root: String,
    /// The path of the page on which people disconnect accounts, if the server has one.
    pub(super) accounts: Option<&'static str>,
    /// The issuer identifier, and the base of every URL of the broker.
    pub(super) issuer: String,
    /// The redirect URI at the provider.
    pub(super) callback: RedirectUrl,
    /// The audience of the tokens.
    pub(super) resource: String,
    /// Endpoints of the same server that clients know as resources. Their tokens are for `resource`.
    pub(super) other_resources: Vec<String>,
    /// The name of the server on pages.
    pub(super) name: String,
    /// The host of the server, with its port.
    pub(super) host: String,
    pub(super) default_scopes: Vec<String>,
    /// Scopes that are asked of the provider at every sign-in, for [`admit`](Self::admit).
    pub(super) sign_in_scopes: Vec<String>,
    /// Decides who may sign in; without it everybody may.
    pub(super) admit: Option<Arc<Admit>>,
    /// How long a decision of it is good.
    pub(super) admission_ttl: Duration,
    pub(super) access_token_ttl: Duration,
    /// How long a refresh token stays good after its successor was used.
    pub(super) refresh_token_reuse_interval: Duration,
    /// Whether clients may be known by a metadata document, where the operator has decided.
    pub(super) client_metadata_documents: Option<bool>,
    /// Whether the public URL is of this machine.
    pub(super) is_loopback: bool,
    /// Those whose identity assertions become access tokens.
    pub(super) identity_providers: Vec<TrustedIssuer>,
    /// Whether scripts of other origins may call the endpoints (CORS).
    pub(super) browser_clients: bool,
    pub(super) grants: Grants,
    pub(super) flow: AuthorizationFlow,
    pub(super) step_ups: StepUpMemory,
    /// Permits of open connections to read whether their sign-in has ended, so that not all of them use the
    /// store at once.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(super) ended_polls: tokio::sync::Semaphore,
    pub(super) records: TypedStore,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tracer: Tracer,
}

impl Broker {
    /// Returns the issuer identifier (RFC 8414 §2), which is `iss` in every token and every
    /// authorization response.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns the resource that the tokens are for: `aud` in every token (RFC 8707).
    pub fn resource(&self) -> &str {
        &self.0.resource
    }

    /// Returns the keys that verify the broker's access tokens: the key that signs, the next one,
    /// and those whose tokens have not expired. Call it for each token: the keys are cached, and
    /// read again after some minutes.
    ///
    /// # Errors
    ///
    /// The store has not answered since this broker was built.
    pub async fn jwks(&self) -> Result<JwkSet, StoreError> {
        Ok(self.0.keys.key_set().await?.published())
    }

    /// Returns the subject whose account at the provider this token opens, or why it is not known.
    pub(crate) async fn identify(&self, token: &SecretString) -> Result<String, String> {
        Ok(self.0.user_endpoint.identify(token).await?.subject)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("issuer", &self.0.issuer)
            .field("resource", &self.0.resource)
            .field("provider", &self.0.oauth.registration.name)
            .finish_non_exhaustive()
    }
}
