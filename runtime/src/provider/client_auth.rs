//! Client authentication at a provider.

/// How a client proves itself at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// HTTP Basic; what the RFC wants of every server.
    Basic,
    /// `client_id` and `client_secret` in the body.
    Body,
}
