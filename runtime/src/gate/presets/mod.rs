//! Presets of the JWT verifier for products that issue access tokens.
//!
//! Each function knows the issuer, the keys, the audience and the claims of its product. Its
//! documentation has the steps in the product's console, and what MCP hosts cannot do there.
//!
//! Statements about a product were compared with its own documentation in November 2026, at the page
//! that a comment names. `Not checked` marks what no page of the product was found for.

mod auth0;
mod authentik;
mod better_auth;
mod clerk;
mod cognito;
mod descope;
mod entra;
mod keycloak;
mod logto;
mod okta;
mod ory;
mod parts;
mod scalekit;
mod stytch;
mod supabase;
mod workos;
mod zitadel;

pub use self::{
    auth0::auth0, authentik::authentik, better_auth::better_auth, clerk::clerk, cognito::cognito,
    descope::descope, entra::entra, keycloak::keycloak, logto::logto, okta::okta, ory::ory,
    scalekit::scalekit, stytch::stytch, supabase::supabase, workos::workos, zitadel::zitadel,
};
