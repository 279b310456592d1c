//! Slack, on behalf of the person who connects.
//!
//! # Register a client
//!
//! 1. Open [Your apps](https://api.slack.com/apps) and choose "Create New App", "From scratch".
//! 2. Under "OAuth & Permissions", add the redirect URL of your server:
//!    `https://tools.example/callback/slack`. Slack wants https: for development put a tunnel in
//!    front.
//! 3. There, under "User Token Scopes", add every scope that your tools declare.
//! 4. Set `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` from "Basic Information".
//!
//! # Identify a person
//!
//! `broker.user("/auth.test", "user_id")`, for an app of one workspace only: an id is unique in
//! its workspace, and another workspace may have the same. Several accounts of a person are told
//! apart by the workspace and the id.
//!
//! # Tokens
//!
//! A token does not expire, unless "Token rotation" is switched on, which cannot be switched off
//! again: then it lives for 12 hours, and refresh tokens work once.
//!
//! [Slack's documentation](https://docs.slack.dev/authentication/installing-with-oauth)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Slack;
//!
//! /// Posts a message to a channel.
//! #[tool(scopes = "chat:write")]
//! async fn post_message(slack: AuthedClient<Slack>, channel: String, text: String) -> Result<()> {
//!     let message = serde_json::json!({ "channel": channel, "text": text });
//!     slack.post("/chat.postMessage").json(&message).send().await.map(drop)
//! }
//! ```

use toolgate::provider;

// https://docs.slack.dev/authentication/installing-with-oauth: scopes separated by commas, those of
// people in `user_scope`, and their token in `authed_user` of the answer.
// https://docs.slack.dev/authentication/using-token-rotation: 12 hours, a refresh token works once,
// and the answer to a refresh has its members at the top.
// https://docs.slack.dev/reference/methods/auth.revoke revokes the token that it is called with.
// https://docs.slack.dev/apis/web-api/: errors have status 200, `ok: false` and `error`; a missing
// scope is named in `needed`. The words are those of https://docs.slack.dev/reference/methods/auth.test
/// Slack's Web API, with the token of the person who connects.
///
/// See [the module](self) for the steps at Slack. Scopes are those of
/// [Slack's list](https://docs.slack.dev/reference/scopes) that tools need most.
#[provider(
    api = "https://slack.com/api",
    authorize = "https://slack.com/oauth/v2/authorize",
    token = "https://slack.com/api/oauth.v2.access",
    revoke = "https://slack.com/api/auth.revoke",
    client_auth = body,
    scope_param = "user_scope",
    scope_separator = ",",
    response_scope_separator = ",",
    token_response(
        access_token = "/authed_user/access_token",
        refresh_token = "/authed_user/refresh_token",
        scope = "/authed_user/scope",
        expires_in = "/authed_user/expires_in"
    ),
    refresh_response(),
    invalid_grant("invalid_refresh_token", "token_revoked", "token_expired"),
    rate_limited(pointer = "/error", values("ratelimited", "rate_limited")),
    insufficient_scope(pointer = "/error", values("missing_scope"), needed = "/needed"),
    invalid_token(
        pointer = "/error",
        values("token_expired", "token_revoked", "invalid_auth", "not_authed", "account_inactive")
    ),
    api_error(pointer = "/ok", values("false")),
    revocation(token = bearer, only = access_token),
    account(path = "/auth.test", id("/team_id", "/user_id"), label("/user", "/team")),
    stand_in = crate::profile::slack::PROFILE
)]
// https://docs.slack.dev/reference/scopes: no scope includes another.
pub enum Slack {
    /// See public channels.
    #[scope("channels:read", access = read)]
    ChannelsRead,
    /// Read messages of public channels.
    #[scope("channels:history", access = read)]
    ChannelsHistory,
    /// Create, rename, join and leave public channels.
    #[scope("channels:write", access = write)]
    ChannelsWrite,
    /// See private channels that you are in.
    #[scope("groups:read", access = read)]
    GroupsRead,
    /// Read messages of private channels that you are in.
    #[scope("groups:history", access = read)]
    GroupsHistory,
    /// See your direct messages' list.
    #[scope("im:read", access = read)]
    ImRead,
    /// Read your direct messages.
    #[scope("im:history", access = read)]
    ImHistory,
    /// Start direct messages.
    #[scope("im:write", access = write)]
    ImWrite,
    /// See the list of your group messages.
    #[scope("mpim:read", access = read)]
    MpimRead,
    /// Read your group messages.
    #[scope("mpim:history", access = read)]
    MpimHistory,
    /// Send messages as you.
    #[scope("chat:write", access = write)]
    ChatWrite,
    /// See the people of the workspace.
    #[scope("users:read", access = read)]
    UsersRead,
    /// See the e-mail addresses of people of the workspace.
    // Asked for together with `users:read`: https://docs.slack.dev/reference/scopes/users.read.email
    #[scope("users:read.email", access = read)]
    UsersReadEmail,
    /// See people's profiles.
    #[scope("users.profile:read", access = read)]
    UsersProfileRead,
    /// Change your profile and status.
    #[scope("users.profile:write", access = write)]
    UsersProfileWrite,
    /// Search messages and files.
    #[scope("search:read", access = read)]
    SearchRead,
    /// See files.
    #[scope("files:read", access = read)]
    FilesRead,
    /// Upload, change and delete your files.
    #[scope("files:write", access = write)]
    FilesWrite,
    /// See reactions.
    #[scope("reactions:read", access = read)]
    ReactionsRead,
    /// Add and remove your reactions.
    #[scope("reactions:write", access = write)]
    ReactionsWrite,
    /// See pinned messages.
    #[scope("pins:read", access = read)]
    PinsRead,
    /// Pin messages.
    #[scope("pins:write", access = write)]
    PinsWrite,
    /// See your reminders.
    #[scope("reminders:read", access = read)]
    RemindersRead,
    /// Add, complete and delete your reminders.
    #[scope("reminders:write", access = write)]
    RemindersWrite,
    /// See groups of people.
    #[scope("usergroups:read", access = read)]
    UsergroupsRead,
    /// See the workspace's name, domain and picture.
    #[scope("team:read", access = read)]
    TeamRead,
    /// See the workspace's emoji.
    #[scope("emoji:read", access = read)]
    EmojiRead,
    /// See when people do not want to be disturbed.
    #[scope("dnd:read", access = read)]
    DndRead,
    /// Read canvases.
    #[scope("canvases:read", access = read)]
    CanvasesRead,
    /// Create, change and delete canvases.
    #[scope("canvases:write", access = write)]
    CanvasesWrite,
    /// See bookmarks of channels.
    #[scope("bookmarks:read", access = read)]
    BookmarksRead,
    /// Add, change and remove bookmarks of channels.
    #[scope("bookmarks:write", access = write)]
    BookmarksWrite,
}
