//! Sign-in at an outside authorization server, for the pages of this server.
//!
//! The server is a client there (RFC 6749 §4.1, RFC 7636, RFC 9207) and requests a token for itself
//! (RFC 8707). The gate's verifier tells whose token it is, so the person who opens a link is
//! compared with the one who called the tool by the same claim.

use std::{any::TypeId, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::get,
};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Uri, header, request::Parts};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    ACCOUNTS_PATH, CONNECT_PATH,
    authenticator::BrowserAuthenticator,
    authorization_flow::{
        AuthorizationFailure, AuthorizationFlow, AuthorizationHandler, CallbackError,
        NewAuthorization, Returned, callback,
    },
    cookie::{Cookies, name_for_state},
    error_pages,
    form::FormError,
    page,
    pending_authorization::{ExpectedIssuer, PENDING_AUTHORIZATION_TTL, PendingInGrantStore},
    request_limit::RequestLimit,
    sign_in_sessions::SignInSessions,
    traced::FlowTrace,
};
use crate::{
    gate::{
        Credentials, PresentedToken, ServerMetadata, SignIn, Verifier, connected_ip_key, discover,
    },
    grant::{Clock, Grants},
    oauth::{RedirectUrl, TokenResponse, UpstreamClient, new_state},
    provider::{ClientAuth, Dialect, Registration},
    support::{
        cache::{Cache, FetchCache},
        crypto,
    },
    trace::{Flow, Tracer},
};

/// Where a sign-in starts: for the accounts, or with the id of a link below it.
const SIGN_IN_PATH: &str = "/sign-in";

/// The path of the redirect URI.
const REDIRECT_PATH: &str = "/signed-in";

/// The cookie that binds a `state` to the browser that started.
const STATE_COOKIE: &str = "toolgate-sign-in";

/// How long the authorization server's metadata is cached.
const METADATA_TTL: Duration = Duration::from_secs(300);

/// Signs people in at the authorization server whose tokens the gate accepts.
#[derive(Clone)]
pub(crate) struct SignInAuth(Arc<SignInState>);

/// What a [`SignInAuth`] is built from.
pub(crate) struct SignInConfig {
    pub(crate) client: SignIn,
    pub(crate) verifier: Arc<dyn Verifier>,
    /// The resource to request tokens for; by default the endpoint below `base`.
    pub(crate) resource: Option<String>,
    /// The URL of this server.
    pub(crate) base: Url,
    pub(crate) grants: Grants,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) http: reqwest::Client,
    pub(crate) limit: Arc<RequestLimit>,
    pub(crate) tracer: Tracer,
}

struct SignInState {
    client: SignIn,
    verifier: Arc<dyn Verifier>,
    resource: String,
    redirect_uri: RedirectUrl,
    cookies: Cookies,
    flow: AuthorizationFlow,
    sessions: SignInSessions,
    http: reqwest::Client,
    limit: Arc<RequestLimit>,
    tracer: Tracer,
    metadata: FetchCache<(), Result<Arc<ServerMetadata>, String>>,
}

/// What the sign-in needs when the browser is back.
#[derive(Serialize, Deserialize)]
pub(crate) struct SignInContext {
    /// The path to which the browser goes then.
    return_to: String,
    metadata: ServerMetadata,
}

impl SignInAuth {
    pub(crate) fn new(config: SignInConfig) -> Self {
        let SignInConfig { client, verifier, resource, base, grants, clock, http, .. } = config;
        let cookies = Cookies::at(&base);
        let base = base.as_str().trim_end_matches('/').to_owned();
        let store = PendingInGrantStore { store: Arc::clone(grants.store()), prefix: "sign-in" };
        Self(Arc::new(SignInState {
            client,
            verifier,
            resource: resource.unwrap_or_else(|| format!("{base}/mcp")),
            redirect_uri: RedirectUrl::new(format!("{base}{REDIRECT_PATH}"))
                .expect("a URL with a path"),
            cookies,
            flow: AuthorizationFlow::new(store, Arc::clone(&clock)),
            sessions: SignInSessions::new(Arc::clone(grants.store()), clock, cookies),
            http,
            limit: config.limit,
            tracer: config.tracer,
            metadata: FetchCache::new(Cache::new(1, METADATA_TTL)),
        }))
    }

    /// The routes. `is_link`: whether there is a link with this id.
    pub(crate) fn router(
        &self,
        is_link: impl Fn(String) -> BoxFuture<'static, bool> + Clone + Send + Sync + 'static,
    ) -> Router {
        let for_link =
            async move |State(sign_in): State<Self>, Path(link): Path<String>, request: Request| {
                if !is_link(link.clone()).await {
                    return error_pages::expired();
                }
                let parts = request.into_parts().0;
                sign_in.start(&parts, format!("{CONNECT_PATH}/{link}")).await
            };
        let for_accounts = async |State(sign_in): State<Self>, request: Request| {
            sign_in.start(&request.into_parts().0, ACCOUNTS_PATH.to_owned()).await
        };
        let returned = async |State(sign_in): State<Self>, uri: Uri, headers: HeaderMap| {
            callback(sign_in, &uri, &headers).await
        };
        Router::new()
            .route(&format!("{SIGN_IN_PATH}/{{link}}"), get(for_link))
            .route(SIGN_IN_PATH, get(for_accounts))
            .route(REDIRECT_PATH, get(returned))
            .with_state(self.clone())
    }

    /// Redirects the browser to the authorization server.
    async fn start(&self, request: &Parts, return_to: String) -> Response {
        if let Err(refused) = self.0.limit.check(connected_ip_key(&request.extensions)) {
            return error_pages::too_many_requests(refused);
        }
        match self.redirect(return_to).await {
            Ok(mut response) => {
                for cookie in self.0.cookies.make_room(&request.headers, STATE_COOKIE) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                response
            }
            Err(error) => failed(&error),
        }
    }

    async fn redirect(&self, return_to: String) -> Result<Response, String> {
        let metadata = self.metadata().await?;
        let oauth = self.oauth(&metadata)?;
        let issuer = metadata.issuer.clone();
        let issuer = if metadata.names_itself {
            ExpectedIssuer::Required(issuer)
        } else {
            ExpectedIssuer::Optional(issuer)
        };
        let (state, browser) = (new_state(), crypto::random_token());
        let trace = self.trace(None);
        let request = NewAuthorization {
            trace,
            state: &state,
            browser: &browser,
            scopes: self.0.client.scopes.clone(),
            redirect_uri: self.0.redirect_uri.clone(),
            issuer,
            context: SignInContext { return_to, metadata: ServerMetadata::clone(&metadata) },
        };
        let url = self.0.flow.start(&oauth, request).await.map_err(|error| error.to_string())?;
        let mut response = page::redirect(url.as_str());
        let name = name_for_state(STATE_COOKIE, state.secret());
        let cookie = self.0.cookies.set(&name, &browser, PENDING_AUTHORIZATION_TTL);
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(response)
    }

    /// The authorization server's metadata, fetched once by all who need it.
    async fn metadata(&self) -> Result<Arc<ServerMetadata>, String> {
        let sign_in = self.clone();
        let fetch = || async move { sign_in.fetch_metadata().await };
        let metadata = self.0.metadata.get_or_fetch((), |found| found.is_ok().then_some(1), fetch);
        metadata.await.unwrap_or_else(|| Err("the metadata cannot be fetched".to_owned()))
    }

    async fn fetch_metadata(&self) -> Result<Arc<ServerMetadata>, String> {
        let issuers = self.0.verifier.authorization_servers();
        let issuer = issuers.first().ok_or("the gate's verifier names no authorization server")?;
        let metadata = discover(&self.0.http, issuer)
            .await
            .map_err(|error| format!("the metadata of `{issuer}`: {error}"))?;
        // Some servers that support PKCE do not list it; one that lists other methods does not
        // support S256.
        if metadata.challenges.as_ref().is_some_and(|all| all.iter().all(|one| one != "S256")) {
            return Err(format!("`{issuer}` does not know PKCE with S256 (RFC 7636)"));
        }
        Ok(Arc::new(metadata))
    }

    /// This server's client of the authorization server that has this metadata.
    fn oauth(&self, metadata: &ServerMetadata) -> Result<UpstreamClient, String> {
        let SignIn { client_id, secret, auth, .. } = &self.0.client;
        let endpoint = |url: &Option<String>, name| {
            url.clone()
                .ok_or_else(|| format!("the metadata of `{}` has no {name}", metadata.issuer))
        };
        let registration = Registration {
            type_name: "Gate::sign_in",
            type_id: TypeId::of::<Self>(),
            id: "sign-in",
            name: "the authorization server",
            api: metadata.issuer.clone(),
            authorize: endpoint(&metadata.authorization_endpoint, "authorization_endpoint")?,
            token: endpoint(&metadata.token_endpoint, "token_endpoint")?,
            revoke: None,
            values: std::collections::BTreeMap::new(),
            issuer: metadata.names_itself.then(|| metadata.issuer.clone()),
            catalogue: &[],
            dialect: dialect_of(*auth),
            profile: None,
            stand_in: None,
            awaits_stand_in: false,
            is_from_env: false,
            refresh: None,
            client_id: client_id.clone(),
            secret: secret.clone(),
        };
        let oauth =
            UpstreamClient::new(registration, self.0.http.clone()).map_err(|e| e.to_string())?;
        Ok(oauth.for_resource(self.0.resource.clone()))
    }

    /// The person to whom the token of a sign-in belongs.
    async fn principal(&self, tokens: TokenResponse) -> Result<String, String> {
        let credentials = Credentials::bearer(tokens.access_token.expose_secret())
            .ok_or("a sign-in gave no access token")?;
        let presented = PresentedToken::new(&credentials, &self.0.resource, "GET");
        let claims = self
            .0
            .verifier
            .verify(presented)
            .await
            .map_err(|error| format!("the token of a sign-in is not accepted: {error}"))?;
        if claims.is_client_credentials() {
            return Err("the token of a sign-in is a machine's".to_owned());
        }
        Ok(claims.principal())
    }
}

#[async_trait]
impl AuthorizationHandler for SignInAuth {
    type Context = SignInContext;

    fn flow(&self) -> &AuthorizationFlow {
        &self.0.flow
    }

    fn browser_secret(&self, headers: &HeaderMap, state: &str) -> Option<String> {
        let name = name_for_state(STATE_COOKIE, state);
        self.0.cookies.get(headers, &name).map(str::to_owned)
    }

    fn trace(&self, _: Option<&SignInContext>) -> FlowTrace {
        FlowTrace { flow: Flow::SignIn, span: self.0.tracer.span() }
    }

    fn client(&self, context: &SignInContext) -> Result<UpstreamClient, String> {
        self.oauth(&context.metadata)
    }

    async fn complete(
        &self,
        returned: Returned<SignInContext>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Response {
        let reason = match tokens {
            Ok(tokens) => {
                let session = match self.principal(tokens).await {
                    Ok(principal) => self.0.sessions.begin(&principal).await,
                    Err(error) => Err(error),
                };
                return match session {
                    Ok(cookie) => {
                        let mut response = page::redirect(&returned.context.return_to);
                        response.headers_mut().append(header::SET_COOKIE, cookie);
                        response
                    }
                    Err(error) => failed(&error),
                };
            }
            Err(AuthorizationFailure::Mismatch(reason)) => reason.to_owned(),
            Err(AuthorizationFailure::Refused { error, .. }) => {
                format!("the authorization server answered `{error}`")
            }
            Err(AuthorizationFailure::NoCode) => {
                "the authorization server answered without a code".to_owned()
            }
            Err(AuthorizationFailure::NoClient(error)) => return failed(&error),
            Err(AuthorizationFailure::Exchange(error)) => {
                return failed(&format!("a code was not redeemed: {error}"));
            }
        };
        tracing::info!(target: "toolgate::consent", reason, "nobody signed in");
        error_pages::not_signed_in(&reason)
    }

    fn reject(&self, error: CallbackError) -> Response {
        match error {
            CallbackError::Malformed(FormError::Duplicate(_) | FormError::TooLong) => {
                error_pages::unknown_answer()
            }
            CallbackError::Malformed(_) | CallbackError::NoState | CallbackError::NoCookie => {
                error_pages::other_browser()
            }
            CallbackError::OtherBrowser | CallbackError::Expired => error_pages::expired(),
            CallbackError::Store(error) => failed(&error.to_string()),
            CallbackError::Aborted(error) => failed(&error),
        }
    }
}

#[async_trait]
impl BrowserAuthenticator for SignInAuth {
    async fn subject(&self, headers: &HeaderMap, _: bool) -> Result<Option<String>, String> {
        self.0.sessions.subject(headers).await
    }

    fn sign_in_url(&self, path: &str) -> String {
        match path.strip_prefix(CONNECT_PATH) {
            Some(link) => format!("{SIGN_IN_PATH}{link}"),
            None => SIGN_IN_PATH.to_owned(),
        }
    }

    fn sign_out_cookie(&self, _: bool) -> Option<HeaderValue> {
        Some(self.0.sessions.end_cookie())
    }
}

fn failed(error: &str) -> Response {
    tracing::error!(target: "toolgate::consent", error, "a person cannot sign in to open a link");
    error_pages::server_error()
}

/// The dialect of a server that follows the RFCs.
fn dialect_of(auth: ClientAuth) -> &'static Dialect {
    const BODY: Dialect = Dialect::STANDARD.client_auth(ClientAuth::Body);
    match auth {
        ClientAuth::Basic => &Dialect::STANDARD,
        ClientAuth::Body => &BODY,
    }
}
