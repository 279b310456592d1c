//! OAuth client that the page is: it signs people in at the server's authorization server.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::{Method, Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::{Url, form_urlencoded};

use super::{
    authorization_server::{AuthorizationServer, send},
    exchanges::Exchanges,
    local_client::LocalClient,
};
use crate::{
    http::ExchangeRecorder as _,
    support::{crypto, escape::escape, http_client::client as http_client},
};

/// The path of the redirect URI.
pub(crate) const CALLBACK_PATH: &str = "/inspector/callback";

/// How long a sign-in may take.
const SIGN_IN_TTL: Duration = Duration::from_secs(600);

/// The most sign-ins under way.
const MAX_SIGN_INS: usize = 16;

/// The redirect URI of the client of the server that listens on this address.
pub(crate) fn redirect_uri(address: SocketAddr) -> String {
    format!("http://{address}{CALLBACK_PATH}")
}

/// Tokens that were issued.
#[derive(Deserialize)]
pub(super) struct IssuedTokens {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
}

/// A sign-in under way.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SignIn {
    state: String,
    verifier: String,
    server: AuthorizationServer,
    since: SystemTime,
}

impl SignIn {
    /// Whether it may be finished.
    fn is_under_way(&self) -> bool {
        self.since.elapsed().is_ok_and(|elapsed| elapsed < SIGN_IN_TTL)
    }
}

/// The client.
pub(super) struct OAuthClient {
    redirect_uri: String,
    resource: String,
    sign_ins: Mutex<Vec<SignIn>>,
    registered: OnceCell<AuthorizationServer>,
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
        let found = || AuthorizationServer::other(issuer, &self.redirect_uri);
        self.registered.get_or_try_init(found).await.cloned()
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
        sign_ins.retain(SignIn::is_under_way);
        if sign_ins.len() >= MAX_SIGN_INS {
            sign_ins.remove(0);
        }
        let server = server.clone();
        sign_ins.push(SignIn { state, verifier, server, since: SystemTime::now() });
        url
    }

    /// The sign-ins under way.
    pub(super) fn pending(&self) -> Vec<SignIn> {
        self.sign_ins().clone()
    }

    /// Goes on with the sign-ins of the program before this one.
    pub(super) fn restore(&self, mut kept: Vec<SignIn>) {
        kept.retain(SignIn::is_under_way);
        kept.truncate(MAX_SIGN_INS);
        *self.sign_ins() = kept;
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

    /// Revokes a token (RFC 7009).
    pub(super) async fn revoke(
        &self,
        server: &AuthorizationServer,
        token: (&str, &str),
        local: (&LocalClient, &Exchanges),
    ) -> Result<(), String> {
        let endpoint = server.revoke.as_ref();
        let endpoint = endpoint.ok_or_else(|| format!("{} revokes no tokens.", server.issuer))?;
        let (kind, token) = token;
        let form = [("token", token), ("token_type_hint", kind), ("client_id", &*server.client_id)];
        let (status, answer) = post(server, endpoint, &form, local).await?;
        if status.is_success() {
            return Ok(());
        }
        let code = error_code(&answer);
        Err(format!("{} did not revoke the token: {status}, {code}.", server.issuer))
    }

    fn take(&self, state: &str) -> Option<SignIn> {
        let mut sign_ins = self.sign_ins();
        sign_ins.retain(SignIn::is_under_way);
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
    local: (&LocalClient, &Exchanges),
) -> Result<IssuedTokens, String> {
    let (status, answer) = post(server, &server.token, form, local).await?;
    if !status.is_success() {
        let code = error_code(&answer);
        return Err(format!("{} gave no token: {status}, {code}.", server.issuer));
    }
    serde_json::from_slice(&answer)
        .map_err(|_| format!("{} gave an answer that is no token response.", server.issuer))
}

/// Sends a form to an endpoint of the authorization server.
async fn post(
    server: &AuthorizationServer,
    endpoint: &str,
    form: &[(&str, &str)],
    (local, exchanges): (&LocalClient, &Exchanges),
) -> Result<(StatusCode, Vec<u8>), String> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    if !server.is_own {
        let http = http_client().map_err(|error| error.to_string())?;
        let request = http.post(endpoint).header(header::CONTENT_TYPE, FORM);
        return send(request.header(header::ACCEPT, "application/json").body(body)).await;
    }
    let path = Url::parse(endpoint).map_err(|error| error.to_string())?.path().to_owned();
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, FORM)
        .header(header::ACCEPT, "application/json")
        .body(body.into_bytes())
        .map_err(|error| error.to_string())?;
    let exchange = local.exchange(exchanges.next_id(), request).await?;
    exchanges.keep_own(&exchange, None);
    Ok((exchange.status, exchange.response))
}

fn error_code(answer: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    escape(answer["error"].as_str().unwrap_or("no reason")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::authorization_server::CLIENT_ID, *};

    fn client() -> OAuthClient {
        OAuthClient::new("127.0.0.1:8765".parse().unwrap(), "http://127.0.0.1:8765/mcp")
    }

    fn server() -> AuthorizationServer {
        AuthorizationServer {
            issuer: "http://127.0.0.1:8765".to_owned(),
            authorize: "http://127.0.0.1:8765/oauth/authorize".to_owned(),
            token: "http://127.0.0.1:8765/oauth/token".to_owned(),
            client_id: CLIENT_ID.to_owned(),
            revoke: None,
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
