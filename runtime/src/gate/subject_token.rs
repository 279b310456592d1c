//! Subject token: the access token of a caller, kept where a provider exchanges it (RFC 8693).

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{Credentials, Scheme};
use crate::support::crypto::constant_time_eq;

/// The access token that a caller presented. It is zeroed when dropped, and never shown.
pub(crate) enum SubjectToken {
    /// A token that its holder may use (RFC 6750).
    Bearer(SecretString),
    /// A token bound to a key of the caller (RFC 9449). It is not kept: only the holder of the key may
    /// use it.
    Bound,
}

impl SubjectToken {
    pub(super) fn of(credentials: &Credentials) -> Self {
        match credentials.scheme {
            Scheme::Bearer => Self::Bearer(credentials.token().into()),
            Scheme::Dpop => Self::Bound,
        }
    }

    /// Whether it is that of these credentials.
    pub(super) fn is_of(&self, credentials: &Credentials) -> bool {
        match self {
            Self::Bearer(token) => {
                credentials.scheme == Scheme::Bearer
                    && constant_time_eq(token.expose_secret(), credentials.token())
            }
            Self::Bound => credentials.scheme == Scheme::Dpop,
        }
    }
}

impl fmt::Debug for SubjectToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectToken")
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Uri, header};

    use super::*;
    use crate::gate::Claims;

    fn credentials(authorization: &'static str) -> Credentials {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(authorization));
        Credentials::read(&headers, &Uri::from_static("/mcp")).unwrap().unwrap()
    }

    fn token(claims: &Claims) -> Option<&str> {
        match claims.subject_token()? {
            SubjectToken::Bearer(token) => Some(token.expose_secret()),
            SubjectToken::Bound => None,
        }
    }

    #[test]
    fn claims_carry_the_token_of_their_own_request() {
        // A verifier may return the same claims for all tokens of a person.
        let shared = Claims::new("https://login.example", "alice");
        assert!(shared.subject_token().is_none());
        let one = shared.clone().carrying(&credentials("Bearer first"));
        let other = shared.clone().carrying(&credentials("Bearer second"));
        let bound = shared.carrying(&credentials("DPoP first"));
        assert_eq!((token(&one), token(&other)), (Some("first"), Some("second")));
        assert!(matches!(bound.subject_token(), Some(SubjectToken::Bound)));
        assert!(!format!("{one:?}{other:?}{:?}", one.subject_token()).contains("first"));
        assert_eq!(one, other, "a token is no claim");
        // Claims that are changed are not those of the token.
        assert!(one.scopes(["orders:read"]).subject_token().is_none());
    }
}
