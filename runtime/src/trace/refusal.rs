//! Refused tokens: the check that failed, with what it found and what it expected.

use serde::Serialize;

use super::{
    reason::TokenCheck,
    text::{Advice, Found, FoundValue},
};

/// Why a token is refused.
///
/// What was found is claimed by the token, and is not verified.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct TokenRefusal<'a> {
    /// The check that failed.
    pub check: TokenCheck,
    /// The code of the error: [`AuthError::code`](crate::gate::AuthError::code).
    pub code: &'static str,
    /// What the check found.
    pub found: Option<FoundValue<'a>>,
    /// What it expected.
    pub expected: Option<Found<'a>>,
    /// The rule that is broken, or the name of the claim.
    pub detail: Option<&'static str>,
    /// How long ago the token expired, in seconds.
    pub expired_s_ago: Option<u64>,
    /// In how many seconds the token is valid.
    pub valid_in_s: Option<u64>,
    /// The issuer that the token names.
    pub issuer: Option<Found<'a>>,
    /// The key that the token names (`kid`).
    pub key: Option<Found<'a>>,
    /// What to set at the authorization server so that tokens like this one are accepted. It is text
    /// of the verifier, with the URL of the resource, and nothing of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Advice<'a>>,
    /// The status of the response.
    pub status: u16,
}

impl TokenRefusal<'_> {
    pub(crate) fn new(check: TokenCheck, code: &'static str, status: u16) -> Self {
        Self {
            check,
            code,
            found: None,
            expected: None,
            detail: None,
            expired_s_ago: None,
            valid_in_s: None,
            issuer: None,
            key: None,
            hint: None,
            status,
        }
    }
}
