//! Errors of the gate: the reasons for which a request is refused.

use std::{fmt, time::Duration};

use http::StatusCode;

use crate::support::escape::escape;

/// The reason why the gate refuses a request.
///
/// [`Display`](fmt::Display) is the `error_description` for the caller: it holds no token, no key, and
/// no more of the server than its own name. What it repeats of a token is escaped and cut, so that it
/// cannot write lines of its own into a log. [`AuthError::code`] is for logs and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The request has no credentials.
    Missing,
    /// The credentials are not well-formed, for this reason.
    Malformed(&'static str),
    /// The token is not well-formed, for this reason.
    MalformedToken(&'static str),
    /// The token has expired (`exp`).
    Expired {
        /// How long ago, leeway included.
        ago: Duration,
    },
    /// The token is not valid yet (`nbf`), or was issued in the future (`iat`).
    NotYetValid {
        /// After which time it is.
        after: Duration,
    },
    /// The token is for another resource (`aud`, RFC 8707).
    WrongAudience {
        /// The audiences of the token.
        found: Vec<String>,
        /// The URL of this resource.
        expected: String,
    },
    /// The token is from an issuer that is not trusted (`iss`).
    WrongIssuer {
        /// The issuer of the token.
        found: String,
        /// The issuer that is trusted.
        expected: String,
    },
    /// The token was issued to a client that is not among those which are accepted.
    WrongClient {
        /// The client of the token.
        found: Option<String>,
    },
    /// A claim that the verifier requires is missing, or has another value.
    WrongClaim {
        /// The name of the claim, or its JSON Pointer.
        name: String,
        /// Its value, if it is a text.
        found: Option<String>,
    },
    /// The signature is not valid.
    BadSignature,
    /// The issuer has no key with the token's `kid`.
    UnknownKey,
    /// The token has no `kid`, and the issuer has several keys.
    UnnamedKey,
    /// The token is not an access token (`typ`, RFC 9068 §2.1).
    WrongType {
        /// The type of the token.
        found: Option<String>,
    },
    /// The signature algorithm is not accepted (`alg`).
    Algorithm {
        /// The algorithm of the token.
        found: String,
    },
    /// This claim is missing or has no meaning.
    Claim(&'static str),
    /// The token is bound to a key, and the request has no proof of it (RFC 9449, RFC 8705).
    SenderConstrained,
    /// The proof of possession is not accepted, for this reason (RFC 9449 §4.3).
    Proof(&'static str),
    /// The proof of possession must hold this new nonce (RFC 9449 §9).
    Nonce {
        /// The nonce.
        nonce: String,
    },
    /// The issuer says that the token is not active (RFC 7662).
    Inactive,
    /// The token is not valid, without further reason: for a [`Verifier`](super::Verifier) of your own.
    Invalid,
    /// Whether the token is valid cannot be determined now.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The scopes of the token do not cover the call.
    InsufficientScope {
        /// All scopes that the call requires.
        needed: Vec<String>,
    },
}

impl AuthError {
    /// Returns a stable code for logs and programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::MalformedToken(_) => "malformed_token",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::WrongAudience { .. } => "wrong_audience",
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::WrongClient { .. } => "wrong_client",
            Self::WrongClaim { .. } => "wrong_claim",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::UnnamedKey => "unnamed_key",
            Self::WrongType { .. } => "wrong_type",
            Self::Algorithm { .. } => "algorithm",
            Self::Claim(_) => "claim",
            Self::SenderConstrained => "sender_constrained",
            Self::Proof(_) => "proof",
            Self::Nonce { .. } => "nonce",
            Self::Inactive => "inactive",
            Self::Invalid => "invalid",
            Self::Unavailable { .. } => "unavailable",
            Self::InsufficientScope { .. } => "insufficient_scope",
        }
    }

    /// Returns the `error` of the challenge (RFC 6750 §3.1, RFC 9449 §7.1), if it has one.
    pub fn error(&self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Unavailable { .. } => None,
            Self::Malformed(_) => Some("invalid_request"),
            Self::Proof(_) => Some("invalid_dpop_proof"),
            Self::Nonce { .. } => Some("use_dpop_nonce"),
            Self::InsufficientScope { .. } => Some("insufficient_scope"),
            _ => Some("invalid_token"),
        }
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::InsufficientScope { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// Whether the same token may be accepted later.
    #[cfg(any(feature = "broker", feature = "sse", feature = "websocket"))]
    pub(crate) fn is_temporary(&self) -> bool {
        self.retry_after().is_some()
    }

    /// Returns when to try again, if whether the token is valid cannot be determined now.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("an access token is needed"),
            Self::Malformed(how) | Self::MalformedToken(how) => f.write_str(how),
            Self::Expired { ago } => write!(f, "the token expired {} s ago", ago.as_secs()),
            Self::NotYetValid { .. } => {
                f.write_str("the token is not valid yet; is a clock wrong?")
            }
            Self::WrongAudience { found, expected } => {
                let audiences = found.join(" ");
                write!(f, "the token is for {}, and this is {expected}", escape(&audiences))?;
                let bare = expected.trim_end_matches('/');
                if found.iter().any(|found| found.trim_end_matches('/') == bare) {
                    f.write_str("; they differ in a slash at the end")?;
                }
                Ok(())
            }
            Self::WrongIssuer { found, expected } => {
                let found = escape(found);
                write!(f, "the token is from {found}, and only {expected} is trusted here")
            }
            Self::WrongClient { found: Some(found) } => {
                write!(
                    f,
                    "the token was issued to the client {}, whose tokens are not accepted here",
                    escape(found)
                )
            }
            Self::WrongClient { found: None } => {
                f.write_str("the token does not say which client it was issued to")
            }
            Self::WrongClaim { name, found: Some(found) } => {
                write!(
                    f,
                    "the claim {} of the token is {}, which is not accepted here",
                    escape(name),
                    escape(found)
                )
            }
            Self::WrongClaim { name, found: None } => {
                write!(f, "the token lacks the claim {}", escape(name))
            }
            Self::BadSignature => f.write_str("the signature of the token does not fit"),
            Self::UnknownKey => {
                f.write_str("the token is signed with a key that its issuer does not publish")
            }
            Self::UnnamedKey => {
                f.write_str("the token does not say which key of its issuer signed it (kid)")
            }
            Self::WrongType { found } => match found {
                Some(found) => {
                    write!(f, "this is a {} and not an access token (at+jwt)", escape(found))
                }
                None => f.write_str("this is not said to be an access token (at+jwt)"),
            },
            Self::Algorithm { .. } => {
                f.write_str("the token is signed in a way that is not accepted")
            }
            Self::Claim(name) => {
                write!(f, "the claim {name} of the token is missing or has no meaning")
            }
            Self::SenderConstrained => {
                f.write_str("the token is bound to a key, and came without a proof of it")
            }
            Self::Proof(why) => write!(f, "the DPoP proof is not accepted: {why}"),
            Self::Nonce { .. } => f.write_str("the DPoP proof needs the nonce of this answer"),
            Self::Inactive => f.write_str("the token was revoked or has expired"),
            Self::Invalid => f.write_str("the token is not accepted"),
            Self::Unavailable { .. } => {
                f.write_str("the authorization server cannot be reached; try again later")
            }
            Self::InsufficientScope { needed } => {
                write!(f, "this needs the scope {}", needed.join(" "))
            }
        }
    }
}

impl std::error::Error for AuthError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_repeats_of_a_token_stays_on_its_line() {
        let text = "a\nINFO toolgate::audit: call\u{1b}[2K\u{202e}".repeat(40);
        let expected = "https://a.example/mcp".to_owned();
        for error in [
            AuthError::WrongType { found: Some(text.clone()) },
            AuthError::WrongIssuer { found: text.clone(), expected: expected.clone() },
            AuthError::WrongClient { found: Some(text.clone()) },
            AuthError::WrongClaim { name: "org".to_owned(), found: Some(text.clone()) },
            AuthError::WrongAudience { found: vec![text.clone(), text], expected },
        ] {
            let shown = error.to_string();
            assert!(shown.starts_with(|c: char| c.is_ascii_lowercase()), "{shown}");
            assert!(!shown.contains(['\n', '\u{1b}', '\u{202e}']), "{shown:?}");
            assert!(shown.contains("a\\u{a}INFO") && shown.chars().count() < 250, "{shown}");
        }
    }
}
