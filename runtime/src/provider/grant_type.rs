//! Grant types: how a server gets the access tokens of a provider.

/// How a server gets the access tokens of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantType {
    /// Each person connects an account (RFC 6749 §4.1).
    AuthorizationCode,
    /// The access token of the caller is exchanged for one of the API, at the authorization server
    /// that issued it (RFC 8693).
    TokenExchange,
}
