//! JWT access tokens (RFC 7519, RFC 9068): parsing and validation of the header and the claims.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::token_rules::{ClaimPath, TokenRules};
use crate::{
    gate::{AuthError, Claims},
    support::escape::escape,
};

/// How many audiences of a token an error names.
const MAX_SHOWN_AUDIENCES: usize = 8;

/// What a plain JWT is that was issued for the client's sign-in.
const ID_TOKEN: &str = "signed ID token";

pub(crate) const NOT_A_JWT: AuthError = AuthError::MalformedToken("the token is not a JWT");

/// The claims of a token of the expected issuer, for this resource.
pub(crate) struct ValidClaims {
    pub(crate) claims: Claims,
    pub(crate) lifetime: Lifetime,
    /// The thumbprint of the key that the token is bound to; empty if it is bound in a way that is
    /// not known here.
    pub(crate) bound_to: Option<String>,
}

#[derive(Clone, Copy)]
pub(crate) struct Lifetime {
    pub(crate) expires_at: SystemTime,
    pub(crate) not_before: Option<SystemTime>,
}

/// Decodes a part of a JWT: JSON in base64url.
pub(crate) fn decode_part<T: DeserializeOwned>(text: &str) -> Result<T, AuthError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NOT_A_JWT)?;
    serde_json::from_slice(&bytes).map_err(|_| NOT_A_JWT)
}

/// The header. Keys that the token itself names (`jku`, `jwk`, `x5u`, `x5c`) are ignored.
#[derive(Deserialize)]
pub(crate) struct JwtHeader {
    alg: String,
    typ: Option<String>,
    pub(crate) kid: Option<String>,
    crit: Option<Value>,
}

/// The accepted algorithms: asymmetric ones only, so that a public key is never used as a secret.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

impl JwtHeader {
    /// Whether the type is that of RFC 9068.
    pub(crate) fn follows_profile(&self) -> bool {
        let typ = self.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt"
    }

    /// Checks the type of the token, and returns its algorithm. `accept_plain`: the type `JWT`, or
    /// none, is accepted as well.
    pub(crate) fn check(&self, accept_plain: bool) -> Result<Algorithm, AuthError> {
        // A critical header that is not understood makes the token invalid (RFC 7515 §4.1.11).
        if self.crit.is_some() {
            return Err(AuthError::MalformedToken(
                "the token has a critical header that is not known here",
            ));
        }
        let typ = self.typ.as_deref().map(str::to_ascii_lowercase);
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        let fits =
            matches!(typ, Some("at+jwt")) || accept_plain && matches!(typ, None | Some("jwt"));
        if !fits {
            let found = self.typ.as_deref().map(|typ| escape(typ).into_owned());
            return Err(AuthError::WrongType { found });
        }
        let refused = || AuthError::Algorithm { found: escape(&self.alg).into_owned() };
        algorithm(&self.alg).ok_or_else(refused)
    }
}

#[derive(Deserialize)]
pub(crate) struct JwtClaims {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    scope: Option<Value>,
    scp: Option<Value>,
    permissions: Option<Value>,
    client_id: Option<Value>,
    azp: Option<Value>,
    cnf: Option<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl JwtClaims {
    /// Checks that the token is of a trusted issuer and for `resource`, and that all claims are
    /// well-formed. `follows_profile`: its type says that it follows RFC 9068, which requires a subject
    /// (§2.2).
    pub(crate) fn check(
        self,
        rules: &TokenRules,
        resource: &str,
        follows_profile: bool,
    ) -> Result<ValidClaims, AuthError> {
        let issuer = match &self.iss {
            Some(Value::String(found)) if rules.trusts(found) => found.as_str(),
            Some(Value::String(found)) => {
                let (found, expected) = (escape(found).into_owned(), rules.expected_issuers());
                return Err(AuthError::WrongIssuer { found, expected });
            }
            _ => return Err(AuthError::Claim("iss")),
        };
        self.check_kind(rules)?;
        self.check_audience(rules, resource)?;
        let expires_at = numeric_date(self.exp.as_ref()).ok_or(AuthError::Claim("exp"))?;
        let not_before = match &self.nbf {
            Some(value) => Some(numeric_date(Some(value)).ok_or(AuthError::Claim("nbf"))?),
            None => None,
        };
        // A token that was issued in the future is not valid yet.
        let issued_at = match &self.iat {
            Some(value) => Some(numeric_date(Some(value)).ok_or(AuthError::Claim("iat"))?),
            None => None,
        };
        if !follows_profile && self.is_id_token() {
            return Err(AuthError::WrongType { found: Some(ID_TOKEN.to_owned()) });
        }
        let client = self.client()?;
        check_client(rules, client.as_deref())?;
        self.check_required(rules)?;
        let subject = text(self.sub.as_ref(), "sub")?;
        let may_lack_subject = !follows_profile && client.is_some() && !names_person(&self.extra);
        if subject.is_none() && !may_lack_subject {
            return Err(AuthError::Claim("sub"));
        }
        let machine = is_client_credentials(subject.as_deref(), client.as_deref(), &self.extra)
            || rules.user_claim.as_ref().is_some_and(|claim| self.get(claim).is_none());
        let subject = subject.or_else(|| client.clone()).unwrap_or_default();
        let scopes = self.scopes(rules)?;

        // A token that is bound in another way (to a certificate) is refused later: nothing here can
        // check such a proof.
        let thumbprint = |cnf: &Value| cnf.get("jkt").and_then(Value::as_str).map(str::to_owned);
        let bound_to = self.cnf.as_ref().map(|cnf| thumbprint(cnf).unwrap_or_default());
        let mut claims = Claims::new(issuer, subject)
            .scopes(scopes)
            .expires_at(expires_at)
            .with_extra(self.extra);
        if let Some(client) = client {
            claims = claims.client(client);
        }
        if machine {
            claims = claims.client_credentials();
        }
        let lifetime = Lifetime { expires_at, not_before: not_before.max(issued_at) };
        Ok(ValidClaims { claims, lifetime, bound_to })
    }

    /// The value at this path.
    fn get(&self, path: &ClaimPath) -> Option<&Value> {
        let claim = match path.name.as_str() {
            "iss" => self.iss.as_ref(),
            "sub" => self.sub.as_ref(),
            "aud" => self.aud.as_ref(),
            "exp" => self.exp.as_ref(),
            "nbf" => self.nbf.as_ref(),
            "iat" => self.iat.as_ref(),
            "scope" => self.scope.as_ref(),
            "scp" => self.scp.as_ref(),
            "permissions" => self.permissions.as_ref(),
            "client_id" => self.client_id.as_ref(),
            "azp" => self.azp.as_ref(),
            "cnf" => self.cnf.as_ref(),
            _ => return path.of(&self.extra),
        };
        path.within(claim?)
    }

    /// Checks the claim that says what kind of token it is.
    fn check_kind(&self, rules: &TokenRules) -> Result<(), AuthError> {
        let Some((path, kinds)) = &rules.token_use else { return Ok(()) };
        let found = self.get(path).and_then(Value::as_str);
        if found.is_some_and(|found| kinds.iter().any(|kind| kind == found)) {
            return Ok(());
        }
        Err(AuthError::WrongType { found: found.map(|found| escape(found).into_owned()) })
    }

    fn check_audience(&self, rules: &TokenRules, resource: &str) -> Result<(), AuthError> {
        if self.aud.is_none() && rules.clients.is_some() {
            // The client stands for it.
            return Ok(());
        }
        let found = string_list(self.aud.as_ref()).ok_or(AuthError::Claim("aud"))?;
        if found.iter().any(|name| rules.is_audience(name, resource)) {
            return Ok(());
        }
        Err(wrong_audience(&found, rules.expected_audiences(resource)))
    }

    /// The client that the token was issued to.
    fn client(&self) -> Result<Option<String>, AuthError> {
        let client =
            text(self.client_id.as_ref(), "client_id")?.or(text(self.azp.as_ref(), "azp")?);
        // Okta's and Convex's name for it.
        let cid = || self.extra.get("cid")?.as_str().filter(|cid| !cid.is_empty());
        Ok(client.or_else(|| cid().map(str::to_owned)))
    }

    fn check_required(&self, rules: &TokenRules) -> Result<(), AuthError> {
        for required in &rules.required {
            let found = required.any_of.iter().find_map(|path| self.get(path));
            let fits = match (&required.values, found) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(values), Some(found)) => {
                    found.as_str().is_some_and(|found| values.iter().any(|value| value == found))
                }
            };
            if !fits {
                let names: Vec<_> = required.any_of.iter().map(ClaimPath::as_str).collect();
                let found = found.and_then(Value::as_str).map(|found| escape(found).into_owned());
                return Err(AuthError::WrongClaim { name: names.join(" or "), found });
            }
        }
        Ok(())
    }

    fn scopes(&self, rules: &TokenRules) -> Result<Vec<String>, AuthError> {
        let mut scopes = Vec::new();
        for path in &rules.scope_claims {
            let (value, name) = match path.as_str() {
                "scope" => (self.scope.as_ref(), "scope"),
                "scp" => (self.scp.as_ref(), "scp"),
                "permissions" => (self.permissions.as_ref(), "permissions"),
                _ => (self.get(path), "of the scopes"),
            };
            match value {
                Some(Value::Object(members)) if name == "of the scopes" => {
                    scopes.extend(members.keys().cloned());
                }
                _ => scopes.extend(scope_list(value).ok_or(AuthError::Claim(name))?),
            }
        }
        if !rules.scope_prefix.is_empty() {
            scopes = scopes.into_iter().map(|scope| rules.strip_prefix(scope)).collect();
        }
        Ok(scopes)
    }
}

/// Checks that the client is one of those that are accepted.
fn check_client(rules: &TokenRules, client: Option<&str>) -> Result<(), AuthError> {
    let Some(clients) = &rules.clients else { return Ok(()) };
    if client.is_some_and(|client| clients.iter().any(|known| known == client)) {
        return Ok(());
    }
    Err(AuthError::WrongClient { found: client.map(|client| escape(client).into_owned()) })
}

/// A claim that is a text, and not an empty one.
fn text(value: Option<&Value>, name: &'static str) -> Result<Option<String>, AuthError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(AuthError::Claim(name)),
    }
}

impl JwtClaims {
    /// Whether the claims are those of an ID token (`OpenID` Connect Core §2, §3.3.2.11). Some issuers
    /// put the resource among its audiences too. An access token of older versions of Keycloak has the
    /// nonce as well, with a scope.
    fn is_id_token(&self) -> bool {
        let has = |name: &str| self.extra.contains_key(name);
        let has_scope = self.scope.is_some() || self.scp.is_some() || self.permissions.is_some();
        has("at_hash") || has("c_hash") || has("nonce") && !has_scope
    }
}

/// The error for a token of these audiences.
pub(crate) fn wrong_audience(found: &[String], expected: impl Into<String>) -> AuthError {
    let found = found.iter().take(MAX_SHOWN_AUDIENCES);
    AuthError::WrongAudience {
        found: found.map(|audience| escape(audience).into_owned()).collect(),
        expected: expected.into(),
    }
}

/// Whether the token was issued by the client credentials grant (RFC 6749 §4.4), without a user. Its
/// subject is then the client (RFC 9068 §2.2); the other signs are those of Auth0, Entra, Okta and
/// Keycloak.
pub(crate) fn is_client_credentials(
    subject: Option<&str>,
    client: Option<&str>,
    extra: &Map<String, Value>,
) -> bool {
    let says = |name: &str| extra.get(name).and_then(Value::as_str);
    let Some(subject) = subject else { return true };
    let of_client = client.is_some_and(|client| {
        let account = says("preferred_username").or_else(|| says("username"));
        subject == client
            || subject.strip_suffix("@clients") == Some(client)
            || account.and_then(|name| name.strip_prefix("service-account-"))
                == Some(&*client.to_lowercase())
    });
    of_client
        || says("gty") == Some("client-credentials")
        || says("idtyp") == Some("app")
        || says("cid") == Some(subject)
}

/// Whether the claims are about a person: without a subject, all people would be one caller.
pub(crate) fn names_person(extra: &Map<String, Value>) -> bool {
    ["username", "preferred_username", "email", "upn"].iter().any(|name| {
        extra
            .get(*name)
            .and_then(Value::as_str)
            .is_some_and(|value| !value.is_empty() && !value.starts_with("service-account-"))
    })
}

/// The issuer that a token names. It is not verified, and only used in error messages.
pub(crate) fn unverified_issuer(body: &str) -> Option<String> {
    let claims: Map<String, Value> = decode_part(body).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// The issuer and the key that a token names, for the log. They are not verified.
pub(crate) fn unverified_claims(token: &str) -> (Option<String>, Option<String>) {
    let plain = |text: String| escape(&text).into_owned();
    let mut parts = token.split('.');
    let header = parts.next().and_then(|head| decode_part::<JwtHeader>(head).ok());
    let issuer = parts.next().and_then(unverified_issuer);
    (issuer.map(plain), header.and_then(|header| header.kid).map(plain))
}

/// A string, or a list of strings.
pub(crate) fn string_list(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => {
            list.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()
        }
        _ => None,
    }
}

/// Scopes: a space-delimited string, or a list of them. Without the claim there are none.
pub(crate) fn scope_list(value: Option<&Value>) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    let texts = string_list(Some(value))?;
    Some(
        texts
            .iter()
            .flat_map(|text| text.split(' '))
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// A `NumericDate` (RFC 7519 §2): seconds since 1970, up to the year 9999.
pub(crate) fn numeric_date(value: Option<&Value>) -> Option<SystemTime> {
    let seconds = value?.as_f64()?;
    let sane = (0.0..=253_402_300_799.0).contains(&seconds);
    sane.then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds))
}
