//! Stripe, for the accounts that are connected to yours (Stripe Connect).
//!
//! # Register a client
//!
//! 1. Open [the settings of Connect](https://dashboard.stripe.com/settings/connect/onboarding-options/oauth)
//!    and enable OAuth.
//! 2. Add the redirect URI of your server: `https://tools.example/callback/stripe`. In test mode
//!    `http://127.0.0.1:8765/callback/stripe` works as well.
//! 3. Set `STRIPE_CLIENT_ID` to the client id there (`ca_..`), and `STRIPE_CLIENT_SECRET` to a secret
//!    key of your account (`sk_..`): Stripe has no other secret of a client.
//!
//! # Identify a person
//!
//! `broker.user("/v1/account", "id")`: it is the account that is identified, not who signs in for it.
//!
//! Several accounts that a person connects are told apart by it too.
//!
//! # Tokens
//!
//! A token does not expire. Stripe would rather have your own key with the header `Stripe-Account`,
//! which acts for every connected account; a token acts for one. An account ends a connection in its
//! dashboard.
//!
//! [Stripe's documentation](https://docs.stripe.com/connect/oauth-reference)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Stripe;
//!
//! /// Lists the latest payments.
//! #[tool(scopes = "read_only")]
//! async fn list_payments(stripe: AuthedClient<Stripe>) -> Result<String> {
//!     stripe.get("/v1/payment_intents").query(&[("limit", 10)]).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints and scopes: https://docs.stripe.com/connect/oauth-reference. Ending a connection takes the
// id of the account (`stripe_user_id`), not a token, so no `revoke` is declared. PKCE: not described
// there, so it is left out.
// Errors: https://docs.stripe.com/api/errors. A missing scope: stripe/stripe-apps, issues 458 and 1027.
/// Stripe's API, for an account that is connected to yours.
///
/// See [the module](self) for the steps at Stripe. Stripe Connect has these two
/// [scopes](https://docs.stripe.com/connect/oauth-reference#get-authorize-request).
#[provider(
    api = "https://api.stripe.com",
    authorize = "https://connect.stripe.com/oauth/authorize",
    token = "https://connect.stripe.com/oauth/token",
    client_auth = body,
    pkce = off,
    insufficient_scope(
        status = 403,
        pointer = "/error/code",
        values("more_permissions_required_for_application")
    ),
    // https://docs.stripe.com/api/accounts/retrieve
    account(path = "/v1/account", id = "/id", label = "/email"),
    stand_in = crate::profile::stripe::PROFILE
)]
// https://docs.stripe.com/connect/oauth-reference#get-authorize-request
pub enum Stripe {
    /// Read your account: payments, customers, balance.
    #[scope("read_only", access = read)]
    ReadOnly,
    /// Read and change your account: charge, refund, pay out.
    #[scope("read_write", access = destructive, implies(ReadOnly))]
    ReadWrite,
}
