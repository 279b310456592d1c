//! The gate: who may call a tool over HTTP.
//!
//! A server with a gate is an OAuth 2 resource server (RFC 6750, 8707, 9728). Every request to the
//! endpoint carries an access token, which a [`Verifier`] looks at before anything of the body is
//! read; then the scopes of the called tool are compared with those of the token, before the tool
//! is called and before an answer has begun.

pub(crate) mod audit;
pub(crate) mod auth_error;
pub(crate) mod browser_identity;
pub(crate) mod challenge;
pub(crate) mod claims;
pub(crate) mod credentials;
pub(crate) mod limits;
pub(crate) mod metadata;
pub(crate) mod peer;
pub(crate) mod policy;
pub(crate) mod required_scopes;
pub(crate) mod resource_metadata;
pub(crate) mod resource_server;
pub(crate) mod sign_in;
pub(crate) mod token_cache;
pub(crate) mod verify;

pub use async_trait::async_trait;
pub use jsonwebtoken::jwk::JwkSet;

#[cfg(feature = "broker")]
pub(crate) use self::verify::jwks::{FetchError, KeySource};
pub use self::{
    auth_error::AuthError,
    browser_identity::BrowserIdentity,
    claims::Claims,
    credentials::{Credentials, Scheme},
    peer::PeerAddress,
    policy::Gate,
    sign_in::SignIn,
    verify::{
        Presented, Verifier,
        introspection::{Introspection, introspection},
        jwt::{Jwt, jwks, keys, oidc},
    },
};
pub(crate) use self::{
    challenge::Challenge,
    credentials::DPOP,
    metadata::{Metadata, ROOT, path_of, url_of},
    peer::{party, party_of},
    token_cache::Memory,
    verify::{
        discovery::{ServerMetadata, discover},
        token::said_by,
    },
};
pub(crate) use crate::support::fetch::client;
