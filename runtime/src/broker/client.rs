//! Clients: who asks for access, and who vouches for what it says of itself.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    Broker,
    endpoint::{error::OAuthError, parameters::Parameters},
    store::typed_store::{CLIENTS, Shelf},
};
use crate::support::digest as secret;
use crate::{error::ConfigError, grant::StoreError};

/// How long a client that registered itself is kept before somebody signs in with it: as many as
/// strangers may register in that time fit into the store.
pub(crate) const UNUSED: Duration = Duration::from_secs(8 * 3600);
/// How long it is kept after that.
pub(crate) const USED: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest `client_id`.
const LONGEST_ID: usize = 1024;

/// Who vouches for a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// The operator of this server.
    Known,
    /// The site at which its metadata document is published.
    Document { host: String },
    /// Nobody: it registered itself.
    Registered,
}

/// A client, from wherever.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) standing: Standing,
}

/// A client that registered itself, as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    /// The digest of its secret; `None` for a public client.
    pub(crate) secret: Option<String>,
    pub(crate) refreshes: bool,
    /// When it was last prolonged.
    pub(crate) kept_at: u64,
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
    /// The client `id`, which consent pages call `name`.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), redirect_uris: Vec::new(), secret: None }
    }

    /// Adds a redirect URI. It must match exactly, but for the port of a loopback address.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Makes it a confidential client with this secret.
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
        if self.id.is_empty() || self.id.len() > LONGEST_ID || is_url(&self.id) {
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

/// Why there is no client.
pub(crate) enum NoClient {
    Unknown,
    /// Its document cannot be used.
    Document(String),
    Busy(OAuthError),
    Store(StoreError),
}

impl From<StoreError> for NoClient {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Is the `client_id` the URL of a metadata document?
pub(crate) fn is_url(id: &str) -> bool {
    let scheme = id.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| s.eq_ignore_ascii_case("https") || s.eq_ignore_ascii_case("http"))
}

/// The clients that are not documents.
pub(crate) struct Clients {
    pub(crate) shelf: Shelf,
    pub(crate) known: HashMap<String, KnownClient>,
}

/// A client that has proved itself at the token endpoint, as far as it can.
pub(crate) struct Proven {
    pub(crate) id: String,
    pub(crate) refreshes: bool,
}

impl Broker {
    /// Did the client register itself, and so stands for one installation of one host? A document
    /// or a client of the operator's stands for all of them.
    pub(crate) fn is_one_installation(&self, id: &str) -> bool {
        !is_url(id) && !self.0.clients.known.contains_key(id)
    }

    /// The client with this identifier.
    pub(crate) async fn client(&self, id: &str, party: Option<IpAddr>) -> Result<Client, NoClient> {
        if id.len() > LONGEST_ID {
            return Err(NoClient::Unknown);
        }
        if is_url(id) {
            return self.0.documents.client(id, party, &self.0.limits.documents).await;
        }
        if let Some(known) = self.0.clients.known.get(id) {
            return Ok(Client {
                id: id.to_owned(),
                name: Some(known.name.clone()),
                redirect_uris: known.redirect_uris.clone(),
                standing: Standing::Known,
            });
        }
        let found = self.0.clients.shelf.read::<Registered>(CLIENTS, id).await?;
        let registered = found.ok_or(NoClient::Unknown)?.value;
        Ok(Client {
            id: id.to_owned(),
            name: registered.name,
            redirect_uris: registered.redirect_uris,
            standing: Standing::Registered,
        })
    }

    /// Which client sends a request to the token or the revocation endpoint (RFC 6749 §2.3).
    pub(crate) async fn prove(
        &self,
        headers: &HeaderMap,
        form: &Parameters,
    ) -> Result<Proven, OAuthError> {
        let header = basic(headers)?;
        let is_basic = header.is_some();
        let refuse = |why: &'static str| OAuthError::client(why, is_basic);
        let (id, given) = match header {
            Some((id, given)) => {
                if form.get("client_secret").is_some() {
                    return Err(OAuthError::request("the client proved itself in two ways"));
                }
                if form.get("client_id").is_some_and(|named| named != id) {
                    return Err(OAuthError::request("two clients are named"));
                }
                (id, Some(given).filter(|given| !given.is_empty()))
            }
            None => (form.need("client_id")?.to_owned(), form.get("client_secret").map(Into::into)),
        };
        if form.get("client_assertion").is_some() {
            return Err(refuse("client assertions are not supported"));
        }
        let given: Option<String> = given;
        if id.len() > LONGEST_ID {
            return Err(refuse("this client is not registered"));
        }
        // Whoever has a document is a public client: what it gets is bound by code and verifier.
        let (expected, refreshes) = if is_url(&id) {
            (None, true)
        } else if let Some(known) = self.0.clients.known.get(&id) {
            (known.secret.as_ref().map(|known| secret::digest(known.expose_secret())), true)
        } else {
            let found = self.0.clients.shelf.read::<Registered>(CLIENTS, &id).await?;
            let registered =
                found.ok_or_else(|| refuse("this client is not registered, or no longer"))?.value;
            (registered.secret, registered.refreshes)
        };
        match (expected, given) {
            (None, None) => {}
            (Some(expected), Some(given)) if secret::same(&expected, &secret::digest(&given)) => {}
            (Some(_), _) => return Err(refuse("the client's secret is missing or wrong")),
            (None, Some(_)) => return Err(refuse("this client has no secret")),
        }
        Ok(Proven { id, refreshes })
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
