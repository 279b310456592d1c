//! Signed assertions (RFC 7521, RFC 7523 §3): JWTs that a client or an identity provider signs.

use std::time::{Duration, SystemTime};

use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::gate::verify::{
    keys::Key,
    token::{algorithm, decode_part, numeric_date},
};

/// How far ahead an assertion may expire.
const MAX_ASSERTION_TTL: Duration = Duration::from_secs(3600);
/// How much clocks may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How long the `jti` of an assertion is remembered: until no clock accepts the assertion.
pub(crate) const USED_ASSERTION_TTL: Duration =
    Duration::from_secs(MAX_ASSERTION_TTL.as_secs() + 2 * CLOCK_SKEW.as_secs());
/// The longest assertion, and the longest `jti`, in bytes.
const MAX_ASSERTION_LEN: usize = 8 * 1024;
const MAX_JTI_LEN: usize = 256;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
}

/// An assertion whose signature is not verified yet.
pub(crate) struct SignedAssertion<'a, C> {
    header: Header,
    pub(crate) claims: C,
    message: &'a str,
    signature: &'a str,
}

/// The claims that say when an assertion may be used, and that name it. A set of claims flattens them.
#[derive(Deserialize)]
pub(crate) struct Validity {
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<String>,
}

impl<'a, C: DeserializeOwned> SignedAssertion<'a, C> {
    /// Parses an assertion; `None` if it is no signed JWT of an allowed length.
    pub(crate) fn parse(assertion: &'a str) -> Option<Self> {
        if assertion.len() > MAX_ASSERTION_LEN {
            return None;
        }
        let (message, signature) = assertion.rsplit_once('.')?;
        let (head, body) = message.split_once('.').filter(|(_, body)| !body.contains('.'))?;
        let (header, claims) = (decode_part(head).ok()?, decode_part(body).ok()?);
        Some(Self { header, claims, message, signature })
    }

    /// The type, in lower case.
    pub(crate) fn typ(&self) -> Option<String> {
        self.header.typ.as_deref().map(str::to_ascii_lowercase)
    }

    /// The key that it names.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The algorithm, if it is an accepted one and no header is critical.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        algorithm(&self.header.alg).filter(|_| self.header.crit.is_none())
    }

    pub(crate) fn is_signed_by(&self, key: &Key, algorithm: Algorithm) -> bool {
        let message = self.message.as_bytes();
        jsonwebtoken::crypto::verify(self.signature, message, &key.decoding, algorithm)
            .unwrap_or(false)
    }
}

impl Validity {
    /// The identifier of the assertion; empty without one.
    pub(crate) fn id(&self) -> &str {
        self.jti.as_deref().unwrap_or_default()
    }

    /// When the assertion was made.
    pub(crate) fn issued_at(&self) -> Option<SystemTime> {
        numeric_date(self.iat.as_ref())
    }

    /// Checks that the assertion may be used now, and that its use can be remembered.
    pub(crate) fn check(&self, now: SystemTime) -> Result<(), &'static str> {
        let is_early = |time: Option<SystemTime>| time.is_some_and(|at| at > now + CLOCK_SKEW);
        let not_before = numeric_date(self.nbf.as_ref());
        let expires_at = numeric_date(self.exp.as_ref()).unwrap_or(SystemTime::UNIX_EPOCH);
        if expires_at + CLOCK_SKEW <= now || is_early(not_before) || is_early(self.issued_at()) {
            return Err("the assertion has expired, or is not valid yet");
        }
        if expires_at > now + MAX_ASSERTION_TTL {
            return Err("an assertion expires within an hour");
        }
        if !(1..=MAX_JTI_LEN).contains(&self.id().len()) {
            return Err("`jti` of the assertion is missing or too long");
        }
        Ok(())
    }
}
