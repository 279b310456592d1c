//! OAuth 2 client for upstream providers, built on the `oauth2` crate.
//!
//! [`UpstreamClient`] makes authorization URLs, exchanges codes, refreshes tokens and revokes them.
//! The `oauth2` crate builds the requests and reads the responses; its types ([`CsrfToken`],
//! [`PkceCodeVerifier`], [`AuthorizationCode`], ..) are the vocabulary here and in the layers above.
//! Requests are sent by [`transport`], which bounds the response; [`normalize`] rewrites what providers
//! send into what RFC 6749 prescribes, because the crate reads nothing else.

mod client;
mod error;
mod late_placeholders;
mod normalize;
#[cfg(test)]
mod placeholder_tests;
mod raw_response;
mod revocation;
#[cfg(test)]
mod tests;
mod timely_body;
mod token_exchange;
mod token_response;
mod transport;
mod user_endpoint;

pub(crate) use client::UpstreamClient;
pub use error::TokenError;
pub(crate) use oauth2::{
    AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
};
pub(crate) use token_exchange::ExchangeError;
pub use token_response::TokenResponse;
#[cfg(feature = "broker")]
pub(crate) use user_endpoint::Identity;
pub(crate) use user_endpoint::UserEndpoint;

use crate::support::crypto;

/// Makes a `state` of 256 random bits (RFC 6749 §10.12).
pub(crate) fn new_state() -> CsrfToken {
    CsrfToken::new(crypto::random_token())
}

/// Makes a PKCE verifier of 256 random bits, and its S256 challenge (RFC 7636 §4).
pub(crate) fn new_pkce() -> (PkceCodeChallenge, PkceCodeVerifier) {
    let verifier = PkceCodeVerifier::new(crypto::random_token());
    (PkceCodeChallenge::from_code_verifier_sha256(&verifier), verifier)
}
