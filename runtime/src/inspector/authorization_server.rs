//! The authorization server at which people sign in: the server's own broker, or another one, at which
//! the page's client registers itself (RFC 7591).

use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::{
    env, gate,
    support::http_client::{bounded_bytes, client as http_client},
};

/// The identifier of the client at the server's own broker.
pub(crate) const CLIENT_ID: &str = "toolgate-inspector";

/// The environment variable with the client's identifier at another authorization server.
const CLIENT_ID_VARIABLE: &str = "TOOLGATE_INSPECTOR_CLIENT_ID";

/// The largest answer that is read of an authorization server, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// An authorization server, as this client uses it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct AuthorizationServer {
    pub(super) issuer: String,
    pub(super) authorize: String,
    pub(super) token: String,
    /// Where tokens are revoked (RFC 7009).
    pub(super) revoke: Option<String>,
    pub(super) client_id: String,
    /// Whether this server is it, so that requests stay in this process.
    pub(super) is_own: bool,
}

/// What another authorization server says of itself (RFC 8414), as far as the gate does not read it.
#[derive(Default, Deserialize)]
struct FurtherMetadata {
    issuer: String,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
}

impl AuthorizationServer {
    /// The broker of this server.
    #[cfg(feature = "broker")]
    pub(super) fn own(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            authorize: format!("{issuer}/oauth/authorize"),
            token: format!("{issuer}/oauth/token"),
            revoke: Some(format!("{issuer}/oauth/revoke")),
            client_id: CLIENT_ID.to_owned(),
            is_own: true,
        }
    }

    /// The authorization server `issuer`, at which a client with this redirect URI is registered, unless
    /// the environment names one.
    pub(super) async fn other(issuer: &str, redirect_uri: &str) -> Result<Self, String> {
        let http = http_client().map_err(|error| error.to_string())?;
        let found = gate::discover(&http, issuer).await.map_err(|error| error.to_string())?;
        let endpoints = (found.authorization_endpoint, found.token_endpoint);
        let (Some(authorize), Some(token)) = endpoints else {
            return Err(format!("The metadata of {issuer} names no endpoints for a sign-in."));
        };
        let further = further_metadata(&http, issuer).await.unwrap_or_default();
        let given = env::var(CLIENT_ID_VARIABLE);
        let client_id = match (given, further.registration_endpoint) {
            (Some(id), _) => id,
            (None, Some(endpoint)) => register(&http, (issuer, &endpoint), redirect_uri).await?,
            (None, None) => {
                return Err(format!(
                    "{issuer} does not register clients. Register one there with the redirect URI {redirect_uri}, and start the server with its identifier in {CLIENT_ID_VARIABLE}."
                ));
            }
        };
        let revoke = further.revocation_endpoint;
        Ok(Self { issuer: found.issuer, authorize, token, revoke, client_id, is_own: false })
    }
}

async fn register(
    http: &reqwest::Client,
    (issuer, endpoint): (&str, &str),
    redirect_uri: &str,
) -> Result<String, String> {
    let client = json!({
        "client_name": "toolgate inspector",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let request = http.post(endpoint).header(header::CONTENT_TYPE, "application/json");
    let (status, answer) = send(request.body(client.to_string())).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    match answer["client_id"].as_str() {
        Some(id) if status.is_success() => Ok(id.to_owned()),
        _ => Err(format!("{issuer} refused to register the inspector: {status}.")),
    }
}

async fn further_metadata(http: &reqwest::Client, issuer: &str) -> Option<FurtherMetadata> {
    for url in gate::metadata_urls(&Url::parse(issuer).ok()?) {
        let Ok((status, body)) = send(http.get(url)).await else { continue };
        let Ok(metadata) = serde_json::from_slice::<FurtherMetadata>(&body) else { continue };
        if status.is_success() && metadata.issuer == issuer {
            return Some(metadata);
        }
    }
    None
}

/// Sends a request to an authorization server.
pub(super) async fn send(
    request: reqwest::RequestBuilder,
) -> Result<(StatusCode, Vec<u8>), String> {
    let unreachable = |error: reqwest::Error| error.without_url().to_string();
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let body = reqwest::Body::from(response);
    let body = bounded_bytes(body, MAX_ANSWER_BYTES).await;
    Ok((status, body.map_err(|_| "The answer cannot be read.")?.to_vec()))
}
