//! The routes of a broker in the same server as the tools, and its sign-in for the server's pages.

use std::{any::TypeId, collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Query, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::{
    broker::{
        Broker, BrokerBuilder, KnownClient,
        own_client::{OWN_CLIENT_ID, SIGNED_IN_PATH},
    },
    browser::{
        ACCOUNTS_PATH, CALLBACK_PATH, CONNECT_PATH, authenticator::BrowserAuthenticator, page,
    },
    error::ConfigError,
    gate::other_endpoint::EndpointPaths,
    grant::{Clock, DisconnectOutcome, GrantClient, Grants, StoreError},
    oauth::UpstreamClient,
    provider::Registration,
    trace::Tracer,
};

/// The configuration of a broker: its provider, and a closure that configures the rest.
pub(crate) struct BrokerConfig {
    pub(crate) provider: TypeId,
    pub(crate) configure: Box<dyn FnOnce(BrokerBuilder) -> BrokerBuilder + Send>,
}

/// What a broker is built from.
pub(crate) struct BrokerParts<'a> {
    pub(crate) providers: &'a [UpstreamClient],
    pub(crate) grants: &'a Grants,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) name: &'a str,
    /// The server's URL, if it is known.
    pub(crate) base: Option<&'a Url>,
    pub(crate) resource: Option<&'a str>,
    /// The endpoints of other transports, which clients know as resources.
    pub(crate) endpoints: &'a [EndpointPaths],
    /// The scopes that hosts ask for at sign-in.
    pub(crate) default_scopes: BTreeSet<&'a str>,
    pub(crate) tracer: &'a Tracer,
}

impl BrokerConfig {
    /// The provider that it is in front of.
    pub(crate) fn registration<'p>(
        &self,
        providers: &'p [UpstreamClient],
    ) -> Result<&'p Registration, ConfigError> {
        let is_provider = |oauth: &&UpstreamClient| oauth.registration.type_id == self.provider;
        let found = providers.iter().find(is_provider).map(|oauth| &oauth.registration);
        found.ok_or_else(|| {
            ConfigError::new("the broker's provider is not registered")
                .help("add `.provider(..)` for it")
        })
    }

    pub(crate) fn build(self, parts: &BrokerParts<'_>) -> Result<Broker, ConfigError> {
        let registration = self.registration(parts.providers)?;
        let base = parts.base.ok_or_else(|| {
            ConfigError::new("a broker has to know the URL of its server")
                .help("add `.public_url(\"https://tools.example\")`")
        })?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        let resource = parts.resource.map_or_else(|| format!("{base}/mcp"), str::to_owned);
        let other_resources = parts.endpoints.iter().map(|paths| paths.resource(&base)).collect();
        let records = Arc::clone(parts.grants.store()).records().ok_or_else(|| {
            ConfigError::new("this store keeps no records, and a broker needs them")
                .help("implement `GrantStore::records`, or take `MemoryStore` or `SqliteStore`")
        })?;
        let redirect_uri = format!("{base}{SIGNED_IN_PATH}");
        let own_client = KnownClient::new(OWN_CLIENT_ID, parts.name).redirect_uri(redirect_uri);
        let own_client = own_client.only_identifies();
        // Tools may check scopes of another catalogue as well.
        let is_providers = |name: &&str| registration.catalogue.iter().any(|s| s.name == *name);
        let default_scopes: Vec<_> =
            parts.default_scopes.iter().copied().filter(is_providers).collect();
        let (registration, grants) = (registration.clone(), parts.grants.clone());
        let builder = BrokerBuilder::new(base, resource, registration, grants, records)
            .clock(Arc::clone(parts.clock))
            .tracer(parts.tracer.clone())
            .default_scopes(default_scopes)
            .other_resources(other_resources)
            .accounts(ACCOUNTS_PATH)
            .server_name(parts.name)
            .client(own_client);
        (self.configure)(builder).build()
    }
}

/// Adds the broker's routes to `pages`. Answers at `/callback/..` that are the broker's go to it.
pub(crate) fn mount(pages: Router, broker: &Broker) -> Router {
    let callback = middleware::from_fn_with_state(broker.clone(), broker_callback);
    pages.layer(callback).merge(broker.router_below_root()).merge(signed_in_route(broker))
}

fn signed_in_route(broker: &Broker) -> Router {
    Router::new().route(SIGNED_IN_PATH, get(signed_in)).with_state(broker.clone())
}

async fn broker_callback(State(broker): State<Broker>, request: Request, next: Next) -> Response {
    let is_callback = request
        .uri()
        .path()
        .strip_prefix(CALLBACK_PATH)
        .is_some_and(|provider| provider.starts_with('/'));
    if is_callback && let Some(response) = broker.callback(request.uri(), request.headers()).await {
        return response;
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct SignedIn {
    state: String,
}

/// Redirects to the link, or to the accounts. The code is not redeemed: the broker's session cookie
/// tells who signed in.
async fn signed_in(State(broker): State<Broker>, Query(answer): Query<SignedIn>) -> Response {
    let path = answer.state;
    let link = path.strip_prefix(CONNECT_PATH).and_then(|rest| rest.strip_prefix('/'));
    let is_link = link.is_some_and(|id| {
        id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    });
    if is_link || path == ACCOUNTS_PATH || broker.is_step_up_path(&path) {
        page::redirect(&path)
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Identifies people by the broker's sessions.
pub(crate) struct BrokerAuth {
    pub(crate) broker: Broker,
    pub(crate) registration: Registration,
}

impl BrokerAuth {
    /// The clients with which the person is signed in, each once.
    async fn signed_in_clients(&self, subject: &str) -> Result<Vec<GrantClient>, StoreError> {
        let mut clients: Vec<GrantClient> = Vec::new();
        for (_, id) in self.broker.sign_ins(subject).await? {
            let name = self.client_name(&id).await;
            let client = self.client(&id, name.as_deref());
            if clients.iter().all(|one| one.key() != client.key()) {
                clients.push(client);
            }
        }
        Ok(clients)
    }

    /// Ends the sign-ins of a client, and what the person allowed it.
    async fn sign_out_client(&self, subject: &str, key: &str) -> Result<(), StoreError> {
        for (sign_in, id) in self.broker.sign_ins(subject).await? {
            if self.client(&id, None).key() == key {
                self.broker.forget_consent(subject, &id).await?;
                self.broker.end(&sign_in).await?;
            }
        }
        Ok(())
    }

    fn client(&self, id: &str, name: Option<&str>) -> GrantClient {
        GrantClient::new(id, name.unwrap_or(id), self.broker.now())
    }
}

#[async_trait]
impl BrowserAuthenticator for BrokerAuth {
    async fn subject(&self, headers: &HeaderMap, _: bool) -> Result<Option<String>, String> {
        self.broker.signed_in(headers).await.map_err(|error| error.to_string())
    }

    fn sign_in_url(&self, path: &str) -> String {
        self.broker.sign_in_url(path)
    }

    /// The broker's own sign-ins end with the grant.
    async fn disconnect(
        &self,
        provider: &str,
        subject: &str,
    ) -> Option<Result<DisconnectOutcome, StoreError>> {
        if provider != self.registration.id {
            return None;
        }
        Some(self.broker.disconnect(subject).await)
    }

    async fn client_name(&self, client_id: &str) -> Option<String> {
        self.broker.client(client_id, None).await.ok()?.name
    }

    async fn clients(
        &self,
        provider: &str,
        subject: &str,
    ) -> Option<Result<Vec<GrantClient>, StoreError>> {
        if provider != self.registration.id {
            return None;
        }
        Some(self.signed_in_clients(subject).await)
    }

    async fn remove_client(
        &self,
        provider: &str,
        subject: &str,
        key: &str,
    ) -> Option<Result<(), StoreError>> {
        if provider != self.registration.id {
            return None;
        }
        Some(self.sign_out_client(subject, key).await)
    }

    async fn owner(&self, provider: &str, token: &SecretString) -> Result<Option<String>, String> {
        if provider != self.registration.id {
            return Ok(None);
        }
        self.broker.identify(token).await.map(Some)
    }
}
