//! Gate: access control of a server over HTTP.
//!
//! A server with a gate is an OAuth 2 resource server (RFC 6750, 8707, 9728). Every request to the
//! endpoint carries an access token, which a [`Verifier`] checks before the body is read. Then the
//! scopes of the called tool are compared with those of the token, before the tool is called and
//! before a response has begun.

pub(crate) mod address_limit;
pub(crate) mod allowed_origin;
pub(crate) mod audit;
pub(crate) mod auth_error;
mod authentication;
pub(crate) mod browser_identity;
pub(crate) mod challenge;
pub(crate) mod claims;
#[cfg(any(feature = "sse", feature = "websocket"))]
pub(crate) mod connection_token;
pub(crate) mod credentials;
pub(crate) mod events;
pub(crate) mod gate_error;
pub(crate) mod limits;
pub(crate) mod other_endpoint;
pub(crate) mod peer;
pub(crate) mod policy;
mod presets;
pub(crate) mod product;
pub(crate) mod readiness;
pub(crate) mod requested_scope;
pub(crate) mod required_scopes;
pub(crate) mod resource_metadata;
pub(crate) mod resource_server;
pub(crate) mod sign_in;
pub(crate) mod sign_in_scopes;
pub(crate) mod step_up;
pub(crate) mod subject_token;
pub(crate) mod token_cache;
pub(crate) mod used_proofs;
pub(crate) mod verify;

/// The subject of the local user, who calls a server without a gate.
pub(crate) const LOCAL_SUBJECT: &str = "local";

pub use async_trait::async_trait;
pub use jsonwebtoken::jwk::JwkSet;

#[cfg(feature = "inspector")]
pub(crate) use self::verify::discovery::metadata_urls;
#[cfg(feature = "broker")]
pub(crate) use self::verify::jwks::KeySource;
pub use self::{
    auth_error::AuthError,
    browser_identity::BrowserIdentity,
    claims::Claims,
    credentials::{Credentials, Scheme},
    peer::PeerAddress,
    policy::Gate,
    presets::{
        auth0, authentik, better_auth, clerk, cognito, descope, entra, keycloak, logto, okta, ory,
        scalekit, stytch, supabase, workos, zitadel,
    },
    sign_in::SignIn,
    sign_in_scopes::StepUp,
    verify::{
        PresentedToken, Verifier,
        introspection::{Introspection, introspection},
        jwt::{Jwt, jwks, keys, oidc},
    },
};
pub(crate) use self::{
    challenge::Challenge,
    credentials::DPOP,
    peer::{client_ip_key, connected_ip_key, site_of},
    resource_metadata::WELL_KNOWN,
    token_cache::TokenCache,
    verify::{
        discovery::{ServerMetadata, discover},
        token::unverified_claims,
    },
};
pub use crate::support::forwarded::ForwardedRequest;
#[cfg(feature = "broker")]
pub(crate) use crate::support::http_client::FetchError;
pub(crate) use crate::support::http_client::client;
