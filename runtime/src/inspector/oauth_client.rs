//! OAuth client that the page is: it signs people in at the server's authorization server.
//!
//! That is the server's own broker, which knows this client, or another one, at which the client
//! registers itself (RFC 7591).

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{Method, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::{Url, form_urlencoded};

use super::{exchanges::Exchanges, local_client::LocalClient};
use crate::{
    gate,
    http::ExchangeRecorder as _,
    support::{
        crypto,
        escape::escape,
        http_client::{bounded_bytes, client as http_client},
    },
};

/// The identifier of the client at the server's own broker.
pub(crate) const CLIENT_ID: &str = "toolgate-inspector";

/// The path of the redirect URI.
pub(crate) const CALLBACK_PATH: &str = "/inspector/callback";

/// The environment variable with the client's identifier at another authorization server.
const CLIENT_ID_VARIABLE: &str = "TOOLGATE_INSPECTOR_CLIENT_ID";

/// How long a sign-in may take.
const SIGN_IN_TTL: Duration = Duration::from_secs(600);

/// The most sign-ins under way.
const MAX_SIGN_INS: usize = 16;

/// The largest answer that is read of an authorization server, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// The redirect URI of the client of the server that listens on this address.
pub(crate) fn redirect_uri(address: SocketAddr) -> String {
    format!("http://{address}{CALLBACK_PATH}")
}

/// An authorization server, as this client uses it.
#[derive(Clone)]
pub(super) struct AuthorizationServer {
    pub(super) issuer: String,
    authorize: String,
    token: String,
    pub(super) client_id: String,
    /// Whether this server is it, so that requests stay in this process.
    is_own: bool,
}

/// Tokens that were issued.
#[derive(Deserialize)]
pub(super) struct IssuedTokens {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
}

/// What another authorization server says of itself (RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: Option<String>,
}

/// A sign-in under way.
struct SignIn {
    state: String,
    verifier: String,
    server: AuthorizationServer,
    since: Instant,
}

/// The client.
pub(super) struct OAuthClient {
    redirect_uri: String,
    resource: String,
    sign_ins: Mutex<Vec<SignIn>>,
    registered: OnceCell<AuthorizationServer>,
}

impl AuthorizationServer {
    /// The broker of this server.
    #[cfg(feature = "broker")]
    pub(super) fn own(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            authorize: format!("{issuer}/oauth/authorize"),
            token: format!("{issuer}/oauth/token"),
            client_id: CLIENT_ID.to_owned(),
            is_own: true,
        }
    }
}

impl OAuthClient {
    /// `address`: that of the listener.
    pub(super) fn new(address: SocketAddr, resource: &str) -> Self {
        Self {
            redirect_uri: redirect_uri(address),
            resource: resource.to_owned(),
            sign_ins: Mutex::default(),
            registered: OnceCell::new(),
        }
    }

    /// The authorization server `issuer`, at which this client is registered once.
    pub(super) async fn other(&self, issuer: &str) -> Result<AuthorizationServer, String> {
        self.registered.get_or_try_init(|| self.register(issuer)).await.cloned()
    }

    async fn register(&self, issuer: &str) -> Result<AuthorizationServer, String> {
        let http = http_client().map_err(|error| error.to_string())?;
        let found = gate::discover(&http, issuer).await.map_err(|error| error.to_string())?;
        // The members that the gate does not use are read here.
        let mut metadata = Metadata {
            issuer: found.issuer,
            authorization_endpoint: found.authorization_endpoint.unwrap_or_default(),
            token_endpoint: found.token_endpoint.unwrap_or_default(),
            registration_endpoint: None,
        };
        if metadata.authorization_endpoint.is_empty() || metadata.token_endpoint.is_empty() {
            return Err(format!("The metadata of {issuer} names no endpoints for a sign-in."));
        }
        let given = std::env::var(CLIENT_ID_VARIABLE).ok().filter(|id| !id.is_empty());
        let client_id = match given {
            Some(id) => id,
            None => {
                metadata.registration_endpoint = registration_endpoint(&http, issuer).await;
                self.register_at(&http, &metadata).await?
            }
        };
        Ok(AuthorizationServer {
            issuer: metadata.issuer,
            authorize: metadata.authorization_endpoint,
            token: metadata.token_endpoint,
            client_id,
            is_own: false,
        })
    }

    async fn register_at(
        &self,
        http: &reqwest::Client,
        metadata: &Metadata,
    ) -> Result<String, String> {
        let Some(endpoint) = &metadata.registration_endpoint else {
            return Err(format!(
                "{} does not register clients. Register one there with the redirect URI {}, and start the server with its identifier in {CLIENT_ID_VARIABLE}.",
                metadata.issuer, self.redirect_uri
            ));
        };
        let client = json!({
            "client_name": "toolgate inspector",
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let request = http.post(endpoint).header(header::CONTENT_TYPE, "application/json");
        let (status, answer) = send(request.body(client.to_string())).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        match answer["client_id"].as_str() {
            Some(id) if status.is_success() => Ok(id.to_owned()),
            _ => Err(format!("{} refused to register the inspector: {status}.", metadata.issuer)),
        }
    }

    /// Begins a sign-in, and returns the URL that the person opens.
    pub(super) fn authorization_url(
        &self,
        server: &AuthorizationServer,
        scopes: &[String],
    ) -> String {
        let (state, verifier) = (crypto::random_token(), crypto::random_token());
        let challenge = crypto::sha256_base64url(&verifier);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &server.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &self.resource),
        ]);
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes.join(" "));
        }
        let separator = if server.authorize.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}{}", server.authorize, query.finish());
        let mut sign_ins = self.sign_ins();
        sign_ins.retain(|sign_in| sign_in.since.elapsed() < SIGN_IN_TTL);
        if sign_ins.len() >= MAX_SIGN_INS {
            sign_ins.remove(0);
        }
        let server = server.clone();
        sign_ins.push(SignIn { state, verifier, server, since: Instant::now() });
        url
    }

    /// Ends a sign-in with the answer of the authorization server: the query of the redirect. It is
    /// not bound to a browser: who began it has the page, and its `state` is a secret of both.
    pub(super) async fn finish(
        &self,
        query: &str,
        local: (&LocalClient, &Exchanges),
    ) -> Result<(AuthorizationServer, IssuedTokens), String> {
        let get = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let state = get("state").unwrap_or_default();
        let sign_in = self.take(&state).ok_or("This sign-in is not known, or took too long.")?;
        // RFC 9207 §2.4.
        if get("iss").is_some_and(|issuer| issuer != sign_in.server.issuer) {
            return Err("The answer is of another authorization server.".to_owned());
        }
        let Some(code) = get("code") else {
            let error = get("error").unwrap_or_default();
            return Err(format!("The sign-in was refused: {}.", escape(&error)));
        };
        let SignIn { verifier, server, .. } = sign_in;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &server.client_id),
            ("code_verifier", &verifier),
            ("resource", &self.resource),
        ];
        let tokens = request_tokens(&server, &form, local).await?;
        Ok((server, tokens))
    }

    /// Renews a token.
    pub(super) async fn refresh(
        &self,
        server: &AuthorizationServer,
        refresh_token: &str,
        local: (&LocalClient, &Exchanges),
    ) -> Result<IssuedTokens, String> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", &server.client_id),
            ("resource", &self.resource),
        ];
        request_tokens(server, &form, local).await
    }

    fn take(&self, state: &str) -> Option<SignIn> {
        let mut sign_ins = self.sign_ins();
        sign_ins.retain(|sign_in| sign_in.since.elapsed() < SIGN_IN_TTL);
        let at = sign_ins.iter().position(|it| crypto::constant_time_eq(&it.state, state))?;
        Some(sign_ins.remove(at))
    }

    fn sign_ins(&self) -> MutexGuard<'_, Vec<SignIn>> {
        self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the token endpoint.
async fn request_tokens(
    server: &AuthorizationServer,
    form: &[(&str, &str)],
    (local, exchanges): (&LocalClient, &Exchanges),
) -> Result<IssuedTokens, String> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let (status, answer) = if server.is_own {
        let path = Url::parse(&server.token).map_err(|error| error.to_string())?.path().to_owned();
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, FORM)
            .header(header::ACCEPT, "application/json")
            .body(body.into_bytes())
            .map_err(|error| error.to_string())?;
        let exchange = local.exchange(exchanges.next_id(), request).await?;
        exchanges.keep_own(&exchange, None);
        (exchange.status, exchange.response)
    } else {
        let http = http_client().map_err(|error| error.to_string())?;
        let request = http.post(&server.token).header(header::CONTENT_TYPE, FORM);
        send(request.header(header::ACCEPT, "application/json").body(body)).await?
    };
    if !status.is_success() {
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let code = answer["error"].as_str().unwrap_or("no reason");
        return Err(format!("{} gave no token: {status}, {}.", server.issuer, escape(code)));
    }
    serde_json::from_slice(&answer)
        .map_err(|_| format!("{} gave an answer that is no token response.", server.issuer))
}

async fn send(request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), String> {
    let unreachable = |error: reqwest::Error| error.without_url().to_string();
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let body = reqwest::Body::from(response);
    let body = bounded_bytes(body, MAX_ANSWER_BYTES).await;
    Ok((status, body.map_err(|_| "The answer cannot be read.")?.to_vec()))
}

/// The registration endpoint in the metadata of `issuer`.
async fn registration_endpoint(http: &reqwest::Client, issuer: &str) -> Option<String> {
    for url in gate::metadata_urls(&Url::parse(issuer).ok()?) {
        let Ok((status, body)) = send(http.get(url)).await else { continue };
        let Ok(metadata) = serde_json::from_slice::<Metadata>(&body) else { continue };
        if status.is_success() && metadata.issuer == issuer {
            return metadata.registration_endpoint;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> OAuthClient {
        OAuthClient::new("127.0.0.1:8765".parse().unwrap(), "http://127.0.0.1:8765/mcp")
    }

    fn server() -> AuthorizationServer {
        AuthorizationServer {
            issuer: "http://127.0.0.1:8765".to_owned(),
            authorize: "http://127.0.0.1:8765/oauth/authorize".to_owned(),
            token: "http://127.0.0.1:8765/oauth/token".to_owned(),
            client_id: CLIENT_ID.to_owned(),
            is_own: true,
        }
    }

    fn state_of(url: &str) -> String {
        let url = Url::parse(url).unwrap();
        url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
    }

    #[test]
    fn a_sign_in_is_known_once() {
        let client = client();
        let url = client.authorization_url(&server(), &["repo:read".to_owned()]);
        assert!(url.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Finspector%2Fcallback"));
        assert!(url.contains("scope=repo%3Aread"), "{url}");
        let state = state_of(&url);
        assert!(client.take("").is_none() && client.take(&state[1..]).is_none());
        assert!(client.take(&state).is_some());
        assert!(client.take(&state).is_none());
    }

    #[test]
    fn sign_ins_under_way_are_bounded() {
        let client = client();
        let first = state_of(&client.authorization_url(&server(), &[]));
        for _ in 0..MAX_SIGN_INS {
            client.authorization_url(&server(), &[]);
        }
        assert_eq!(client.sign_ins().len(), MAX_SIGN_INS);
        assert!(client.take(&first).is_none());
    }
}
