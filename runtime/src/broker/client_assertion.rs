//! Client authentication by a signed assertion: `private_key_jwt` (RFC 7523 §2.2 and §3).
//!
//! Only a client with a metadata document has keys. They are in the document, or at a URL that the
//! document names, which is fetched as the document is.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Client, ClientError, ClientKeys, is_url},
    client_authentication::AuthenticatedClient,
    endpoint::error::OAuthError,
    state::Broker,
};
use crate::{
    gate::verify::{
        keys::{Key, Keys},
        token::{algorithm, decode_part, numeric_date, string_list},
    },
    support::crypto,
};

/// The value of `client_assertion_type`.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead an assertion may expire. Its `jti` is remembered for as long.
pub(crate) const MAX_ASSERTION_TTL: Duration = Duration::from_secs(3600);
/// The most assertions that are remembered.
pub(crate) const MAX_ASSERTIONS: usize = 100_000;
/// How much clocks may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// The longest assertion, and the longest `jti`, in bytes.
pub(crate) const MAX_ASSERTION_LEN: usize = 8 * 1024;
pub(crate) const MAX_JTI_LEN: usize = 256;

/// The signature algorithms that a client may use.
pub(crate) const ASSERTION_ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct AssertionClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<String>,
}

fn refuse(why: &'static str) -> OAuthError {
    OAuthError::client(why, false)
}

impl Broker {
    /// Authenticates a client by its assertion. `named` is the `client_id` of the request, which may
    /// be absent (RFC 7521 §4.2).
    pub(crate) async fn verify_assertion(
        &self,
        named: Option<&str>,
        ty: Option<&str>,
        assertion: &str,
        address: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, OAuthError> {
        if ty != Some(JWT_BEARER) {
            return Err(refuse("`client_assertion_type` must be that of a JWT (RFC 7523)"));
        }
        let malformed = || refuse("the client assertion is not a signed JWT");
        let mut parts = assertion.split('.');
        let (head, body) = (parts.next(), parts.next());
        let (Some(head), Some(body), Some(signature), None) =
            (head, body, parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        if assertion.len() > MAX_ASSERTION_LEN {
            return Err(malformed());
        }
        let header: Header = decode_part(head).map_err(|_| malformed())?;
        let claims: AssertionClaims = decode_part(body).map_err(|_| malformed())?;
        let id = claims.sub.as_deref().unwrap_or_default();
        if claims.iss.as_deref() != Some(id) || named.is_some_and(|named| named != id) {
            return Err(refuse("`iss`, `sub` and `client_id` must be the same client"));
        }
        if !is_url(id) {
            return Err(refuse("only a client with a metadata document has keys"));
        }
        let id = id.to_owned();
        // Nothing is fetched for an assertion that would be refused in any case.
        self.check_claims(&claims)?;
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        let is_assertion =
            matches!(typ.as_deref(), None | Some("jwt" | "client-authentication+jwt"));
        let algorithm = algorithm(&header.alg).filter(|_| is_assertion && header.crit.is_none());
        let algorithm = algorithm.ok_or_else(malformed)?;
        let client = match self.client(&id, address).await {
            Ok(client) => client,
            Err(ClientError::TooManyRequests(refused)) => return Err(refused.into()),
            Err(ClientError::Store(error)) => return Err(error.into()),
            Err(ClientError::Unknown | ClientError::Document(_)) => {
                return Err(refuse("the client's metadata document cannot be used"));
            }
        };
        let verify = |key: &Key| {
            let message = &assertion[..assertion.len() - signature.len() - 1];
            let verified = jsonwebtoken::crypto::verify(
                signature,
                message.as_bytes(),
                &key.decoding,
                algorithm,
            );
            verified.is_ok_and(|is_valid| is_valid)
        };
        let kid = header.kid.as_deref();
        let keys = self.keys_of(&client, address, false).await?;
        let mut found = keys.find(kid, algorithm).map(verify);
        if found.is_none() {
            // The client may have new keys.
            let keys = self.keys_of(&client, address, true).await?;
            found = keys.find(kid, algorithm).map(verify);
        }
        if found != Some(true) {
            return Err(refuse("no key of the client's verifies the assertion"));
        }
        let jti = claims.jti.unwrap_or_default();
        if !self.0.assertions.is_first_use(crypto::sha256(format!("{id}\n{jti}").as_bytes())) {
            return Err(refuse("the assertion was used before"));
        }
        Ok(AuthenticatedClient { id, refreshes: true, is_confidential: true })
    }

    /// Checks for whom an assertion is, and when.
    fn check_claims(&self, claims: &AssertionClaims) -> Result<(), OAuthError> {
        let audience = string_list(claims.aud.as_ref()).unwrap_or_default();
        let issuer = &self.0.issuer;
        let ours = |audience: &String| {
            let rest = audience.strip_prefix(issuer.as_str());
            rest.is_some_and(|rest| matches!(rest, "" | "/" | "/oauth/token" | "/oauth/revoke"))
        };
        if !audience.iter().any(ours) {
            return Err(refuse("`aud` of the assertion must be this server's issuer"));
        }
        let now = self.now();
        let in_future = |time: &Option<Value>| {
            numeric_date(time.as_ref()).is_some_and(|at| at > now + CLOCK_SKEW)
        };
        let expires_at = numeric_date(claims.exp.as_ref()).unwrap_or(SystemTime::UNIX_EPOCH);
        if expires_at + CLOCK_SKEW <= now || in_future(&claims.nbf) || in_future(&claims.iat) {
            return Err(refuse("the assertion has expired, or is not valid yet"));
        }
        if expires_at > now + MAX_ASSERTION_TTL {
            return Err(refuse("an assertion expires within an hour"));
        }
        if !claims.jti.as_ref().is_some_and(|jti| (1..=MAX_JTI_LEN).contains(&jti.len())) {
            return Err(refuse("`jti` of the assertion is missing or too long"));
        }
        Ok(())
    }

    /// The keys of a client. `renew`: they are fetched again, if they may have changed.
    async fn keys_of(
        &self,
        client: &Client,
        address: Option<IpAddr>,
        renew: bool,
    ) -> Result<Keys, OAuthError> {
        let set = match &client.keys {
            Some(ClientKeys::Set(set)) => set.clone(),
            Some(ClientKeys::Uri(uri)) => {
                let limit = &self.0.limits.documents;
                let found = self.0.documents.key_set(uri, address, limit, renew).await;
                match found {
                    Ok(set) => set,
                    Err(ClientError::TooManyRequests(refused)) => return Err(refused.into()),
                    Err(_) => return Err(refuse("the client's keys cannot be fetched")),
                }
            }
            None => return Err(refuse("the client's metadata document has no keys")),
        };
        Ok(Keys::from_set(&set))
    }
}
