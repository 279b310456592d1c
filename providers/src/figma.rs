//! Figma: files, comments, components and variables.
//!
//! # Register a client
//!
//! 1. Open [My apps](https://www.figma.com/developers/apps) and choose "Create a new app".
//! 2. Add the redirect URL of your server: `https://tools.example/callback/figma`, or
//!    `http://localhost:8765/callback/figma` for development.
//! 3. Choose the scopes that your tools declare, and `current_user:read`.
//! 4. Set `FIGMA_CLIENT_ID` and `FIGMA_CLIENT_SECRET`.
//! 5. An app that others than your team use is reviewed by Figma.
//!
//! # Identify a person
//!
//! `broker.user("/v1/me", "id").sign_in_scopes(["current_user:read"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for
//! `current_user:read`.
//!
//! # Tokens
//!
//! A token lives for 90 days. It is refreshed at another URL, and the refresh token does not rotate.
//! A code has to be exchanged within 30 seconds, which the server does at once.
//!
//! [Figma's documentation](https://developers.figma.com/docs/rest-api/oauth-apps/)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Figma;
//!
//! /// Lists the comments of a file.
//! #[tool(scopes = "file_comments:read")]
//! async fn list_comments(figma: AuthedClient<Figma>, key: String) -> Result<String> {
//!     figma.get(path!("/v1/files/{key}/comments")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, the client by Basic, the URL for a refresh, and an answer without a new refresh token:
// https://developers.figma.com/docs/rest-api/oauth-apps/. PKCE is described there, and accepted
// (oomol-lab/open-connector, pull request 296). Scopes are separated by spaces: ArcadeAI/docs, pull
// request 587. Revocation: no page has an endpoint.
// Errors: https://developers.figma.com/docs/rest-api/errors/. A missing scope is 403 with a sentence in
// `err`, or in `message` for variables (figma/code-connect, issue 9, and
// figma/variables-github-action-example, issue 38), which has no fixed words.
/// Figma's REST API.
///
/// See [the module](self) for the steps at Figma. Scopes are those of
/// [Figma's list](https://developers.figma.com/docs/rest-api/scopes/).
#[provider(
    api = "https://api.figma.com",
    authorize = "https://www.figma.com/oauth",
    token = "https://api.figma.com/v1/oauth/token",
    refresh = "https://api.figma.com/v1/oauth/refresh",
    refresh_token(rotates = false),
    // https://developers.figma.com/docs/rest-api/errors/: 403, and not 401.
    invalid_token(status = 403, pointer = "/err", values("Invalid token", "Token expired")),
    refresh_response(error_description = "/message"),
    invalid_grant("true: Invalid refresh token"),
    // https://developers.figma.com/docs/rest-api/users-endpoints/
    account(path = "/v1/me", id = "/id", label = "/email", scopes("current_user:read")),
    stand_in = crate::profile::figma::PROFILE
)]
// https://developers.figma.com/docs/rest-api/scopes/
pub enum Figma {
    /// See your name, e-mail address and picture.
    #[scope("current_user:read", access = read)]
    CurrentUserRead,
    /// Read the contents of files.
    #[scope("file_content:read", access = read)]
    FileContentRead,
    /// See the names and dates of files.
    #[scope("file_metadata:read", access = read)]
    FileMetadataRead,
    /// Read comments of files.
    #[scope("file_comments:read", access = read)]
    FileCommentsRead,
    /// Write and delete comments and reactions in files.
    #[scope("file_comments:write", access = write)]
    FileCommentsWrite,
    /// See the versions of files.
    #[scope("file_versions:read", access = read)]
    FileVersionsRead,
    /// Read the links to development resources in files.
    #[scope("file_dev_resources:read", access = read)]
    FileDevResourcesRead,
    /// Write links to development resources in files.
    #[scope("file_dev_resources:write", access = write)]
    FileDevResourcesWrite,
    /// Read variables of files (Enterprise).
    #[scope("file_variables:read", access = read)]
    FileVariablesRead,
    /// Write variables of files (Enterprise).
    #[scope("file_variables:write", access = write)]
    FileVariablesWrite,
    /// See single components and styles that are published.
    #[scope("library_assets:read", access = read)]
    LibraryAssetsRead,
    /// See the components and styles that a file publishes.
    #[scope("library_content:read", access = read)]
    LibraryContentRead,
    /// See the components and styles that a team publishes.
    #[scope("team_library_content:read", access = read)]
    TeamLibraryContentRead,
    /// See how published components are used (Enterprise).
    #[scope("library_analytics:read", access = read)]
    LibraryAnalyticsRead,
    /// See projects and their files.
    // Private apps alone may ask for it: https://developers.figma.com/docs/rest-api/projects-endpoints/
    #[scope("projects:read", access = read)]
    ProjectsRead,
    /// See webhooks.
    #[scope("webhooks:read", access = read)]
    WebhooksRead,
    /// Create and change webhooks.
    #[scope("webhooks:write", access = write)]
    WebhooksWrite,
}
