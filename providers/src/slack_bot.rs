//! Slack, as an app with a bot of its own in the workspace.
//!
//! The bot acts as itself, and sees the channels that it is in. `Slack`, of the feature `slack`, acts as
//! the person who connects instead. Both may be of one app.
//!
//! # Register a client
//!
//! 1. Open [Your apps](https://api.slack.com/apps) and choose "Create New App", "From scratch".
//! 2. Under "OAuth & Permissions", add the redirect URL of your server:
//!    `https://tools.example/callback/slack-bot`. Slack wants https: for development put a tunnel in
//!    front.
//! 3. There, under "Bot Token Scopes", add every scope that your tools declare.
//! 4. Set `SLACK_BOT_CLIENT_ID` and `SLACK_BOT_CLIENT_SECRET` from "Basic Information".
//!
//! # Identify a person
//!
//! The token is not for a broker: it is of the bot, not of the person who installed it.
//!
//! Several workspaces that a person connects are told apart by their ids.
//!
//! # Tokens
//!
//! There is one token for a workspace, no matter who installs the app there. It does not expire, unless
//! "Token rotation" is switched on, which cannot be switched off again: then it lives for 12 hours,
//! and refresh tokens work once.
//!
//! [Slack's documentation](https://docs.slack.dev/authentication/tokens#bot)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::SlackBot;
//!
//! /// Posts a message to a channel, as the bot.
//! #[tool(scopes = "chat:write")]
//! async fn post_message(slack: AuthedClient<SlackBot>, channel: String, text: String) -> Result<()> {
//!     let message = serde_json::json!({ "channel": channel, "text": text });
//!     slack.post("/chat.postMessage").json(&message).send().await.map(drop)
//! }
//! ```

use toolgate::provider;

// https://docs.slack.dev/authentication/installing-with-oauth: scopes of the bot in `scope`, its token
// at the top of the answer. What else departs from the RFCs is as with Slack's tokens of people:
// https://docs.slack.dev/authentication/using-token-rotation,
// https://docs.slack.dev/reference/methods/auth.revoke, https://docs.slack.dev/apis/web-api/
/// Slack's Web API, with the token of a bot.
///
/// See [the module](self) for the steps at Slack. Scopes are those of
/// [Slack's list](https://docs.slack.dev/reference/scopes?token=Bot) that tools need most.
#[provider(
    name = "Slack",
    id = "slack-bot",
    api = "https://slack.com/api",
    authorize = "https://slack.com/oauth/v2/authorize",
    token = "https://slack.com/api/oauth.v2.access",
    revoke = "https://slack.com/api/auth.revoke",
    client_auth = body,
    scope_separator = ",",
    response_scope_separator = ",",
    invalid_grant("invalid_refresh_token", "token_revoked", "token_expired"),
    rate_limited(pointer = "/error", values("ratelimited", "rate_limited")),
    insufficient_scope(pointer = "/error", values("missing_scope"), needed = "/needed"),
    invalid_token(
        pointer = "/error",
        values("token_expired", "token_revoked", "invalid_auth", "not_authed", "account_inactive")
    ),
    api_error(pointer = "/ok", values("false")),
    revocation(token = bearer, only = access_token),
    // https://docs.slack.dev/reference/methods/auth.test
    account(path = "/auth.test", id = "/team_id", label = "/team"),
    stand_in = crate::profile::slack_bot::PROFILE
)]
// https://docs.slack.dev/reference/scopes: no scope includes another.
pub enum SlackBot {
    /// Send messages as the bot.
    #[scope("chat:write", access = write)]
    ChatWrite,
    /// Send messages as the bot to public channels that it is not in.
    #[scope("chat:write.public", access = write)]
    ChatWritePublic,
    /// See public channels.
    #[scope("channels:read", access = read)]
    ChannelsRead,
    /// Read messages of public channels that the bot is in.
    #[scope("channels:history", access = read)]
    ChannelsHistory,
    /// Join public channels.
    #[scope("channels:join", access = write)]
    ChannelsJoin,
    /// Create public channels, and rename and archive those that the bot is in.
    #[scope("channels:manage", access = write)]
    ChannelsManage,
    /// See private channels that the bot is in.
    #[scope("groups:read", access = read)]
    GroupsRead,
    /// Read messages of private channels that the bot is in.
    #[scope("groups:history", access = read)]
    GroupsHistory,
    /// Read messages that people send to the bot.
    #[scope("im:history", access = read)]
    ImHistory,
    /// Start direct messages with people.
    #[scope("im:write", access = write)]
    ImWrite,
    /// See the people of the workspace.
    #[scope("users:read", access = read)]
    UsersRead,
    /// See the e-mail addresses of people of the workspace.
    #[scope("users:read.email", access = read)]
    UsersReadEmail,
    /// See files of channels that the bot is in.
    #[scope("files:read", access = read)]
    FilesRead,
    /// Upload, change and delete files as the bot.
    #[scope("files:write", access = write)]
    FilesWrite,
    /// See reactions.
    #[scope("reactions:read", access = read)]
    ReactionsRead,
    /// Add and remove reactions as the bot.
    #[scope("reactions:write", access = write)]
    ReactionsWrite,
    /// See the workspace's name, domain and picture.
    #[scope("team:read", access = read)]
    TeamRead,
}
