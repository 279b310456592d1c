//! An authorization server in front of one provider, for MCP hosts.
//!
//! GitHub, Google and Entra know one client, which the operator has registered; MCP hosts register
//! themselves. A [`Broker`] connects the two: to hosts it is an OAuth 2.1 authorization server, to
//! the provider it is that one client. A person signs in at the provider once. The grant stays in
//! the [`Grants`](crate::grant::Grants), and the host gets an access token of the broker, which is
//! valid for this server alone. The provider's token never leaves the server.
//!
//! | feature | path |
//! |---|---|
//! | metadata (RFC 8414), issuer in answers (RFC 9207) | `/.well-known/oauth-authorization-server` |
//! | authorization code with PKCE S256, resource (RFC 8707) | `/oauth/authorize` |
//! | access tokens, rotated refresh tokens | `/oauth/token` |
//! | registration (RFC 7591), or a client ID metadata document | `/oauth/register` |
//! | revocation (RFC 7009) | `/oauth/revoke` |
//! | signing keys, ES256 | `/oauth/jwks` |
//! | more scopes for a sign-in, by a link that a call was answered with | `/oauth/step-up/LINK` |
//!
//! All state is in the store's [`Records`](crate::grant::Records): replicas that share a store are
//! one broker.
//!
//! ```
//! use std::sync::Arc;
//! use toolgate::{broker::Broker, grant::{Grants, MemoryStore, SystemClock}, prelude::*};
//!
//! # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
//! # pub enum Forge {
//! #     /// Read your repositories.
//! #     #[scope("repo:read", access = read)]
//! #     Read,
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(MemoryStore::new());
//! let grants = Grants::new(store.clone(), Arc::new(SystemClock));
//! let client = Forge::client("my-client-id").secret("my-client-secret");
//! let broker =
//!     Broker::builder("https://tools.example.com", "https://tools.example.com/mcp", client, grants, store)
//!         .user("/user", "id")
//!         .build()?;
//! let router = broker.standalone_router();
//! # let _ = router;
//! # Ok(())
//! # }
//! ```

pub(crate) mod admission;
pub(crate) mod admit;
pub(crate) mod builder;
pub(crate) mod client;
pub(crate) mod client_assertion;
pub(crate) mod client_authentication;
pub(crate) mod client_metadata;
pub(crate) mod cookies;
pub(crate) mod documents;
pub(crate) mod endpoint;
pub(crate) mod identity_provider;
pub(crate) mod limits;
mod one_address;
pub(crate) mod own_client;
pub(crate) mod page;
pub(crate) mod redirect;
pub(crate) mod registered_client;
pub(crate) mod routes;
pub(crate) mod signed_assertion;
pub(crate) mod state;
pub(crate) mod step_up;
pub(crate) mod store;
pub(crate) mod tokens;
pub(crate) mod traced;
pub(crate) mod verifier;

/// The type of [`Broker::jwks`], re-exported so that its version always matches.
pub use jsonwebtoken::jwk::JwkSet;

pub use self::{
    admission::Person,
    builder::BrokerBuilder,
    client::KnownClient,
    identity_provider::{IdentityAssertion, IdentityProvider},
    state::Broker,
};
pub use crate::{gate::PeerAddress, grant::DisconnectOutcome};
