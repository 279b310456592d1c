//! What stands in a JWT access token (RFC 7519, RFC 9068), and what of it is accepted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::gate::{AuthError, Claims};

pub(crate) const NO_JWT: AuthError = AuthError::MalformedToken("the token is not a JWT");

/// A token whose signature fits, and that is for us.
pub(crate) struct Accepted {
    pub(crate) claims: Claims,
    pub(crate) times: Times,
    /// The thumbprint of the key that it is bound to.
    pub(crate) bound: Option<String>,
}

#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) expires_at: SystemTime,
    pub(crate) not_before: Option<SystemTime>,
}

pub(crate) fn part<T: DeserializeOwned>(text: &str) -> Result<T, AuthError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NO_JWT)?;
    serde_json::from_slice(&bytes).map_err(|_| NO_JWT)
}

/// The header. What else stands in it (`jku`, `jwk`, `x5u`, `x5c`) is not looked at, let alone
/// followed.
#[derive(Deserialize)]
pub(crate) struct Header {
    alg: String,
    typ: Option<String>,
    pub(crate) kid: Option<String>,
    crit: Option<Value>,
}

/// The algorithms that a key of one's own cannot be confused with.
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

impl Header {
    /// The algorithm, if this is the header of an access token.
    pub(crate) fn check(&self, plain: bool) -> Result<Algorithm, AuthError> {
        // What must be understood and is not (RFC 7515 §4.1.11).
        if self.crit.is_some() {
            return Err(AuthError::MalformedToken(
                "the token has a critical header that is not known here",
            ));
        }
        let typ = self.typ.as_deref().map(str::to_ascii_lowercase);
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        let fits = matches!(typ, Some("at+jwt")) || plain && matches!(typ, None | Some("jwt"));
        if !fits {
            return Err(AuthError::WrongType { found: self.typ.clone() });
        }
        algorithm(&self.alg).ok_or(AuthError::Algorithm)
    }
}

#[derive(Deserialize)]
pub(crate) struct RawClaims {
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

impl RawClaims {
    /// What is accepted of them: the token is of this issuer and for this resource.
    pub(crate) fn check(self, issuer: &str, resource: &str) -> Result<Accepted, AuthError> {
        match &self.iss {
            Some(Value::String(found)) if found == issuer => {}
            Some(Value::String(found)) => {
                let (found, expected) = (found.clone(), issuer.to_owned());
                return Err(AuthError::WrongIssuer { found, expected });
            }
            _ => return Err(AuthError::Claim("iss")),
        }
        let found = strings(self.aud.as_ref()).ok_or(AuthError::Claim("aud"))?;
        if !found.iter().any(|audience| audience == resource) {
            return Err(AuthError::WrongAudience { found, expected: resource.to_owned() });
        }
        let expires_at = moment(self.exp.as_ref()).ok_or(AuthError::Claim("exp"))?;
        let not_before = match &self.nbf {
            Some(value) => Some(moment(Some(value)).ok_or(AuthError::Claim("nbf"))?),
            None => None,
        };
        // Who issues in the future has a clock that nothing can be said by.
        let issued_at = match &self.iat {
            Some(value) => Some(moment(Some(value)).ok_or(AuthError::Claim("iat"))?),
            None => None,
        };
        let text = |value: &Option<Value>, name| match value {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(AuthError::Claim(name)),
        };
        let client = text(&self.client_id, "client_id")?.or(text(&self.azp, "azp")?);
        let subject = text(&self.sub, "sub")?;
        if subject.is_none() && client.is_none() {
            return Err(AuthError::Claim("sub"));
        }
        let machine = is_client_credentials(subject.as_deref(), client.as_deref(), &self.extra);
        let subject = subject.or_else(|| client.clone()).unwrap_or_default();
        let mut scopes = words(self.scope.as_ref()).ok_or(AuthError::Claim("scope"))?;
        scopes.extend(words(self.scp.as_ref()).ok_or(AuthError::Claim("scp"))?);
        scopes.extend(words(self.permissions.as_ref()).ok_or(AuthError::Claim("permissions"))?);

        // Bound in another way (a certificate) is bound all the same, and nothing here proves it.
        let thumbprint = |cnf: &Value| cnf.get("jkt").and_then(Value::as_str).map(str::to_owned);
        let bound = self.cnf.as_ref().map(|cnf| thumbprint(cnf).unwrap_or_default());
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
        let times = Times { expires_at, not_before: not_before.max(issued_at) };
        Ok(Accepted { claims, times, bound })
    }
}

/// Does no person stand behind the token (RFC 6749 §4.4)? RFC 9068 §2.2 has the client for the
/// subject then; the others are words of Auth0, Entra, Okta and Keycloak.
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

/// The issuer that a token names, which nobody has vouched for: to say what is wrong with it, and
/// for nothing else.
pub(crate) fn named_issuer(body: &str) -> Option<String> {
    let claims: Map<String, Value> = part(body).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// What a token says of its issuer and its key, for the log: nothing of it was verified, so it is
/// cut, and cannot write lines of its own.
pub(crate) fn said_by(token: &str) -> (Option<String>, Option<String>) {
    let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(120).collect();
    let mut parts = token.split('.');
    let header = parts.next().and_then(|head| part::<Header>(head).ok());
    let issuer = parts.next().and_then(named_issuer);
    (issuer.map(plain), header.and_then(|header| header.kid).map(plain))
}

/// A text, or a list of texts.
pub(crate) fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => {
            list.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()
        }
        _ => None,
    }
}

/// Scopes: words in a text, or a list of them; none if there is no claim.
pub(crate) fn words(value: Option<&Value>) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    let texts = strings(Some(value))?;
    Some(
        texts
            .iter()
            .flat_map(|text| text.split(' '))
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// Seconds since 1970 (RFC 7519 §2), up to the year 9999.
pub(crate) fn moment(value: Option<&Value>) -> Option<SystemTime> {
    let seconds = value?.as_f64()?;
    let sane = (0.0..=253_402_300_799.0).contains(&seconds);
    sane.then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds))
}
