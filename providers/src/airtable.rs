//! Airtable: bases, their records and comments.
//!
//! # Register a client
//!
//! 1. Open [OAuth integrations](https://airtable.com/create/oauth) and choose "Register new OAuth
//!    integration".
//! 2. Set the redirect URL to that of your server: `https://tools.example/callback/airtable`, or
//!    `http://localhost:8765/callback/airtable` for development.
//! 3. Choose the scopes that your tools declare, and "Generate client secret".
//! 4. Set `AIRTABLE_CLIENT_ID` and `AIRTABLE_CLIENT_SECRET`.
//! 5. Before others than you may connect, fill in the terms of service, the privacy policy and the
//!    address of your support.
//!
//! # Identify a person
//!
//! `broker.user("/v0/meta/whoami", "id")`: no scope is needed.
//!
//! The same identifier distinguishes several accounts of a person. They have names where the scope
//! `user.email:read` is granted.
//!
//! # Tokens
//!
//! A token lives for an hour, its refresh token for 60 days. A refresh gives a new refresh token. A
//! person chooses the bases that the tools may reach. Airtable has no endpoint for revocation: people
//! do it at [their integrations](https://airtable.com/account/integrations).
//!
//! [Airtable's documentation](https://airtable.com/developers/web/api/oauth-reference)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Airtable;
//!
//! /// Lists records of a table.
//! #[tool(scopes = "data.records:read")]
//! async fn list_records(
//!     airtable: AuthedClient<Airtable>,
//!     base: String,
//!     table: String,
//! ) -> Result<String> {
//!     airtable.get(path!("/v0/{base}/{table}")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, PKCE required, the client by Basic where it has a secret, an hour and 60 days, rotation:
// https://airtable.com/developers/web/api/oauth-reference
// https://github.com/Airtable/oauth-example. A refresh token that is used twice revokes the grant:
// https://support.airtable.com/docs/troubleshooting-oauth-integrations-in-airtable
// Limits: 429, and 30 seconds: https://airtable.com/developers/web/api/rate-limits
/// Airtable's Web API.
///
/// See [the module](self) for the steps at Airtable. Scopes are those of
/// [Airtable's list](https://airtable.com/developers/web/api/scopes) that need no enterprise.
#[provider(
    api = "https://api.airtable.com",
    authorize = "https://airtable.com/oauth2/v1/authorize",
    token = "https://airtable.com/oauth2/v1/token",
    // https://airtable.com/developers/web/api/get-user-id-scopes: the address needs `user.email:read`,
    // and without it the account has no name of its own.
    account(path = "/v0/meta/whoami", id = "/id", label = "/email"),
    stand_in = crate::profile::airtable::PROFILE
)]
// https://airtable.com/developers/web/api/scopes
pub enum Airtable {
    /// Read records.
    #[scope("data.records:read", access = read)]
    RecordsRead,
    /// Create, change and delete records.
    #[scope("data.records:write", access = write)]
    RecordsWrite,
    /// Read comments of records.
    #[scope("data.recordComments:read", access = read)]
    RecordCommentsRead,
    /// Write, change and delete comments of records.
    #[scope("data.recordComments:write", access = write)]
    RecordCommentsWrite,
    /// See bases, and the tables and fields that they have.
    #[scope("schema.bases:read", access = read)]
    SchemaRead,
    /// Create and change bases, tables and fields.
    #[scope("schema.bases:write", access = write)]
    SchemaWrite,
    /// See workspaces, views and who works in a base.
    #[scope("workspacesAndBases:read", access = read)]
    WorkspacesAndBasesRead,
    /// See, create and delete webhooks.
    #[scope("webhook:manage", access = write)]
    WebhookManage,
    /// Publish extensions.
    #[scope("block:manage", access = write)]
    BlockManage,
    /// See your e-mail address.
    #[scope("user.email:read", access = read)]
    UserEmailRead,
}
