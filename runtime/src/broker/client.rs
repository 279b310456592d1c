//! Clients: who requests access, and who vouches for their metadata.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    endpoint::error::{OAuthError, required},
    state::Broker,
    store::typed_store::{CLIENTS, TypedStore},
};
use crate::support::digest;
use crate::{
    browser::{form::Parameters, request_limit::TooManyRequests},
    error::ConfigError,
    grant::StoreError,
};

/// How long a client that registered itself is stored until the first sign-in with it. The store has
/// room for as many as the rate limit allows in that time.
pub(crate) const UNUSED_CLIENT_TTL: Duration = Duration::from_secs(8 * 3600);
/// How long it is stored after a sign-in.
pub(crate) const USED_CLIENT_TTL: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest `client_id`.
const MAX_CLIENT_ID_LEN: usize = 1024;

/// Who vouches for a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientTrust {
    /// The operator of this server.
    Known,
    /// The site at which its metadata document is published.
    Document { host: String },
    /// Nobody, because it registered itself.
    Registered,
}

/// A client of any kind.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) trust: ClientTrust,
}

/// A client that registered itself, as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegisteredClient {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    /// The digest of its secret; `None` for a public client.
    pub(crate) secret: Option<String>,
    pub(crate) refreshes: bool,
    /// When its registration was prolonged last.
    pub(crate) prolonged_at: u64,
}

/// A client that the operator registers with [`BrokerBuilder::client`](super::BrokerBuilder::client).
///
/// `Debug` does not show its secret.
#[derive(Clone, Debug)]
pub struct KnownClient {
    id: String,
    name: String,
    redirect_uris: Vec<String>,
    secret: Option<SecretString>,
}

impl KnownClient {
    /// Creates the client `id`, which consent pages call `name`.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), redirect_uris: Vec::new(), secret: None }
    }

    /// Adds a redirect URI. Requests must match it exactly, except for the port of a loopback address.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Makes this a confidential client with this secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(SecretString::from(secret.into()));
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn check(&self, schemes: &[String]) -> Result<(), ConfigError> {
        let fault = |what: String| ConfigError::new(format!("the client `{}`: {what}", self.id));
        if self.id.is_empty() || self.id.len() > MAX_CLIENT_ID_LEN || is_url(&self.id) {
            return Err(fault("its id is empty, too long, or a URL".to_owned()));
        }
        if self.redirect_uris.is_empty() {
            return Err(fault("it has no redirect URI".to_owned()));
        }
        for uri in &self.redirect_uris {
            super::redirect::check(uri, schemes).map_err(|why| fault(format!("`{uri}`: {why}")))?;
        }
        Ok(())
    }
}

/// Why a client cannot be used.
pub(crate) enum ClientError {
    Unknown,
    /// Its metadata document cannot be used.
    Document(String),
    TooManyRequests(TooManyRequests),
    Store(StoreError),
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Whether the `client_id` is the URL of a metadata document.
pub(crate) fn is_url(id: &str) -> bool {
    let scheme = id.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| s.eq_ignore_ascii_case("https") || s.eq_ignore_ascii_case("http"))
}

/// The clients without metadata documents.
pub(crate) struct Clients {
    pub(crate) records: TypedStore,
    pub(crate) known: HashMap<String, KnownClient>,
}

/// A client that authenticated at the token endpoint; a public client has no credentials.
pub(crate) struct AuthenticatedClient {
    pub(crate) id: String,
    pub(crate) refreshes: bool,
}

impl Broker {
    /// Whether the client is one installation of one host, because it registered itself. A client
    /// with a document, or of the operator, is every installation.
    pub(crate) fn is_one_installation(&self, id: &str) -> bool {
        !is_url(id) && !self.0.clients.known.contains_key(id)
    }

    /// The client with this identifier.
    pub(crate) async fn client(
        &self,
        id: &str,
        party: Option<IpAddr>,
    ) -> Result<Client, ClientError> {
        if id.len() > MAX_CLIENT_ID_LEN {
            return Err(ClientError::Unknown);
        }
        if is_url(id) {
            return self.0.documents.client(id, party, &self.0.limits.documents).await;
        }
        if let Some(known) = self.0.clients.known.get(id) {
            return Ok(Client {
                id: id.to_owned(),
                name: Some(known.name.clone()),
                redirect_uris: known.redirect_uris.clone(),
                trust: ClientTrust::Known,
            });
        }
        let found = self.0.clients.records.read::<RegisteredClient>(CLIENTS, id).await?;
        let registered = found.ok_or(ClientError::Unknown)?.value;
        Ok(Client {
            id: id.to_owned(),
            name: registered.name,
            redirect_uris: registered.redirect_uris,
            trust: ClientTrust::Registered,
        })
    }

    /// Authenticates the client of a request to the token or the revocation endpoint
    /// (RFC 6749 §2.3).
    pub(crate) async fn authenticate_client(
        &self,
        headers: &HeaderMap,
        form: &Parameters,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let header = basic(headers)?;
        let is_basic = header.is_some();
        let refuse = |why: &'static str| OAuthError::client(why, is_basic);
        let (id, given) = match header {
            Some((id, given)) => {
                if form.get("client_secret").is_some() {
                    return Err(OAuthError::request("the client authenticated in two ways"));
                }
                if form.get("client_id").is_some_and(|named| named != id) {
                    return Err(OAuthError::request("two clients are named"));
                }
                (id, Some(given).filter(|given| !given.is_empty()))
            }
            None => {
                (required(form, "client_id")?.to_owned(), form.get("client_secret").map(Into::into))
            }
        };
        if form.get("client_assertion").is_some() {
            return Err(refuse("client assertions are not supported"));
        }
        let given: Option<String> = given;
        if id.len() > MAX_CLIENT_ID_LEN {
            return Err(refuse("this client is not registered"));
        }
        // A client with a document is a public client, bound by the code and its verifier.
        let (expected, refreshes) = if is_url(&id) {
            (None, true)
        } else if let Some(known) = self.0.clients.known.get(&id) {
            (known.secret.as_ref().map(|known| digest::digest(known.expose_secret())), true)
        } else {
            let found = self.0.clients.records.read::<RegisteredClient>(CLIENTS, &id).await?;
            let registered =
                found.ok_or_else(|| refuse("this client is not registered, or no longer"))?.value;
            (registered.secret, registered.refreshes)
        };
        match (expected, given) {
            (None, None) => {}
            (Some(expected), Some(given)) if digest::same(&expected, &digest::digest(&given)) => {}
            (Some(_), _) => return Err(refuse("the client's secret is missing or wrong")),
            (None, Some(_)) => return Err(refuse("this client has no secret")),
        }
        Ok(AuthenticatedClient { id, refreshes })
    }
}

/// The credentials of the `Authorization` header; both halves are form-encoded (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    let wrong = || OAuthError::client("the Authorization header is not Basic credentials", true);
    if sent.next().is_some() {
        return Err(OAuthError::request("two Authorization headers were sent"));
    }
    let (scheme, pair) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let pair = BASE64_STANDARD.decode(pair.trim()).map_err(|_| wrong())?;
    let pair = String::from_utf8(pair).map_err(|_| wrong())?;
    let (id, given) = pair.split_once(':').ok_or_else(wrong)?;
    let decode = |text: &str| -> String {
        form_urlencoded::parse(format!("x={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    // `&` would begin another pair.
    if pair.contains('&') {
        return Err(wrong());
    }
    Ok(Some((decode(id), decode(given))))
}
