//! Whose browser opens a link, or the page of accounts, where an outside authorization server signs people in.
//!
//! The server is a client of it (RFC 6749 §4.1, RFC 7636, RFC 9207), asks for a token for itself
//! (RFC 8707), and has the gate's verifier say whose it is. So the person of a link is compared with
//! that of the call by one and the same claim.

use std::{any::TypeId, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    browser::cookie,
    consent::{Consents, Recognize, accounts, page},
    gate::{Credentials, Presented, ServerMetadata, SignIn, Verifier, discover},
    grant::{Clock, Grants},
    oauth::{self, AuthorizationCode, PkceCodeVerifier, RedirectUrl, UpstreamClient},
    provider::{Dialect, Registration},
    support::random,
};

/// Where the browser comes back to.
const SIGNED_IN: &str = "signed-in";

/// Where a browser begins that wants to see its accounts.
const TO_ACCOUNTS: &str = "/sign-in";

/// The cookie that binds a state to the browser that started.
const STATE: &str = "toolgate-sign-in";

/// The cookie of somebody who is signed in.
const SESSION: &str = "toolgate-person";

/// How long a state is good, and a sign-in after it.
const LIFE: Duration = Duration::from_secs(600);

/// Signs people in at the authorization server whose tokens the gate accepts.
#[derive(Clone)]
pub(crate) struct BySignIn(Arc<Inner>);

struct Inner {
    client: SignIn,
    verifier: Arc<dyn Verifier>,
    /// `None`: the server's URL and `/mcp`.
    resource: Option<String>,
    grants: Grants,
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
}

/// What is kept between the browser's departure and its return, sealed by the store.
#[derive(Serialize, Deserialize)]
struct Departure {
    /// The path to which the browser comes back.
    back: String,
    verifier: PkceCodeVerifier,
    browser: String,
    metadata: ServerMetadata,
}

impl BySignIn {
    pub(crate) fn new(
        client: SignIn,
        verifier: Arc<dyn Verifier>,
        resource: Option<String>,
        grants: Grants,
        clock: Arc<dyn Clock>,
        http: reqwest::Client,
    ) -> Self {
        Self(Arc::new(Inner { client, verifier, resource, grants, clock, http }))
    }

    pub(crate) fn router(&self, consents: Consents) -> Router {
        Router::new()
            .route("/sign-in/{link}", get(depart))
            .route(TO_ACCOUNTS, get(depart_to_accounts))
            .route(&format!("/{SIGNED_IN}"), get(arrive))
            .with_state((self.clone(), consents))
    }

    fn resource(&self, consents: &Consents) -> String {
        self.0.resource.clone().unwrap_or_else(|| consents.url("mcp"))
    }

    /// Our client of the server that this metadata is of.
    fn oauth(&self, metadata: &ServerMetadata, resource: String) -> Result<UpstreamClient, String> {
        let SignIn { client_id, secret, auth, .. } = &self.0.client;
        let named = |url: &Option<String>, what| {
            url.clone()
                .ok_or_else(|| format!("the metadata of `{}` has no {what}", metadata.issuer))
        };
        let registration = Registration {
            type_id: TypeId::of::<Self>(),
            id: "sign-in",
            name: "the authorization server",
            api: metadata.issuer.clone(),
            authorize: named(&metadata.authorization_endpoint, "authorization_endpoint")?,
            token: named(&metadata.token_endpoint, "token_endpoint")?,
            revoke: None,
            issuer: metadata.names_itself.then(|| metadata.issuer.clone()),
            catalogue: &[],
            dialect: Dialect { client_auth: *auth, ..Dialect::STANDARD },
            client_id: client_id.clone(),
            secret: secret.clone(),
        };
        let oauth =
            UpstreamClient::new(registration, self.0.http.clone()).map_err(|e| e.to_string())?;
        Ok(oauth.for_resource(resource))
    }

    async fn depart(&self, consents: &Consents, to: String) -> Result<Response, String> {
        let issuers = self.0.verifier.authorization_servers();
        let issuer = issuers.first().ok_or("the gate's verifier names no authorization server")?;
        let metadata = discover(&self.0.http, issuer)
            .await
            .map_err(|error| format!("the metadata of `{issuer}`: {error}"))?;
        // Some that know PKCE say nothing of it; one that lists other methods does not know ours.
        if metadata.challenges.as_ref().is_some_and(|all| all.iter().all(|one| one != "S256")) {
            return Err(format!("`{issuer}` does not know PKCE with S256 (RFC 7636)"));
        }
        let upstream = self.oauth(&metadata, self.resource(consents))?;
        let (challenge, verifier) = oauth::new_pkce();
        let (state, browser) = (oauth::new_state(), random::text());
        let redirect_url = redirect_url(consents);
        let url =
            upstream.authorization_url(&self.0.client.scopes, &state, challenge, &redirect_url);
        let departure = Departure { back: to, verifier, browser: browser.clone(), metadata };
        self.keep(&format!("sign-in:{}", state.secret()), &departure).await?;
        let mut response = Redirect::to(url.as_str()).into_response();
        page::harden(response.headers_mut());
        let name = cookie::name_for(STATE, state.secret());
        let bound = cookie::set(&name, &browser, consents.is_https());
        response.headers_mut().append(header::SET_COOKIE, bound);
        Ok(response)
    }

    /// What departed under `state` from this browser, once.
    async fn return_of(&self, state: &str, browser: &str) -> Result<Option<Departure>, String> {
        let (store, id) = (self.0.grants.store(), format!("sign-in:{state}"));
        let read =
            |bytes: Option<Vec<u8>>| -> Option<Departure> { serde_json::from_slice(&bytes?).ok() };
        let found = read(store.peek_pending(&id).await.map_err(|error| error.to_string())?);
        let same = |d: &Departure| bool::from(d.browser.as_bytes().ct_eq(browser.as_bytes()));
        if !found.as_ref().is_some_and(same) {
            return Ok(None);
        }
        Ok(read(store.take_pending(&id).await.map_err(|error| error.to_string())?))
    }

    async fn keep(&self, id: &str, value: &impl Serialize) -> Result<(), String> {
        let bytes = serde_json::to_vec(value).map_err(|error| error.to_string())?;
        let store = self.0.grants.store();
        let until = self.0.clock.now() + LIFE;
        store.put_pending(id, &bytes, until).await.map_err(|error| error.to_string())
    }

    /// Redeems the code, and says whose token it gives.
    async fn whose(
        &self,
        consents: &Consents,
        departure: &Departure,
        arrival: &Arrival,
    ) -> Result<String, Ended> {
        let resource = self.resource(consents);
        let oauth = self.oauth(&departure.metadata, resource.clone()).map_err(Ended::Fault)?;
        oauth
            .check_issuer(arrival.iss.as_deref())
            .map_err(|reason| Ended::Refused(reason.to_owned()))?;
        if arrival.iss.as_ref().is_some_and(|iss| *iss != departure.metadata.issuer) {
            return Err(Ended::Refused("the answer comes from another issuer".to_owned()));
        }
        let Some(code) = &arrival.code else {
            let error = arrival.error.as_deref().unwrap_or("no code");
            let error: String = error.chars().filter(|c| !c.is_control()).take(80).collect();
            return Err(Ended::Refused(format!("the authorization server answered `{error}`")));
        };
        let code = AuthorizationCode::new(code.clone());
        let tokens = oauth
            .exchange_code(code, &departure.verifier, &redirect_url(consents))
            .await
            .map_err(|error| Ended::Fault(format!("a code was not redeemed: {error}")))?;
        let credentials = Credentials::bearer(tokens.access_token.expose_secret())
            .ok_or_else(|| Ended::Fault("a sign-in gave no access token".to_owned()))?;
        let presented = Presented::new(&credentials, &resource, "GET");
        let claims = self.0.verifier.verify(presented).await.map_err(|refusal| {
            Ended::Fault(format!("the token of a sign-in is not accepted: {refusal}"))
        })?;
        if claims.is_client_credentials() {
            return Err(Ended::Fault("the token of a sign-in is a machine's".to_owned()));
        }
        Ok(claims.principal())
    }
}

fn redirect_url(consents: &Consents) -> RedirectUrl {
    RedirectUrl::new(consents.url(SIGNED_IN)).expect("a URL with a path")
}

enum Ended {
    /// By the person, or by who sent them here.
    Refused(String),
    /// By something that the operator has to look at.
    Fault(String),
}

/// The authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Deserialize)]
struct Arrival {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn depart(
    State((sign_in, consents)): State<(BySignIn, Consents)>,
    Path(link): Path<String>,
) -> Response {
    if consents.progress(&link).is_none() {
        return page::expired();
    }
    let back = format!("/connect/{link}");
    sign_in.depart(&consents, back).await.unwrap_or_else(|error| fault(&error))
}

async fn depart_to_accounts(State((sign_in, consents)): State<(BySignIn, Consents)>) -> Response {
    let back = accounts::PATH.to_owned();
    sign_in.depart(&consents, back).await.unwrap_or_else(|error| fault(&error))
}

async fn arrive(
    State((sign_in, consents)): State<(BySignIn, Consents)>,
    Query(arrival): Query<Arrival>,
    headers: HeaderMap,
) -> Response {
    let Some(state) = arrival.state.as_deref() else { return page::not_ours() };
    let name = cookie::name_for(STATE, state);
    let Some(browser) = cookie::get(&headers, &name, consents.is_https()) else {
        return page::other_browser();
    };
    let departure = match sign_in.return_of(state, browser).await {
        Ok(Some(departure)) => departure,
        Ok(None) => return page::expired(),
        Err(error) => return fault(&error),
    };
    let person = match sign_in.whose(&consents, &departure, &arrival).await {
        Ok(person) => person,
        Err(Ended::Refused(reason)) => {
            tracing::info!(target: "toolgate::consent", reason, "nobody signed in");
            return page::not_signed_in(&reason);
        }
        Err(Ended::Fault(error)) => return fault(&error),
    };
    let session = random::text();
    if let Err(error) = sign_in.keep(&id_of(&session), &person).await {
        return fault(&error);
    }
    let mut response = Redirect::to(&departure.back).into_response();
    page::harden(response.headers_mut());
    let signed_in = cookie::set(SESSION, &session, consents.is_https());
    response.headers_mut().append(header::SET_COOKIE, signed_in);
    response
}

fn fault(error: &str) -> Response {
    tracing::error!(target: "toolgate::consent", error, "a person cannot sign in to open a link");
    page::our_fault()
}

/// Who reads the store does not learn what is in the cookie.
fn id_of(session: &str) -> String {
    format!("person:{}", BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, session.as_bytes())))
}

#[async_trait]
impl Recognize for BySignIn {
    async fn subject(&self, headers: &HeaderMap, https: bool) -> Result<Option<String>, String> {
        let Some(session) = cookie::get(headers, SESSION, https) else { return Ok(None) };
        let found = self.0.grants.store().peek_pending(&id_of(session)).await;
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn sign_in(&self, path: &str) -> String {
        if path == accounts::PATH {
            return TO_ACCOUNTS.to_owned();
        }
        path.replacen("/connect/", "/sign-in/", 1)
    }

    fn sign_out(&self, https: bool) -> Option<http::HeaderValue> {
        Some(cookie::set(SESSION, "", https))
    }

    async fn owner(&self, _: &str, _: &SecretString) -> Result<Option<String>, String> {
        Ok(None)
    }
}
