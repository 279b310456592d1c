//! An authorization server in front of one provider, for MCP hosts.
//!
//! GitHub, Google and Entra know one client that the operator has registered, and MCP hosts want to
//! register themselves. A [`Broker`] stands between them: to hosts it is an OAuth 2.1 authorization
//! server, to the provider it is that one client. A person signs in at the provider once; the grant
//! stays in the [`Grants`], and the host gets an access token of ours, which is good for this server
//! alone. The provider's token never leaves it.
//!
//! | what hosts use | where |
//! |---|---|
//! | metadata (RFC 8414), issuer in answers (RFC 9207) | `/.well-known/oauth-authorization-server` |
//! | authorization code with PKCE S256, resource (RFC 8707) | `/oauth/authorize` |
//! | tokens, rotated refresh tokens | `/oauth/token` |
//! | registration (RFC 7591), or a client ID metadata document | `/oauth/register` |
//! | revocation (RFC 7009) | `/oauth/revoke` |
//! | signing keys, ES256 | `/oauth/jwks` |
//!
//! Everything that is remembered lies in [`Records`], beside the grants: replicas that share a store
//! are one broker.
//!
//! ```
//! use std::sync::Arc;
//! use toolgate::{broker::Broker, grant::{Grants, MemoryStore, SystemClock}, prelude::*};
//!
//! # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
//! # pub enum Forge {
//! #     /// Read your repositories.
//! #     #[scope("repo:read", access = read)]
//! #     Read,
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(MemoryStore::new());
//! let grants = Grants::new(store.clone(), Arc::new(SystemClock));
//! let client = Forge::client("my-client-id").secret("my-client-secret");
//! let broker =
//!     Broker::builder("https://tools.example.com", "https://tools.example.com/mcp", client, grants, store)
//!         .user("/user", "id")
//!         .build()?;
//! let router = broker.standalone_router();
//! # let _ = router;
//! # Ok(())
//! # }
//! ```

pub(crate) mod builder;
pub(crate) mod client;
pub(crate) mod cookie;
pub(crate) mod documents;
pub(crate) mod endpoint;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod page;
pub(crate) mod redirect;
pub(crate) mod store;
pub(crate) mod verifier;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::{RawQuery, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, Method, header};
/// What [`Broker::jwks`] gives, so that nobody has to match versions.
pub use jsonwebtoken::jwk::JwkSet;
use tower_http::cors::{Any, CorsLayer};

pub use self::{builder::BrokerBuilder, client::KnownClient, store::person::Disconnected};
use self::{
    client::Clients,
    cookie::Cookies,
    documents::Documents,
    identity::Whois,
    limits::Limits,
    store::{keys::Keys, typed_store::Shelf},
};
pub use crate::gate::PeerAddress;
use crate::{
    grant::{Clock, Grants, Records, StoreError},
    oauth::{RedirectUrl, UpstreamClient},
    provider::{OAuthClient, Provider},
};

/// An authorization server in front of one provider. Clones are one and the same.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    oauth: UpstreamClient,
    http: reqwest::Client,
    whois: Whois,
    documents: Documents,
    clients: Clients,
    keys: Keys,
    limits: Limits,
    cookies: Cookies,
    /// The origin of our pages.
    origin: String,
    /// The path of the public URL: empty, or as in `/auth`.
    prefix: String,
    /// The path of our endpoints: `/oauth`.
    root: String,
    /// Where people see what is connected, if there is a server around us that has such a page.
    accounts: Option<&'static str>,
    /// Our identifier, and the base of every URL of ours.
    issuer: String,
    /// Where the provider sends the browser back to.
    callback: RedirectUrl,
    /// What the tokens are for.
    resource: String,
    /// What people call this server: its host.
    name: String,
    /// Subjects are what the provider calls people, without its own name before it.
    bare_subjects: bool,
    default_scopes: Vec<String>,
    /// Private-use schemes that are allowed besides reversed domain names.
    schemes: Vec<String>,
    /// How long an access token lives.
    life: Duration,
    browser_clients: bool,
    grants: Grants,
    shelf: Shelf,
    clock: Arc<dyn Clock>,
}

impl Broker {
    /// A broker that is reached at `public_url`, which is its issuer identifier, and gives tokens
    /// for `resource`, the URL of the MCP endpoint. The provider knows it as `client`, and must
    /// allow the redirect URI `PUBLIC_URL/callback/PROVIDER`.
    ///
    /// `records` may be the store of `grants`: [`MemoryStore`](crate::grant::MemoryStore) and
    /// `SqliteStore` are both.
    pub fn builder<P: Provider>(
        public_url: impl Into<String>,
        resource: impl Into<String>,
        client: OAuthClient<P>,
        grants: Grants,
        records: Arc<dyn Records>,
    ) -> BrokerBuilder {
        let registration = client.registration;
        BrokerBuilder::of(public_url.into(), resource.into(), registration, grants, records)
    }

    /// The routes, at the path of the public URL: metadata below `/.well-known`, the rest below
    /// `/oauth`. `/callback/{provider}` is not among them: a server has it for other consents too,
    /// and hands over what [`Broker::callback`] takes.
    ///
    /// Serve them with `into_make_service_with_connect_info::<SocketAddr>()`, or with a layer that
    /// sets [`PeerAddress`]: strangers are counted by their address.
    pub fn router(&self) -> Router {
        let root = &self.0.root;
        let path = |name: &str| format!("{root}/{name}");
        let mut open = Router::new()
            .route(
                &format!("/.well-known/oauth-authorization-server{}", self.0.prefix),
                get(endpoint::metadata::document),
            )
            .route(&path("jwks"), get(endpoint::metadata::jwks))
            .route(&path("token"), post(endpoint::token::answer))
            .route(&path("register"), post(endpoint::register::answer))
            .route(&path("revoke"), post(endpoint::revoke::answer));
        if self.0.browser_clients {
            let cors = CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET, Method::POST])
                .allow_headers([
                    header::AUTHORIZATION,
                    header::CONTENT_TYPE,
                    http::HeaderName::from_static("mcp-protocol-version"),
                ]);
            open = open.layer(cors);
        }
        Router::new()
            .route(&path("authorize"), get(endpoint::authorize::begin))
            .route(&path("consent"), post(endpoint::consent::decide))
            .route(&path("style.css"), get(page::style))
            .merge(open)
            .with_state(self.clone())
    }

    /// The routes and `/callback/{provider}`: for a broker without tools beside it.
    pub fn standalone_router(&self) -> Router {
        let callback = format!("{}/callback/{}", self.0.prefix, self.0.oauth.registration.id);
        let routes = Router::new().route(&callback, get(arrived)).with_state(self.clone());
        self.router().merge(routes)
    }

    /// The issuer identifier (RFC 8414 §2): `iss` in every token and every answer.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What the tokens are for: `aud` in every token (RFC 8707).
    pub fn resource(&self) -> &str {
        &self.0.resource
    }

    /// The keys that verify our access tokens: of the key that signs, of the next one, and of those
    /// whose tokens have not expired. Ask whenever a token is to be verified: they are kept, and
    /// read again after some minutes.
    ///
    /// # Errors
    ///
    /// The store never answered since this broker was made.
    pub async fn jwks(&self) -> Result<JwkSet, StoreError> {
        Ok(self.0.keys.ring().await?.published())
    }

    fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

async fn arrived(
    State(broker): State<Broker>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match broker.callback(query.as_deref().unwrap_or_default(), &headers).await {
        Some(response) => response,
        None => broker.too_late(),
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
