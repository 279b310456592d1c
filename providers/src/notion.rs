//! Notion: pages, databases and comments.
//!
//! # Register a client
//!
//! 1. Open [the connections of Notion's developer portal](https://app.notion.com/developers/connections)
//!    and create a public connection.
//! 2. Choose its capabilities: what it may read, insert and update. They take the place of scopes,
//!    and hold for every person who connects.
//! 3. Add the redirect URI of your server: `http://127.0.0.1:8765/callback/notion`, or
//!    `https://tools.example/callback/notion`.
//! 4. Set `NOTION_CLIENT_ID` and `NOTION_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/v1/users/me", "/bot/owner/user/id")`: the token is a bot's, and the person is its
//! owner.
//!
//! The same identifier distinguishes several accounts of a person, together with the workspace.
//!
//! # Tokens
//!
//! Who connects chooses the pages that the tools may reach. How long a token lives is not
//! documented. A refresh gives a new refresh token.
//!
//! [Notion's documentation](https://developers.notion.com/guides/authorization/overview)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Notion;
//!
//! /// Reads a page's properties.
//! #[tool(scopes = "read_content")]
//! async fn read_page(notion: AuthedClient<Notion>, id: String) -> Result<String> {
//!     notion.get(path!("/v1/pages/{id}")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// JSON bodies, the client by Basic, and a new refresh token at a refresh:
// https://developers.notion.com/reference/create-a-token,
// https://developers.notion.com/reference/refresh-a-token. None of the parameters of a consent is for
// PKCE: https://developers.notion.com/docs/authorization. A dead refresh token is `invalid_grant`:
// https://developers.notion.com/reference/status-codes
// Revocation: https://developers.notion.com/reference/revoke-token
// The version: https://developers.notion.com/reference/versioning
/// Notion's API.
///
/// See [the module](self) for the steps at Notion. Its scopes are the
/// [capabilities](https://developers.notion.com/reference/capabilities) of a connection, which are
/// chosen in the console; Notion knows no scopes.
#[provider(
    api = "https://api.notion.com",
    authorize = "https://api.notion.com/v1/oauth/authorize",
    token = "https://api.notion.com/v1/oauth/token",
    revoke = "https://api.notion.com/v1/oauth/revoke",
    pkce = off,
    token_body = json,
    authorize_params("owner" = "user"),
    api_headers("Notion-Version" = "2022-06-28"),
    revocation(body = json, only = access_token),
    // https://developers.notion.com/reference/get-self: open to every token. A token is for a person in
    // a workspace, and both have an identifier (`BotInfoResponse` in
    // https://github.com/makenotion/notion-sdk-js/blob/main/src/api-endpoints/common.ts). `bot_id` is
    // that of the authorization, which may be another after another consent. A recorded answer with
    // `workspace_id`: https://brenwin1.github.io/notionapi/reference/UsersEndpoint.html.
    account(
        path = "/v1/users/me",
        id("/bot/workspace_id", "/bot/owner/user/id"),
        label("/bot/owner/user/name", "/bot/workspace_name")
    ),
    stand_in = crate::profile::notion::PROFILE
)]
// https://developers.notion.com/reference/capabilities
pub enum Notion {
    /// Read pages and databases that you share.
    #[scope("read_content", access = read)]
    ReadContent,
    /// Change pages and databases that you share.
    #[scope("update_content", access = write)]
    UpdateContent,
    /// Create pages and databases below those that you share.
    #[scope("insert_content", access = write)]
    InsertContent,
    /// Read comments.
    #[scope("read_comments", access = read)]
    ReadComments,
    /// Write comments.
    #[scope("insert_comments", access = write)]
    InsertComments,
    /// See the names and pictures of people in the workspace.
    #[scope("read_users", access = read)]
    ReadUsers,
    /// See the names, pictures and e-mail addresses of people in the workspace.
    #[scope("read_users_with_email", access = read, implies(ReadUsers))]
    ReadUsersWithEmail,
}
