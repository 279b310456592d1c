//! Asana: tasks, projects and goals.
//!
//! # Register a client
//!
//! 1. Open [My apps](https://app.asana.com/0/my-apps) and choose "Create new app".
//! 2. Under "OAuth", add the redirect URL of your server: `https://tools.example/callback/asana`, or
//!    `http://localhost:8765/callback/asana` for development.
//! 3. Choose the scopes that your tools declare, and `users:read`, not "Full permissions".
//! 4. Under "Manage distribution", choose which workspaces may use it.
//! 5. Set `ASANA_CLIENT_ID` and `ASANA_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/users/me", "/data/gid").sign_in_scopes(["users:read"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for `users:read`.
//!
//! # Tokens
//!
//! A token lives for an hour. The refresh token does not expire and does not rotate.
//!
//! [Asana's documentation](https://developers.asana.com/docs/oauth)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Asana;
//!
//! /// Reads a task.
//! #[tool(scopes = "tasks:read")]
//! async fn read_task(asana: AuthedClient<Asana>, id: String) -> Result<String> {
//!     asana.get(path!("/tasks/{id}")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, PKCE, an hour, refresh and revocation of the refresh token:
// https://developers.asana.com/docs/oauth. That the refresh token stays: the answer to a refresh has
// no other there.
// Errors: https://developers.asana.com/docs/errors
/// Asana's API, version 1.0.
///
/// See [the module](self) for the steps at Asana. Scopes are those of
/// [Asana's list](https://developers.asana.com/docs/oauth-scopes) that tools need most.
#[provider(
    api = "https://app.asana.com/api/1.0",
    authorize = "https://app.asana.com/-/oauth_authorize",
    token = "https://app.asana.com/-/oauth_token",
    revoke = "https://app.asana.com/-/oauth_revoke",
    client_auth = body,
    revocation(only = refresh_token),
    refresh_token(rotates = false),
    // https://developers.asana.com/reference/getuser
    account(path = "/users/me", id = "/data/gid", label = "/data/email", scopes("users:read")),
    stand_in = crate::profile::asana::PROFILE
)]
// https://developers.asana.com/docs/oauth-scopes: endpoints of each; none includes another.
pub enum Asana {
    /// See people and their names.
    #[scope("users:read", access = read)]
    UsersRead,
    /// See your workspaces.
    #[scope("workspaces:read", access = read)]
    WorkspacesRead,
    /// Search names in your workspaces.
    #[scope("workspaces.typeahead:read", access = read)]
    WorkspacesTypeaheadRead,
    /// See teams.
    #[scope("teams:read", access = read)]
    TeamsRead,
    /// See projects.
    #[scope("projects:read", access = read)]
    ProjectsRead,
    /// Create and change projects.
    #[scope("projects:write", access = write)]
    ProjectsWrite,
    /// Delete projects.
    #[scope("projects:delete", access = destructive)]
    ProjectsDelete,
    /// See tasks.
    #[scope("tasks:read", access = read)]
    TasksRead,
    /// Create and change tasks.
    #[scope("tasks:write", access = write)]
    TasksWrite,
    /// Delete tasks.
    #[scope("tasks:delete", access = destructive)]
    TasksDelete,
    /// Read comments and the history of tasks.
    #[scope("stories:read", access = read)]
    StoriesRead,
    /// Comment on tasks.
    #[scope("stories:write", access = write)]
    StoriesWrite,
    /// See attachments.
    #[scope("attachments:read", access = read)]
    AttachmentsRead,
    /// Upload attachments.
    #[scope("attachments:write", access = write)]
    AttachmentsWrite,
    /// Delete attachments.
    #[scope("attachments:delete", access = destructive)]
    AttachmentsDelete,
    /// See custom fields.
    #[scope("custom_fields:read", access = read)]
    CustomFieldsRead,
    /// Create and change custom fields.
    #[scope("custom_fields:write", access = write)]
    CustomFieldsWrite,
    /// See goals.
    #[scope("goals:read", access = read)]
    GoalsRead,
    /// See portfolios.
    #[scope("portfolios:read", access = read)]
    PortfoliosRead,
}
