//! Products that issue access tokens: what an operator has to set there, and what hosts cannot do.

use super::AuthError;

/// A product, by what the log and the checks of a configuration say about it.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// What to set there so that tokens are accepted which were refused for this cause. `{resource}`
    /// stands for the URL of the server.
    pub(crate) hints: &'static [(Cause, &'static str)],
    /// What MCP hosts cannot do there, and what to do about it.
    pub(crate) hosts: &'static [&'static str],
}

/// Why a token was refused, as far as a setting of the issuer changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The token is no JWT.
    Opaque,
    /// It names no audience.
    NoAudience,
    /// It is for another resource.
    OtherAudience,
    OtherIssuer,
    /// It is not an access token.
    OtherType,
    OtherClient,
    /// A claim is missing that all access tokens of the product have, or is another.
    OtherClaim,
    Algorithm,
    /// It lacks the scopes of a tool.
    Scopes,
}

impl Cause {
    fn of(error: &AuthError) -> Option<Self> {
        Some(match error {
            AuthError::MalformedToken(_) => Self::Opaque,
            AuthError::Claim("aud") => Self::NoAudience,
            AuthError::WrongAudience { .. } => Self::OtherAudience,
            AuthError::WrongIssuer { .. } => Self::OtherIssuer,
            AuthError::WrongType { .. } => Self::OtherType,
            AuthError::WrongClient { .. } => Self::OtherClient,
            AuthError::WrongClaim { .. } => Self::OtherClaim,
            AuthError::Algorithm { .. } => Self::Algorithm,
            AuthError::InsufficientScope { .. } => Self::Scopes,
            _ => return None,
        })
    }
}

impl Product {
    /// What to set at the product so that tokens like the one that was refused are accepted.
    pub(crate) fn hint(&self, error: &AuthError, resource: &str) -> Option<String> {
        let cause = Cause::of(error)?;
        let (_, hint) = self.hints.iter().find(|(of, _)| *of == cause)?;
        Some(format!("{}: {}", self.name, hint.replace("{resource}", resource)))
    }
}
