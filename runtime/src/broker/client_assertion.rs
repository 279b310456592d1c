//! Client authentication by a signed assertion: `private_key_jwt` (RFC 7523 §2.2 and §3).
//!
//! Only a client with a metadata document has keys. They are in the document, or at a URL that the
//! document names, which is fetched as the document is.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Client, ClientError, ClientKeys, is_url},
    client_authentication::AuthenticatedClient,
    endpoint::error::OAuthError,
    signed_assertion::{SignedAssertion, USED_ASSERTION_TTL, Validity},
    state::Broker,
    store::typed_store::CLIENT_ASSERTIONS,
};
use crate::gate::verify::{
    keys::{Key, Keys},
    token::string_list,
};

/// The value of `client_assertion_type`.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The signature algorithms that a client may use.
pub(crate) const ASSERTION_ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

#[derive(Deserialize)]
struct AssertionClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    #[serde(flatten)]
    validity: Validity,
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
        let signed = SignedAssertion::<AssertionClaims>::parse(assertion).ok_or_else(malformed)?;
        let claims = &signed.claims;
        let id = claims.sub.as_deref().unwrap_or_default();
        if claims.iss.as_deref() != Some(id) || named.is_some_and(|named| named != id) {
            return Err(refuse("`iss`, `sub` and `client_id` must be the same client"));
        }
        if !is_url(id) {
            return Err(refuse("only a client with a metadata document has keys"));
        }
        let id = id.to_owned();
        // Nothing is fetched for an assertion that would be refused in any case.
        self.check_claims(claims)?;
        let typ = signed.typ();
        let is_assertion =
            matches!(typ.as_deref(), None | Some("jwt" | "client-authentication+jwt"));
        let algorithm = signed.algorithm().filter(|_| is_assertion).ok_or_else(malformed)?;
        let client = match self.client(&id, address).await {
            Ok(client) => client,
            Err(ClientError::TooManyRequests(refused)) => return Err(refused.into()),
            Err(ClientError::Store(error)) => return Err(error.into()),
            Err(ClientError::Unknown | ClientError::Document(_)) => {
                return Err(refuse("the client's metadata document cannot be used"));
            }
        };
        let verify = |key: &Key| signed.is_signed_by(key, algorithm);
        let kid = signed.kid();
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
        let jti = claims.validity.id();
        let until = self.0.clock.now() + USED_ASSERTION_TTL;
        if !self.0.records.is_first_use(CLIENT_ASSERTIONS, &id, jti, until).await? {
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
        claims.validity.check(self.now()).map_err(refuse)
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
                let (of, limit) = ((&*client.id, &**uri), &self.0.limits.documents);
                let found = self.0.documents.key_set(of, address, limit, renew).await;
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
