//! X: posts, people, lists and messages.
//!
//! # Register a client
//!
//! 1. Open [the developer console](https://console.x.com/) and create an app.
//! 2. In its user authentication settings, choose the type "Web App, Automated App or Bot", and add the
//!    callback URL of your server: `http://127.0.0.1:8765/callback/x`, or
//!    `https://tools.example/callback/x`.
//! 3. Set `X_CLIENT_ID` and `X_CLIENT_SECRET`, which are those of OAuth 2.0, not the API key.
//!
//! # Identify a person
//!
//! `broker.user("/2/users/me", "/data/id").sign_in_scopes(["tweet.read", "users.read"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for these two.
//!
//! # Tokens
//!
//! A token lives for 2 hours. A refresh token is given with the scope `offline.access`, which a tool
//! declares to get one. A code has to be exchanged within 30 seconds, which the server does at once.
//!
//! [X's documentation](https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::X;
//!
//! /// Posts a text.
//! #[tool(scopes = ["tweet.read", "tweet.write", "users.read", "offline.access"])]
//! async fn post(x: AuthedClient<X>, text: String) -> Result<String> {
//!     x.post("/2/tweets").json(&serde_json::json!({ "text": text })).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, PKCE, 2 hours, 30 seconds:
// https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code
// The client by Basic, rotation and revocation:
// https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token
// Which scopes an endpoint needs:
// https://docs.x.com/fundamentals/authentication/guides/v2-authentication-mapping
// 429 with `x-rate-limit-reset`: https://docs.x.com/x-api/fundamentals/rate-limits
/// X's API, version 2.
///
/// See [the module](self) for the steps at X. Scopes are those of
/// [X's list](https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code#scopes).
#[provider(
    api = "https://api.x.com",
    authorize = "https://x.com/i/oauth2/authorize",
    token = "https://api.x.com/2/oauth2/token",
    revoke = "https://api.x.com/2/oauth2/revoke",
    invalid_grant("invalid_request: Value passed for the token was invalid"),
    // https://docs.x.com/x-api/users/get-my-user
    account(
        path = "/2/users/me",
        id = "/data/id",
        label = "/data/username",
        scopes("tweet.read", "users.read")
    ),
    stand_in = crate::profile::x::PROFILE
)]
// https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code#scopes
pub enum X {
    /// Stay connected while you are away.
    #[scope("offline.access", access = read)]
    OfflineAccess,
    /// See all posts that you can see.
    #[scope("tweet.read", access = read)]
    TweetRead,
    /// Post and repost as you.
    #[scope("tweet.write", access = write)]
    TweetWrite,
    /// Hide and show replies to your posts.
    #[scope("tweet.moderate.write", access = write)]
    TweetModerateWrite,
    /// See all accounts that you can see.
    #[scope("users.read", access = read)]
    UsersRead,
    /// See your e-mail address.
    #[scope("users.email", access = read)]
    UsersEmail,
    /// See whom you follow and who follows you.
    #[scope("follows.read", access = read)]
    FollowsRead,
    /// Follow and unfollow people.
    #[scope("follows.write", access = write)]
    FollowsWrite,
    /// See all Spaces that you can see.
    #[scope("space.read", access = read)]
    SpaceRead,
    /// See whom you muted.
    #[scope("mute.read", access = read)]
    MuteRead,
    /// Mute and unmute accounts.
    #[scope("mute.write", access = write)]
    MuteWrite,
    /// See what you liked.
    #[scope("like.read", access = read)]
    LikeRead,
    /// Like posts, and take that back.
    #[scope("like.write", access = write)]
    LikeWrite,
    /// See your lists and those that you are in.
    #[scope("list.read", access = read)]
    ListRead,
    /// Create, change and delete your lists.
    #[scope("list.write", access = write)]
    ListWrite,
    /// See whom you blocked.
    #[scope("block.read", access = read)]
    BlockRead,
    /// Block and unblock accounts.
    #[scope("block.write", access = write)]
    BlockWrite,
    /// See your bookmarks.
    #[scope("bookmark.read", access = read)]
    BookmarkRead,
    /// Add and remove bookmarks.
    #[scope("bookmark.write", access = write)]
    BookmarkWrite,
    /// Read your direct messages.
    #[scope("dm.read", access = read)]
    DmRead,
    /// Send and manage direct messages as you.
    #[scope("dm.write", access = write)]
    DmWrite,
    /// Upload pictures and videos.
    #[scope("media.write", access = write)]
    MediaWrite,
}
