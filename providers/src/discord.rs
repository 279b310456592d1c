//! Discord, on behalf of the person who connects.
//!
//! # Register a client
//!
//! 1. Open [the developer portal](https://discord.com/developers/applications) and choose
//!    "New Application".
//! 2. Under `OAuth2`, add the redirect of your server: `http://127.0.0.1:8765/callback/discord`, or
//!    `https://tools.example/callback/discord`.
//! 3. There, choose "Reset Secret", and set `DISCORD_CLIENT_ID` and `DISCORD_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/users/@me", "id").sign_in_scopes(["identify"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for `identify`.
//!
//! # Tokens
//!
//! A token lives for 7 days. A refresh gives a new refresh token. Revoking one token ends all of
//! that authorization. Messages of channels are read and written by bots, which have a token of
//! another kind.
//!
//! [Discord's documentation](https://docs.discord.com/developers/topics/oauth2)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Discord;
//!
//! /// Lists the servers that the user is in.
//! #[tool(scopes = "guilds")]
//! async fn list_servers(discord: AuthedClient<Discord>) -> Result<String> {
//!     discord.get("/users/@me/guilds").send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, the client by Basic or in the body, form bodies only, 604800 s, revocation:
// https://docs.discord.com/developers/topics/oauth2. A refresh token is good once:
// discord/discord-api-docs, issue 5942. A dead one is `invalid_grant` (discord/discord-api-docs, issue
// 1650); earlier it was `invalid_request` (member-gentei/member-gentei, issue 18).
// Limits: 429 with `Retry-After`: https://docs.discord.com/developers/topics/rate-limits
/// Discord's API, version 10.
///
/// See [the module](self) for the steps at Discord. Scopes are those of
/// [Discord's list](https://docs.discord.com/developers/topics/oauth2#shared-resources-oauth2-scopes)
/// that a token of a person serves.
#[provider(
    api = "https://discord.com/api/v10",
    authorize = "https://discord.com/oauth2/authorize",
    token = "https://discord.com/api/oauth2/token",
    revoke = "https://discord.com/api/oauth2/token/revoke",
    invalid_grant("invalid_request: Invalid \"refresh_token\" in request."),
    // https://docs.discord.com/developers/resources/user#get-current-user. `prompt=consent`:
    // https://docs.discord.com/developers/topics/oauth2#authorization-code-grant
    account(
        path = "/users/@me",
        id = "/id",
        label = "/username",
        scopes("identify"),
        prompt = "consent"
    ),
    stand_in = crate::profile::discord::PROFILE
)]
// https://docs.discord.com/developers/topics/oauth2#shared-resources-oauth2-scopes
pub enum Discord {
    /// See who you are, without your e-mail address.
    #[scope("identify", access = read)]
    Identify,
    /// See your e-mail address.
    #[scope("email", access = read)]
    Email,
    /// See the servers that you are in.
    #[scope("guilds", access = read)]
    Guilds,
    /// See your nickname and roles in a server.
    #[scope("guilds.members.read", access = read)]
    GuildsMembersRead,
    /// Add you to a server.
    #[scope("guilds.join", access = write)]
    GuildsJoin,
    /// See your accounts at other services.
    #[scope("connections", access = read)]
    Connections,
    /// Add you to a group message.
    #[scope("gdm.join", access = write)]
    GdmJoin,
    /// Set what your profile shows of this app.
    #[scope("role_connections.write", access = write)]
    RoleConnectionsWrite,
    /// See what you bought in your apps.
    #[scope("applications.entitlements", access = read)]
    ApplicationsEntitlements,
    /// See builds of your apps.
    #[scope("applications.builds.read", access = read)]
    ApplicationsBuildsRead,
    /// Set who may use this app's commands in a server.
    #[scope("applications.commands.permissions.update", access = write)]
    ApplicationsCommandsPermissionsUpdate,
    /// See your direct messages' list; Discord has to approve the app.
    #[scope("dm_channels.read", access = read)]
    DmChannelsRead,
    /// See your friends; Discord has to approve the app.
    #[scope("relationships.read", access = read)]
    RelationshipsRead,
}
