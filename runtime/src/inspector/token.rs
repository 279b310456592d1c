//! Access tokens that the page's server keeps for people: decoded, and broken on purpose.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gate::Claims;

/// What a JSON Web Token says. It is not verified: the server that gave it is this one, or one that
/// was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DecodedToken {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

/// What was done to a token on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    Expired,
    Revoked,
    Signature,
    Scope,
}

/// A token to sign.
#[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "no one signs it"))]
pub(crate) struct TokenDraft {
    pub(crate) subject: String,
    pub(crate) client: String,
    /// The sign-in with the broker.
    pub(crate) sign_in: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: SystemTime,
}

/// Signs access tokens that the server accepts, in development.
#[async_trait]
pub(crate) trait TokenSigner: Send + Sync + 'static {
    /// Signs a token. The error is a sentence.
    async fn sign(&self, draft: TokenDraft) -> Result<String, String>;
}

impl DecodedToken {
    /// `None`: it is opaque.
    pub(super) fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let mut object = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
        };
        Some(Self { header: object()?, claims: object()? })
    }

    /// The claims, as far as scopes and accounts depend on them.
    pub(super) fn to_claims(&self) -> Claims {
        let subject = self.text("sub").unwrap_or_default();
        let claims = Claims::new(self.text("iss").unwrap_or_default(), subject);
        let claims = claims.scopes(self.scopes());
        match self.text("client_id").or_else(|| self.text("azp")) {
            Some(client) => claims.client(client),
            None => claims,
        }
    }

    /// A claim that is a text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// A claim that is a time, in milliseconds since 1970.
    pub(super) fn millis(&self, claim: &str) -> Option<u64> {
        self.claims.get(claim)?.as_u64()?.checked_mul(1000)
    }

    pub(super) fn audience(&self) -> Vec<String> {
        texts(self.claims.get("aud"))
    }

    /// The scopes: `scope`, or `scp` as some issuers have it.
    pub(super) fn scopes(&self) -> BTreeSet<String> {
        let claim = self.claims.get("scope").or_else(|| self.claims.get("scp"));
        let words = texts(claim);
        words
            .iter()
            .flat_map(|text| text.split(' '))
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

fn texts(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// The same token with another signature.
pub(super) fn with_broken_signature(token: &str) -> String {
    let Some((message, signature)) = token.rsplit_once('.') else { return format!("{token}x") };
    let mut signature: Vec<char> = signature.chars().collect();
    // The first character: all bits of it count.
    match signature.first_mut() {
        Some(first) => *first = if *first == 'A' { 'B' } else { 'A' },
        None => signature.push('A'),
    }
    format!("{message}.{}", signature.into_iter().collect::<String>())
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({ "alg": "ES256" })), part(claims))
    }

    #[test]
    fn claims_are_read_in_all_their_forms() {
        let claims = json!({ "sub": "alice", "aud": ["a", "b"], "scope": "r w", "exp": 7 });
        let decoded = DecodedToken::of(&token(&claims)).unwrap();
        assert_eq!(decoded.text("sub"), Some("alice"));
        assert_eq!(decoded.audience(), ["a", "b"]);
        assert_eq!(decoded.scopes().into_iter().collect::<Vec<_>>(), ["r", "w"]);
        assert_eq!(decoded.millis("exp"), Some(7000));
        let scp = DecodedToken::of(&token(&json!({ "scp": ["r", "w"], "aud": "a" }))).unwrap();
        assert_eq!((scp.scopes().len(), scp.audience().len()), (2, 1));
        for opaque in ["", "opaque", "a.b.c", "e30", "e30.W10.c2ln"] {
            assert_eq!(DecodedToken::of(opaque), None, "{opaque}");
        }
    }

    #[test]
    fn a_broken_signature_is_another_one() {
        for token in ["a.b.Axyz", "a.b.xyz", "a.b.", "opaque"] {
            let broken = with_broken_signature(token);
            assert_ne!(broken, token);
            assert_eq!(
                broken.rsplit_once('.').map(|at| at.0),
                token.rsplit_once('.').map(|at| at.0)
            );
        }
    }
}
