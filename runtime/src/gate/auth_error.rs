//! Why a request is refused: a closed set of reasons, as values.

use std::{fmt, time::Duration};

use http::StatusCode;

/// Why a request does not pass the gate.
///
/// [`Display`](fmt::Display) is what the caller reads, in `error_description`: no token, no key, and
/// no more of the server than its own name. [`AuthError::code`] is for logs and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// No credentials came.
    Missing,
    /// Credentials came in a form that is none: which.
    Malformed(&'static str),
    /// The token is in a form that no verifier here understands: why.
    MalformedToken(&'static str),
    /// The token ended so long ago, leeway included.
    Expired {
        /// Since when.
        ago: Duration,
    },
    /// The token is not good yet (`nbf`), or was issued in the future.
    NotYetValid,
    /// It was made for another resource (RFC 8707).
    WrongAudience {
        /// For whom it was made.
        found: Vec<String>,
        /// For whom it should have been: this resource.
        expected: String,
    },
    /// It comes from an issuer that is not trusted.
    WrongIssuer {
        /// The issuer that it names.
        found: String,
        /// The issuer that is trusted.
        expected: String,
    },
    /// The signature does not fit.
    BadSignature,
    /// The issuer has no key of this identifier.
    UnknownKey,
    /// It does not say with which of several keys it is signed (`kid`).
    UnnamedKey,
    /// It is no access token (`typ`, RFC 9068 §2.1).
    WrongType {
        /// The type that it names.
        found: Option<String>,
    },
    /// It is signed in a way that is not allowed.
    Algorithm,
    /// A claim is not there, or has no meaning: which.
    Claim(&'static str),
    /// It is bound to a key of its owner, and came without a proof of it (RFC 9449, RFC 8705).
    SenderConstrained,
    /// The proof of possession does not fit: why (RFC 9449 §4.3).
    Proof(&'static str),
    /// A proof of possession must hold this nonce, which is new (RFC 9449 §9).
    Nonce {
        /// The nonce.
        nonce: String,
    },
    /// The issuer says that it is not good, or no longer (RFC 7662).
    Inactive,
    /// It is not known, as far as a verifier of one's own can tell.
    Invalid,
    /// Nobody can say now whether it is good.
    Unavailable {
        /// When to ask again.
        retry_after: Duration,
    },
    /// Its scopes do not cover what was called.
    InsufficientScope {
        /// Every scope that the operation needs.
        needed: Vec<String>,
    },
}

impl AuthError {
    /// A stable word for logs and programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::MalformedToken(_) => "malformed_token",
            Self::Expired { .. } => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongAudience { .. } => "wrong_audience",
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::UnnamedKey => "unnamed_key",
            Self::WrongType { .. } => "wrong_type",
            Self::Algorithm => "algorithm",
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

    /// The error of RFC 6750 §3.1, or none where the RFC wants none.
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

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::InsufficientScope { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("an access token is needed"),
            Self::Malformed(how) | Self::MalformedToken(how) => f.write_str(how),
            Self::Expired { ago } => write!(f, "the token expired {} s ago", ago.as_secs()),
            Self::NotYetValid => f.write_str("the token is not valid yet; is a clock wrong?"),
            Self::WrongAudience { found, expected } => {
                write!(f, "the token is for {}, and this is {expected}", found.join(" "))?;
                let bare = expected.trim_end_matches('/');
                if found.iter().any(|found| found.trim_end_matches('/') == bare) {
                    f.write_str("; they differ in a slash at the end")?;
                }
                Ok(())
            }
            Self::WrongIssuer { found, expected } => {
                write!(f, "the token is from {found}, and only {expected} is trusted here")
            }
            Self::BadSignature => f.write_str("the signature of the token does not fit"),
            Self::UnknownKey => {
                f.write_str("the token is signed with a key that its issuer does not publish")
            }
            Self::UnnamedKey => {
                f.write_str("the token does not say which key of its issuer signed it (kid)")
            }
            Self::WrongType { found } => match found {
                Some(found) => write!(f, "this is a {found} and not an access token (at+jwt)"),
                None => f.write_str("this is not said to be an access token (at+jwt)"),
            },
            Self::Algorithm => f.write_str("the token is signed in a way that is not accepted"),
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
