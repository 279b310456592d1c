//! Client lookup and client authentication (RFC 6749 §2.3).

use std::net::IpAddr;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::{
    client::{Client, ClientError, MAX_CLIENT_ID_LEN, is_url},
    endpoint::error::{OAuthError, required},
    state::Broker,
};
use crate::{browser::form::Parameters, support::crypto};

/// A client that authenticated at the token endpoint; a public client has no credentials.
pub(crate) struct AuthenticatedClient {
    pub(crate) id: String,
    pub(crate) refreshes: bool,
    /// Whether it has proved who it is, by a secret or a key.
    pub(crate) is_confidential: bool,
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
        address: Option<IpAddr>,
    ) -> Result<Client, ClientError> {
        if is_url(id) {
            if id.len() > MAX_CLIENT_ID_LEN || self.0.client_metadata_documents == Some(false) {
                return Err(ClientError::Unknown);
            }
            return self.0.documents.client(id, address, &self.0.limits.documents).await;
        }
        self.0.clients.find(id).ok_or(ClientError::Unknown)
    }

    /// Authenticates the client of a request to the token or the revocation endpoint
    /// (RFC 6749 §2.3).
    pub(crate) async fn authenticate_client(
        &self,
        headers: &HeaderMap,
        form: &Parameters,
        address: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let header = basic(headers)?;
        let is_basic = header.is_some();
        let refuse = |why: &'static str| OAuthError::client(why, is_basic);
        if let Some(assertion) = form.get("client_assertion") {
            if is_basic || form.get("client_secret").is_some() {
                return Err(OAuthError::request("the client authenticated in two ways"));
            }
            let ty = form.get("client_assertion_type");
            return self.verify_assertion(form.get("client_id"), ty, assertion, address).await;
        }
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
        let given: Option<String> = given;
        // A client with a document is a public client unless it shows an assertion. What it began as
        // a confidential one it cannot end as a public one.
        let (expected, refreshes) = if is_url(&id) && id.len() <= MAX_CLIENT_ID_LEN {
            (None, true)
        } else if let Some(known) = self.0.clients.known.get(&id) {
            (known.secret.as_ref().map(|known| known.expose_secret().to_owned()), true)
        } else {
            let registrations = &self.0.clients.registrations;
            let registered = registrations.open(&id);
            let registered = registered.ok_or_else(|| refuse("this client is not registered"))?;
            let expected = registered.is_confidential.then(|| registrations.secret(&id));
            (expected, registered.refreshes)
        };
        let is_confidential = expected.is_some();
        match (expected, given) {
            (None, None) => {}
            (Some(expected), Some(given))
                if crypto::constant_time_eq(
                    crypto::sha256_base64url(&expected),
                    crypto::sha256_base64url(&given),
                ) => {}
            (Some(_), _) => return Err(refuse("the client's secret is missing or wrong")),
            (None, Some(_)) => return Err(refuse("this client has no secret")),
        }
        Ok(AuthenticatedClient { id, refreshes, is_confidential })
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
