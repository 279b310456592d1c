//! The sign-in page, and the endpoints that the broker calls after it: an OAuth provider whose
//! users have no passwords.

use std::{any::TypeId, collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use maud::html;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::issuer::token;
use crate::{
    browser::{CALLBACK_PATH, error_pages, page},
    error::ConfigError,
    provider::{Dialect, Registration},
    scope::{Catalogue, Scope},
    support::{
        background,
        cache::Cache,
        crypto,
        hand_over::{self, HandOver},
        url::is_loopback,
    },
    testing::DEV_LOGIN_PATH,
};

/// The provider's identifier, which is in the callback's path.
const PROVIDER_ID: &str = "dev";

/// The most codes and tokens that are remembered.
const MAX_TOKENS: usize = 1000;

/// How long a code and the token after it are valid.
const TOKEN_TTL: Duration = Duration::from_secs(600);

/// Who can sign in, and for which scopes.
pub(crate) struct DevConfig {
    catalogue: TypeId,
    name: &'static str,
    scopes: &'static [Scope],
    people: Vec<String>,
    /// Whether the server has no socket.
    is_in_test: bool,
}

impl DevConfig {
    pub(crate) fn new<C: Catalogue>(people: Vec<String>) -> Self {
        Self {
            catalogue: TypeId::of::<C>(),
            name: C::NAME,
            scopes: C::SCOPES,
            people,
            is_in_test: false,
        }
    }

    /// Gives the endpoints that the broker calls a listener of their own, because that of the server
    /// is missing in a test.
    pub(crate) fn in_test(&mut self) {
        self.is_in_test = true;
    }

    /// The type that identifies the provider: the catalogue's.
    pub(crate) fn provider(&self) -> TypeId {
        self.catalogue
    }

    /// Who can sign in.
    #[cfg(feature = "inspector")]
    pub(crate) fn people(&self) -> &[String] {
        &self.people
    }

    /// What the server prints at its start.
    pub(crate) fn hint(&self, base: &str) -> String {
        let user = self.people.first().map_or("alice", String::as_str);
        let scope = self.scopes.first().map_or("", |scope| scope.name);
        format!(
            "  For development: sign in as {}, or take a token:\n  curl '{base}/dev/token?user={user}&scope={scope}'\n",
            self.people.join(" or ")
        )
    }

    /// Builds the provider, as the broker knows it, and its pages.
    pub(crate) fn build(self, base: &Url) -> Result<(Registration, SignInPage), ConfigError> {
        if !is_loopback(base) {
            return Err(ConfigError::new(format!(
                "`Server::dev` lets anyone sign in as anyone, and `{base}` is not this machine alone"
            ))
            .help("put a `.gate(..)` or a `.broker(..)` in its place where others can reach it"));
        }
        if self.people.iter().all(String::is_empty) {
            return Err(ConfigError::new("`Server::dev` names nobody who could sign in")
                .help("name a person: `.dev::<Catalogue>([\"alice\"])`"));
        }
        let base = base.as_str().trim_end_matches('/');
        let page = SignInPage(Arc::new(SignInPageState {
            people: self.people,
            callback: format!("{base}{CALLBACK_PATH}/{PROVIDER_ID}"),
            resource: format!("{base}/mcp"),
            codes: Cache::new(MAX_TOKENS, TOKEN_TTL),
            tokens: Cache::new(MAX_TOKENS, TOKEN_TTL),
        }));
        let called = if self.is_in_test { page.listen()? } else { base.to_owned() };
        let registration = Registration {
            type_name: "Server::dev",
            type_id: self.catalogue,
            id: PROVIDER_ID,
            name: self.name,
            api: format!("{called}/dev"),
            authorize: format!("{base}{DEV_LOGIN_PATH}"),
            token: format!("{called}/dev/access"),
            revoke: None,
            values: std::collections::BTreeMap::new(),
            issuer: None,
            catalogue: self.scopes,
            dialect: const { &Dialect::STANDARD.empty_scope_is_none(true) },
            profile: None,
            stand_in: None,
            awaits_stand_in: false,
            is_from_env: false,
            refresh: None,
            client_id: "broker".to_owned(),
            secret: None,
        };
        Ok((registration, page))
    }
}

/// The pages below `/dev`.
#[derive(Clone)]
pub(crate) struct SignInPage(Arc<SignInPageState>);

struct SignInPageState {
    people: Vec<String>,
    callback: String,
    resource: String,
    /// The sign-ins, by their code.
    codes: Cache<String, SignedIn>,
    /// The person's name, by the access token.
    tokens: Cache<String, String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SignedIn {
    person: String,
    challenge: String,
    scope: String,
}

/// The sign-ins and the tokens, each with the time that it has left.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    codes: Vec<(String, SignedIn, Duration)>,
    tokens: Vec<(String, String, Duration)>,
}

impl HandOver for SignInPage {
    fn snapshot(&self) -> Result<Box<RawValue>, serde_json::Error> {
        let Self(state) = self;
        hand_over::write(&Snapshot { codes: state.codes.entries(), tokens: state.tokens.entries() })
    }

    fn restore(&self, state: &RawValue) -> Result<(), serde_json::Error> {
        let Snapshot { codes, tokens } = hand_over::read(state)?;
        for (code, signed_in, left) in codes {
            // The next program may name others.
            if self.0.people.contains(&signed_in.person) {
                self.0.codes.insert_for(left, code, signed_in);
            }
        }
        for (token, person, left) in tokens {
            if self.0.people.contains(&person) {
                self.0.tokens.insert_for(left, token, person);
            }
        }
        Ok(())
    }
}

type Pairs = HashMap<String, String>;

impl SignInPage {
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(DEV_LOGIN_PATH, get(authorize))
            .route("/dev/access", post(redeem))
            .route("/dev/user", get(user))
            .route("/dev/token", get(issue_token))
            .with_state(self.clone())
    }

    /// Answers on a free port of this machine as well, until the runtime ends. Returns the URL.
    fn listen(&self) -> Result<String, ConfigError> {
        let listen = || {
            let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let fault = |error| {
            ConfigError::new(format!(
                "the sign-in of a test cannot listen on this machine: {error}"
            ))
        };
        let listener = listen().map_err(fault)?;
        let url = format!("http://{}", listener.local_addr().map_err(fault)?);
        let service = self.router().into_make_service();
        background::spawn(async move { axum::serve(listener, service).await });
        Ok(url)
    }
}

/// The authorization endpoint: a page with one link for each person. It has no form, because
/// browsers apply the `form-action` directive to the redirects that follow a form.
async fn authorize(
    State(SignInPage(state)): State<SignInPage>,
    Query(query): Query<Pairs>,
) -> Response {
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if get("redirect_uri") != state.callback || get("code_challenge").len() != 43 {
        return error_pages::unknown_answer();
    }
    let Some(person) = query.get("user") else {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
        let link = |person: &str| {
            let user: String = form_urlencoded::byte_serialize(person.as_bytes()).collect();
            format!("/dev/login?{query}&user={user}")
        };
        let body = html! {
            p { "This server is in development: anyone on this machine may sign in as anyone." }
            ul { @for person in &state.people { li { a href=(link(person)) { (person) } } } }
            p.next { "Requested scopes: " code { (get("scope")) } }
        };
        return page::page(StatusCode::OK, "Who are you?", body);
    };
    if !state.people.contains(person) {
        return error_pages::unknown_answer();
    }
    let code = crypto::random_token();
    let signed_in = SignedIn {
        person: person.clone(),
        challenge: get("code_challenge").to_owned(),
        scope: get("scope").to_owned(),
    };
    state.codes.insert(code.clone(), signed_in);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", get("state"))
        .finish();
    page::redirect(&format!("{}?{query}", state.callback))
}

/// The token endpoint.
async fn redeem(State(SignInPage(state)): State<SignInPage>, Form(form): Form<Pairs>) -> Response {
    let refuse = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    let signed_in = form.get("code").and_then(|code| state.codes.remove(code));
    let (Some(signed_in), Some(verifier)) = (signed_in, form.get("code_verifier")) else {
        return refuse().into_response();
    };
    if crypto::sha256_base64url(verifier) != signed_in.challenge {
        return refuse().into_response();
    }
    let token = crypto::random_token();
    state.tokens.insert(token.clone(), signed_in.person);
    let answer = json!({ "access_token": token, "token_type": "Bearer", "scope": signed_in.scope });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The API: to whom an access token belongs.
async fn user(State(SignInPage(state)): State<SignInPage>, headers: HeaderMap) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| state.tokens.get(token)) {
        Some(person) => Json(json!({ "login": person })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// A token for `curl`, without a sign-in.
async fn issue_token(
    State(SignInPage(state)): State<SignInPage>,
    Query(query): Query<Pairs>,
) -> Response {
    let person = query.get("user").filter(|person| state.people.contains(person));
    let Some(person) = person else {
        let people = state.people.join(", ");
        return (StatusCode::BAD_REQUEST, format!("`user` is one of: {people}\n")).into_response();
    };
    let scope = query.get("scope").map(String::as_str).unwrap_or_default();
    let mut token = token(person).audience(&state.resource).scopes(scope);
    if query.contains_key("expired") {
        token = token.expired();
    }
    ([(header::CACHE_CONTROL, "no-store")], token.to_string()).into_response()
}
