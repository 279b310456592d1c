//! OAuth 2 provider for tests, whose API is a closure.

use std::{
    collections::{BTreeSet, HashMap},
    fmt, io,
    marker::PhantomData,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    body::Body,
    extract::{Query, Request, State},
    response::{IntoResponse, Redirect, Response},
    routing::{any, get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::form_urlencoded;

use super::Issuer;
use crate::{
    provider::{AccountEndpoint, GrantType, OAuthClient, Provider},
    support::{crypto, http_client::bounded_bytes},
};

/// The largest request body of the API, in bytes.
const MAX_BODY_BYTES: usize = 16 << 20;

/// The grant type of RFC 8693 §2.1.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The account that sent a request: an extension of every request to the closure of a
/// [`FakeProvider`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The name of the [`Person`](super::Person) who consented, or the subject whose token was exchanged.
    pub name: String,
    /// The granted scopes.
    pub scopes: BTreeSet<String>,
}

/// An OAuth 2 provider on a free port of this machine, for tests of tools with an
/// [`AuthedClient`](crate::AuthedClient) through the whole stack: consent, token, refresh, API.
///
/// A [`Person`](super::Person) decides about consent. The closure gets requests with a valid token
/// only. Where it does not answer at the [account endpoint](crate::provider::AccountEndpoint), the
/// account is identified by its name.
///
/// ```
/// use serde_json::json;
/// use toolgate::{client::http, prelude::*, testing::{Account, Client, FakeProvider}};
/// # /// A code host.
/// # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Reads.
/// #     #[scope("repo:read", access = read)]
/// #     Read,
/// # }
///
/// /// Says who the user is at the code host.
/// #[tool(scopes = "repo:read")]
/// async fn who_am_i(forge: AuthedClient<Forge>) -> Result<String> {
///     forge.get("/user").send().await?.text().await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let forge = FakeProvider::<Forge>::start(|request| {
///     let account = request.extensions().get::<Account>().expect("the token is good");
///     http::Response::new(account.name.clone().into())
/// })
/// .await?;
/// let client = Client::of(toolgate::server!().provider(forge.client()).tools(tools![who_am_i]));
/// let client = client.await?;
///
/// let asks = client.call("who_am_i", json!({})).await;
/// let page = client.person("alice").open(asks.link().expect("a link")).await?;
/// assert!(page.text().contains("Forge is connected"));
/// assert_eq!(client.call("who_am_i", json!({})).await.text(), "alice");
/// # Ok(())
/// # }
/// ```
pub struct FakeProvider<P> {
    url: String,
    world: Arc<World>,
    serving: JoinHandle<()>,
    of: PhantomData<fn() -> P>,
}

type Api = dyn Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync;
type Pairs = HashMap<String, String>;

struct World {
    api: Box<Api>,
    /// How the provider says whose account a token opens.
    account: Option<AccountEndpoint>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    codes: HashMap<String, (Account, String)>,
    tokens: HashMap<String, Account>,
    refresh_tokens: HashMap<String, Account>,
    life: Option<Duration>,
    exchanges: usize,
}

impl<P: Provider> FakeProvider<P> {
    /// Starts a provider with this API. It stops when it is dropped.
    ///
    /// # Errors
    ///
    /// No port of this machine is free.
    pub async fn start(
        api: impl Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = P::DIALECT.account;
        let world = Arc::new(World { api: Box::new(api), account, known: Mutex::default() });
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/api", any(answer))
            .route("/api/{*path}", any(answer))
            .with_state(Arc::clone(&world));
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, world, serving, of: PhantomData })
    }

    /// Returns the client to register at a server.
    ///
    /// A provider with `grant = token_exchange` exchanges the tokens of an [`Issuer`](super::Issuer):
    /// the account that the closure sees is the caller's subject, with the scopes of the tool.
    pub fn client(&self) -> OAuthClient<P> {
        let client = P::client("testing")
            .secret("testing-secret")
            .api(format!("{}/api", self.url))
            .authorize(format!("{}/authorize", self.url))
            .token(format!("{}/token", self.url));
        match P::DIALECT.grant_type {
            GrantType::AuthorizationCode => client,
            GrantType::TokenExchange => client.issuer(Issuer::NAME),
        }
    }

    /// Issues refresh tokens from now on, and access tokens that expire after `life`. Without it,
    /// access tokens do not expire, and there are no refresh tokens.
    pub fn access_token_life(&self, life: Duration) {
        self.world.known().life = Some(life);
    }

    /// Invalidates every access token: the API responds with 401 until they are refreshed.
    pub fn forget_access_tokens(&self) {
        self.world.known().tokens.clear();
    }

    /// Revokes all grants.
    pub fn revoke_everything(&self) {
        let mut known = self.world.known();
        known.tokens.clear();
        known.refresh_tokens.clear();
    }

    /// Returns how many codes, refresh tokens and tokens of callers were exchanged for access tokens.
    pub fn exchanges(&self) -> usize {
        self.world.known().exchanges
    }
}

impl World {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Drop for FakeProvider<P> {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl<P> fmt::Debug for FakeProvider<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The authorization endpoint. A [`Person`](super::Person) adds `user`, and perhaps `deny` or
/// `withhold`, to the query.
async fn authorize(State(world): State<Arc<World>>, Query(query): Query<Pairs>) -> Response {
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let Some(user) = query.get("user") else {
        return "This page is for `toolgate::testing::Person`.".into_response();
    };
    let mut answer = form_urlencoded::Serializer::new(String::new());
    answer.append_pair("state", get("state"));
    if query.contains_key("deny") {
        answer.append_pair("error", "access_denied");
    } else {
        let withheld: BTreeSet<_> = get("withhold").split(' ').collect();
        let scopes = get("scope").split(' ').filter(|s| !s.is_empty() && !withheld.contains(s));
        let account = Account { name: user.clone(), scopes: scopes.map(str::to_owned).collect() };
        let code = crypto::random_token();
        let challenge = get("code_challenge").to_owned();
        world.known().codes.insert(code.clone(), (account, challenge));
        answer.append_pair("code", &code);
    }
    Redirect::to(&format!("{}?{}", get("redirect_uri"), answer.finish())).into_response()
}

async fn token(State(world): State<Arc<World>>, Form(form): Form<Pairs>) -> Response {
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let mut known = world.known();
    let account = match get("grant_type") {
        "authorization_code" => known
            .codes
            .remove(get("code"))
            .filter(|(_, challenge)| crypto::sha256_base64url(get("code_verifier")) == *challenge)
            .map(|(account, _)| account),
        "refresh_token" => known.refresh_tokens.remove(get("refresh_token")),
        TOKEN_EXCHANGE => subject(get("subject_token")).map(|name| {
            let scopes = get("scope").split(' ').filter(|scope| !scope.is_empty());
            Account { name, scopes: scopes.map(str::to_owned).collect() }
        }),
        _ => None,
    };
    let Some(account) = account else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })))
            .into_response();
    };
    known.exchanges += 1;
    let access_token = crypto::random_token();
    // A list, because an empty text says nothing of what was granted.
    let scopes = &account.scopes;
    let mut answer =
        json!({ "access_token": access_token, "token_type": "Bearer", "scope": scopes });
    if let Some(life) = known.life.filter(|_| get("grant_type") == TOKEN_EXCHANGE) {
        answer["expires_in"] = life.as_secs().into();
    } else if let Some(life) = known.life {
        let refresh_token = crypto::random_token();
        answer["expires_in"] = life.as_secs().into();
        answer["refresh_token"] = refresh_token.as_str().into();
        known.refresh_tokens.insert(refresh_token, account.clone());
    }
    known.tokens.insert(access_token, account);
    Json(answer).into_response()
}

/// The subject of a token, which the server under test has verified.
fn subject(token: &str) -> Option<String> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}

async fn answer(State(world): State<Arc<World>>, request: Request) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let token = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let account = token.and_then(|token| world.known().tokens.get(token).cloned());
    let Some(account) = account else { return StatusCode::UNAUTHORIZED.into_response() };
    let (mut parts, body) = request.into_parts();
    let Ok(body) = bounded_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // The API's own paths, as `AuthedClient` is given them.
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let path = path.strip_prefix("/api").filter(|path| path.starts_with('/')).unwrap_or("/");
    parts.uri = path.parse().unwrap_or_default();
    let identifies = world.account.filter(|endpoint| {
        // A path with a body, such as that of GraphQL, has other requests too.
        let is_asked = endpoint.body.is_none_or(|json| body == json);
        endpoint.path == parts.uri.path() && is_asked
    });
    let identity = identifies.map(|endpoint| identity(&endpoint, &account.name));
    parts.extensions.insert(account);
    let response = (world.api)(http::Request::from_parts(parts, body));
    match identity {
        Some((endpoint, identity)) if !says_who(&response, endpoint.id) => {
            Json(identity).into_response()
        }
        _ => response.map(Body::from),
    }
}

/// What the provider says of an account whose identifier is its name.
fn identity(endpoint: &AccountEndpoint, name: &str) -> (AccountEndpoint, Value) {
    let mut identity = json!({});
    for pointer in endpoint.id.iter().chain(endpoint.label) {
        let mut place = &mut identity;
        for step in pointer.split('/').skip(1) {
            place = &mut place[step.replace("~1", "/").replace("~0", "~")];
        }
        *place = name.into();
    }
    (*endpoint, identity)
}

/// Whether the closure answers as the provider's account endpoint does.
fn says_who(response: &http::Response<Bytes>, id: &[&str]) -> bool {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    response.status().is_success() && id.iter().all(|pointer| body.pointer(pointer).is_some())
}
