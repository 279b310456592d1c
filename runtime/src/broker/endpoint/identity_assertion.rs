//! The grant by which an identity assertion becomes an access token (RFC 7523 §2.1; Identity Assertion
//! JWT Authorization Grant, "ID-JAG").

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::OAuthError;
use crate::{
    broker::{
        client_authentication::AuthenticatedClient,
        identity_provider::{IdentityAssertion, TrustedIssuer},
        signed_assertion::{SignedAssertion, USED_ASSERTION_TTL, Validity},
        state::Broker,
        store::typed_store::IDENTITY_ASSERTIONS,
        tokens::IssuedTokens,
    },
    gate::{AuthError, verify::token::string_list},
    oauth::UserEndpoint,
    support::escape::escape,
};

/// The value of `grant_type`.
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What the metadata calls this profile of the grant.
pub(crate) const PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// The type of an assertion.
const TYPE: &str = "oauth-id-jag+jwt";

#[derive(Deserialize)]
struct AssertionClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    client_id: Option<String>,
    resource: Option<Value>,
    scope: Option<String>,
    #[serde(flatten)]
    validity: Validity,
    #[serde(flatten)]
    others: Map<String, Value>,
}

fn refuse(why: &'static str) -> OAuthError {
    OAuthError::new("invalid_grant", why)
}

impl Broker {
    /// Issues an access token for an assertion. There is no refresh token: the identity provider is
    /// asked again, so that it decides again.
    pub(crate) async fn redeem_assertion(
        &self,
        client: &AuthenticatedClient,
        assertion: &str,
        requested: Option<&str>,
    ) -> Result<IssuedTokens, OAuthError> {
        if self.0.identity_providers.is_empty() {
            let supported = "this server has no identity provider";
            return Err(OAuthError::new("unsupported_grant_type", supported));
        }
        let malformed = || refuse("the assertion is not a signed JWT");
        let signed = SignedAssertion::<AssertionClaims>::parse(assertion).ok_or_else(malformed)?;
        let typ = signed.typ().unwrap_or_default();
        // Another JWT of the same issuer, as an ID token is, is no permission to use this server.
        if typ.strip_prefix("application/").unwrap_or(&typ) != TYPE {
            return Err(refuse("the type of the assertion must be oauth-id-jag+jwt"));
        }
        let algorithm = signed.algorithm().ok_or_else(malformed)?;
        let claims = &signed.claims;
        let named = claims.iss.as_deref().unwrap_or_default();
        let trusted = self.0.identity_providers.iter().find(|trusted| trusted.issuer == named);
        let trusted =
            trusted.ok_or_else(|| refuse("`iss` of the assertion is no identity provider here"))?;
        // Nothing is fetched for an assertion that would be refused in any case.
        self.check_assertion(client, claims)?;
        let kid = signed.kid();
        let keys = trusted.keys.keys(|keys| keys.find(kid, algorithm).is_some()).await;
        let keys = keys.map_err(|error| no_key(trusted, &error))?;
        let key = keys.find(kid, algorithm).ok_or_else(|| refuse("the key is not known"))?;
        if !signed.is_signed_by(key, algorithm) {
            return Err(refuse("the signature of the assertion is wrong"));
        }
        let jti = claims.validity.id();
        let until = self.0.clock.now() + USED_ASSERTION_TTL;
        if !self.0.records.is_first_use(IDENTITY_ASSERTIONS, named, jti, until).await? {
            return Err(refuse("the assertion was used before"));
        }
        let scopes = self.scopes_of_assertion(claims.scope.as_deref(), requested)?;
        let issuer = escape(named).into_owned();
        let AssertionClaims { sub, others, .. } = signed.claims;
        let assertion = IdentityAssertion { subject: sub.unwrap_or_default(), claims: others };
        let account = (trusted.account)(&assertion).filter(|account| UserEndpoint::fits(account));
        let account = account.ok_or_else(|| {
            refuse(
                "the identity provider does not say which account at the provider is the person's",
            )
        })?;
        let subject = self.0.user_endpoint.subject(&account);
        tracing::info!(target: "toolgate::broker", client = %escape(&client.id), subject = %escape(&subject), issuer, "an identity assertion was accepted");
        let whose = (&*subject, &*client.id, None);
        let access = self.sign_access_token(whose, &scopes, &[]).await?;
        self.trace_assertion(&client.id, &access);
        Ok(IssuedTokens { access, refresh: None })
    }

    /// Checks for whom and for what an assertion is, and when.
    fn check_assertion(
        &self,
        client: &AuthenticatedClient,
        claims: &AssertionClaims,
    ) -> Result<(), OAuthError> {
        let audience = string_list(claims.aud.as_ref()).unwrap_or_default();
        let is_issuer = |one: &String| one.strip_suffix('/').unwrap_or(one) == self.0.issuer;
        // An assertion for several servers could be used by one of them at another.
        if audience.len() != 1 || !audience.iter().all(is_issuer) {
            return Err(refuse("`aud` of the assertion must be this server's issuer alone"));
        }
        if claims.client_id.as_deref() != Some(&client.id) {
            return Err(refuse("the assertion is for another client"));
        }
        let resources = match &claims.resource {
            None => Vec::new(),
            named => string_list(named.as_ref())
                .filter(|resources| !resources.is_empty())
                .ok_or_else(|| refuse("`resource` of the assertion is not a URL"))?,
        };
        if !resources.is_empty() && !resources.iter().any(|named| self.is_resource(named)) {
            return Err(refuse("the assertion is for another resource"));
        }
        if claims.sub.as_deref().unwrap_or_default().is_empty() {
            return Err(refuse("`sub` of the assertion is missing"));
        }
        if claims.validity.issued_at().is_none() {
            return Err(refuse("`iat` of the assertion is missing, or is no time"));
        }
        claims.validity.check(self.now()).map_err(refuse)
    }

    /// The scopes that are both in the assertion and requested. Without a request, all of the
    /// assertion's.
    fn scopes_of_assertion(
        &self,
        asserted: Option<&str>,
        requested: Option<&str>,
    ) -> Result<Vec<String>, OAuthError> {
        let asserted = self.known_scopes(asserted.unwrap_or_default());
        let Some(requested) = requested.filter(|requested| !requested.is_empty()) else {
            return Ok(asserted);
        };
        let requested = self.known_scopes(requested);
        let both: Vec<String> =
            asserted.into_iter().filter(|scope| requested.contains(scope)).collect();
        if both.is_empty() && !requested.is_empty() {
            let why = "the identity provider allows none of the requested scopes";
            return Err(OAuthError::new("invalid_scope", why));
        }
        Ok(both)
    }
}

fn no_key(trusted: &TrustedIssuer, error: &AuthError) -> OAuthError {
    if error.is_temporary() {
        tracing::warn!(target: "toolgate::broker", issuer = %escape(&trusted.issuer), %error, "the keys of an identity provider cannot be fetched");
        return OAuthError::unavailable("the keys of the identity provider cannot be fetched");
    }
    refuse("the identity provider has no key with the `kid` of the assertion")
}
