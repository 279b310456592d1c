//! The sign-in page, and what the broker asks after it: a provider that knows nothing but names.

use std::{any::TypeId, collections::HashMap, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use maud::html;
use serde_json::json;
use url::{Url, form_urlencoded};

use crate::{
    consent::page,
    error::ConfigError,
    provider::{Dialect, Registration, is_loopback},
    scope::{Catalogue, Scope},
    support::{cache::Cache, random},
};

/// The provider's identifier, in the callback's path.
const ID: &str = "dev";

/// What a server was told: who signs in, and for which scopes.
pub(crate) struct Wanted {
    catalogue: TypeId,
    name: &'static str,
    scopes: &'static [Scope],
    people: Vec<String>,
}

impl Wanted {
    pub(crate) fn of<C: Catalogue>(people: Vec<String>) -> Self {
        Self { catalogue: TypeId::of::<C>(), name: C::NAME, scopes: C::SCOPES, people }
    }

    /// The catalogue's type stands for the provider.
    pub(crate) fn provider(&self) -> TypeId {
        self.catalogue
    }

    /// What a newcomer is told.
    pub(crate) fn hint(&self, base: &str) -> String {
        let user = self.people.first().map_or("alice", String::as_str);
        let scope = self.scopes.first().map_or("", |scope| scope.name);
        format!(
            "  For development: sign in as {}, or take a token:\n  curl '{base}/dev/token?user={user}&scope={scope}'\n",
            self.people.join(" or ")
        )
    }

    /// The provider, as the broker knows it, and its pages.
    pub(crate) fn open(self, base: &Url) -> Result<(Registration, Login), ConfigError> {
        if !is_loopback(base) {
            return Err(ConfigError::new(format!(
                "`Server::dev` lets everybody be anybody, and `{base}` is not this machine alone"
            ))
            .help("put a `.gate(..)` or a `.broker(..)` in its place where others can come"));
        }
        if self.people.iter().all(String::is_empty) {
            return Err(ConfigError::new("`Server::dev` names nobody who could sign in")
                .help("name somebody: `.dev::<Catalogue>([\"alice\"])`"));
        }
        let base = base.as_str().trim_end_matches('/');
        let registration = Registration {
            type_id: self.catalogue,
            id: ID,
            name: self.name,
            api: format!("{base}/dev"),
            authorize: format!("{base}/dev/login"),
            token: format!("{base}/dev/access"),
            revoke: None,
            issuer: None,
            catalogue: self.scopes,
            dialect: Dialect::STANDARD,
            client_id: "broker".to_owned(),
            secret: None,
        };
        let life = Duration::from_secs(600);
        let login = Login(Arc::new(Inner {
            people: self.people,
            callback: format!("{base}/callback/{ID}"),
            resource: format!("{base}/mcp"),
            codes: Cache::new(1000, life),
            tokens: Cache::new(1000, life),
        }));
        Ok((registration, login))
    }
}

/// The pages below `/dev`.
#[derive(Clone)]
pub(crate) struct Login(Arc<Inner>);

struct Inner {
    people: Vec<String>,
    callback: String,
    resource: String,
    /// By the code.
    codes: Cache<String, SignedIn>,
    /// By the token.
    tokens: Cache<String, String>,
}

#[derive(Clone)]
struct SignedIn {
    person: String,
    challenge: String,
    scope: String,
}

type Pairs = HashMap<String, String>;

impl Login {
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/dev/login", get(login))
            .route("/dev/access", post(access))
            .route("/dev/user", get(user))
            .route("/dev/token", get(token))
            .with_state(self.clone())
    }
}

/// One link for each person. No form: a browser would hold its target to what follows, as well.
async fn login(State(Login(login)): State<Login>, Query(query): Query<Pairs>) -> Response {
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if get("redirect_uri") != login.callback || get("code_challenge").len() != 43 {
        return page::not_ours();
    }
    let Some(person) = query.get("user") else {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
        let link = |person: &str| {
            let user: String = form_urlencoded::byte_serialize(person.as_bytes()).collect();
            format!("/dev/login?{query}&user={user}")
        };
        let body = html! {
            p { "This server is being developed: everybody on this machine may be anybody." }
            ul { @for person in &login.people { li { a href=(link(person)) { (person) } } } }
            p.next { "It is asked for: " code { (get("scope")) } }
        };
        return page::page(StatusCode::OK, "Who are you?", &body);
    };
    if !login.people.contains(person) {
        return page::not_ours();
    }
    let code = random::text();
    let signed_in = SignedIn {
        person: person.clone(),
        challenge: get("code_challenge").to_owned(),
        scope: get("scope").to_owned(),
    };
    login.codes.insert(code.clone(), signed_in);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", get("state"))
        .finish();
    Redirect::to(&format!("{}?{query}", login.callback)).into_response()
}

async fn access(State(Login(login)): State<Login>, Form(form): Form<Pairs>) -> Response {
    let refused = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    let signed_in = form.get("code").and_then(|code| login.codes.remove(code));
    let (Some(signed_in), Some(verifier)) = (signed_in, form.get("code_verifier")) else {
        return refused().into_response();
    };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if challenge != signed_in.challenge {
        return refused().into_response();
    }
    let token = random::text();
    login.tokens.insert(token.clone(), signed_in.person);
    let answer = json!({ "access_token": token, "token_type": "Bearer", "scope": signed_in.scope });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

async fn user(State(Login(login)): State<Login>, headers: HeaderMap) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| login.tokens.get(token)) {
        Some(person) => Json(json!({ "login": person })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn token(State(Login(login)): State<Login>, Query(query): Query<Pairs>) -> Response {
    let person = query.get("user").filter(|person| login.people.contains(person));
    let Some(person) = person else {
        let people = login.people.join(", ");
        return (StatusCode::BAD_REQUEST, format!("`user` is one of: {people}\n")).into_response();
    };
    let scope = query.get("scope").map(String::as_str).unwrap_or_default();
    let mut token = super::token(person).audience(&login.resource).scopes(scope);
    if query.contains_key("expired") {
        token = token.expired();
    }
    ([(header::CACHE_CONTROL, "no-store")], token.to_string()).into_response()
}
