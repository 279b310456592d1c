//! The broker beside the tools: its routes, its share of the callback, and whose browser it is.

use std::{any::TypeId, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Query, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::{
    broker::{Broker, BrokerBuilder, Disconnected, KnownClient},
    consent::{Recognize, accounts, accounts::TakenBack},
    error::ConfigError,
    grant::{Clock, Grants, StoreError},
    oauth::UpstreamClient,
    provider::Registration,
};

/// A broker that the operator wants: in front of which provider, and how it is set up.
pub(crate) struct Wanted {
    pub(crate) provider: TypeId,
    pub(crate) set_up: Box<dyn FnOnce(BrokerBuilder) -> BrokerBuilder + Send>,
}

/// The client that this server is of its own broker: it wants to know whose browser it is.
const OURSELVES: &str = "toolgate-connect";

/// Where the browser comes back to from the sign-in for a link.
const SIGNED_IN: &str = "/signed-in";

/// What a broker is made of.
pub(crate) struct Parts<'a> {
    pub(crate) providers: &'a [UpstreamClient],
    pub(crate) grants: &'a Grants,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) name: &'a str,
    /// The server's URL, if it is known.
    pub(crate) base: Option<&'a Url>,
    pub(crate) resource: Option<&'a str>,
}

impl Wanted {
    pub(crate) fn build(self, parts: &Parts<'_>) -> Result<(Broker, Registration), ConfigError> {
        let wanted = |oauth: &&UpstreamClient| oauth.registration.type_id == self.provider;
        let oauth = parts.providers.iter().find(wanted).ok_or_else(|| {
            ConfigError::new("the broker's provider is not registered")
                .help("add `.provider(..)` for it")
        })?;
        let base = parts.base.filter(|base| base.path() == "/").ok_or_else(|| {
            ConfigError::new("a broker has to know the URL of its server, which has no path")
                .help("add `.public_url(\"https://tools.example\")`")
        })?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        let resource = parts.resource.map_or_else(|| format!("{base}/mcp"), str::to_owned);
        let records = Arc::clone(parts.grants.store()).records().ok_or_else(|| {
            ConfigError::new("this store keeps no records, and a broker needs them")
                .help("implement `GrantStore::records`, or take `MemoryStore` or `SqliteStore`")
        })?;
        let redirect_uri = format!("{base}{SIGNED_IN}");
        let ourselves = KnownClient::new(OURSELVES, parts.name).redirect_uri(redirect_uri);
        let (registration, grants) = (oauth.registration.clone(), parts.grants.clone());
        let builder = BrokerBuilder::of(base, resource, registration, grants, records)
            .clock(Arc::clone(parts.clock))
            .accounts(accounts::PATH)
            .client(ourselves);
        Ok(((self.set_up)(builder).build()?, oauth.registration.clone()))
    }
}

/// Mounts the broker's routes beside `pages`, and hands over what of `/callback/..` is its own.
pub(crate) fn mount(pages: Router, broker: &Broker) -> Router {
    let first = middleware::from_fn_with_state(broker.clone(), hand_over);
    pages.layer(first).merge(broker.router()).route(SIGNED_IN, get(signed_in))
}

async fn hand_over(State(broker): State<Broker>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/callback/") {
        let query = request.uri().query().unwrap_or_default();
        if let Some(response) = broker.callback(query, request.headers()).await {
            return response;
        }
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct SignedIn {
    state: String,
}

/// Back to the link, or to the accounts. The code is not redeemed: the broker's cookie says who it
/// is.
async fn signed_in(Query(arrival): Query<SignedIn>) -> Response {
    if arrival.state == accounts::PATH {
        return Redirect::to(accounts::PATH).into_response();
    }
    let link = arrival.state.strip_prefix("/connect/").filter(|id| {
        id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    });
    match link {
        Some(id) => Redirect::to(&format!("/connect/{id}")).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Knows people by the broker's sign-in.
pub(crate) struct ByBroker {
    pub(crate) broker: Broker,
    pub(crate) registration: Registration,
}

#[async_trait]
impl Recognize for ByBroker {
    async fn subject(&self, headers: &HeaderMap, _: bool) -> Result<Option<String>, String> {
        self.broker.whose_browser(headers).await.map_err(|error| error.to_string())
    }

    fn sign_in(&self, path: &str) -> String {
        let base = self.broker.issuer();
        let redirect_uri = format!("{base}{SIGNED_IN}");
        // Nobody redeems the code, so nobody needs the verifier of this challenge.
        let challenge = "A".repeat(43);
        let pairs = [
            ("response_type", "code"),
            ("client_id", OURSELVES),
            ("redirect_uri", &redirect_uri),
            ("state", path),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", self.broker.resource()),
        ];
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{base}/oauth/authorize?{query}")
    }

    /// What came of the broker's sign-in ends with the grant.
    async fn disconnect(
        &self,
        provider: &str,
        subject: &str,
    ) -> Option<Result<TakenBack, StoreError>> {
        if provider != self.registration.id {
            return None;
        }
        let done = self.broker.disconnect(subject).await;
        Some(done.map(|done| match done {
            Disconnected::NothingGranted => TakenBack::Nothing,
            Disconnected::Revoked => TakenBack::Revoked,
            Disconnected::Forgotten => TakenBack::Forgotten,
            Disconnected::NotRevoked => TakenBack::NotRevoked,
        }))
    }

    async fn owner(&self, provider: &str, token: &SecretString) -> Result<Option<String>, String> {
        if provider != self.registration.id {
            return Ok(None);
        }
        self.broker.account(token).await.map(Some)
    }
}
