//! The gate: who may call a tool over HTTP.
//!
//! A server with a gate is an OAuth 2 resource server (RFC 6750, 8707, 9728). Every request to the
//! endpoint carries an access token, which a [`Verifier`] looks at before anything of the body is
//! read; then the scopes of the called tool are compared with those of the token, before the tool
//! is called and before an answer has begun.

mod browser;
mod challenge;
mod claims;
mod credentials;
mod discovery;
mod dpop;
mod fetch;
mod introspection;
mod jwks;
mod jwt;
mod keys;
mod memory;
mod metadata;
mod peer;
mod policy;
mod refusal;
mod sign_in;
mod token;
mod verifier;

pub use async_trait::async_trait;
pub use jsonwebtoken::jwk::JwkSet;

pub use self::{
    browser::BrowserIdentity,
    claims::Claims,
    credentials::{Credentials, Scheme},
    introspection::{Introspection, introspection},
    jwt::{Jwt, jwks, keys, oidc},
    peer::PeerAddress,
    policy::Gate,
    refusal::Refusal,
    sign_in::SignIn,
    verifier::{Presented, Verifier},
};
pub(crate) use self::{
    challenge::Challenge,
    credentials::DPOP,
    discovery::{ServerMetadata, discover},
    fetch::client,
    memory::Memory,
    metadata::{Metadata, ROOT, path_of, url_of},
    peer::party,
    token::said_by,
};
#[cfg(feature = "broker")]
pub(crate) use self::{
    jwks::{FetchError, KeySource},
    peer::party_of,
};
