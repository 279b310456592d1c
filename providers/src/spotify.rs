//! Spotify: playlists, library and playback.
//!
//! # Register a client
//!
//! 1. Open [the dashboard](https://developer.spotify.com/dashboard) and choose "Create app", with the
//!    Web API.
//! 2. Add the redirect URI of your server: `http://127.0.0.1:8765/callback/spotify`, or
//!    `https://tools.example/callback/spotify`. `localhost` is refused.
//! 3. Set `SPOTIFY_CLIENT_ID` and `SPOTIFY_CLIENT_SECRET` from "Settings".
//! 4. In "Development mode" only the people that you list may connect.
//!
//! # Identify a person
//!
//! `broker.user("/me", "id")`
//!
//! The same identifier distinguishes several accounts of a person.
//!
//! # Tokens
//!
//! A token lives for an hour. An answer to a refresh may have a new refresh token, which then takes
//! the place of the old one. Grants are revoked by the person, at
//! [spotify.com/account/apps](https://www.spotify.com/account/apps/).
//!
//! [Spotify's documentation](https://developer.spotify.com/documentation/web-api/tutorials/code-flow)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Spotify;
//!
//! /// Lists what the user listens to most.
//! #[tool(scopes = "user-top-read")]
//! async fn top_artists(spotify: AuthedClient<Spotify>) -> Result<String> {
//!     spotify.get("/me/top/artists").send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, the client by Basic, an hour:
// https://developer.spotify.com/documentation/web-api/tutorials/code-flow
// Refresh: https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens
// Redirect URIs: https://developer.spotify.com/documentation/web-api/concepts/redirect_uri
// 401 and 429 with `Retry-After`: https://developer.spotify.com/documentation/web-api/concepts/api-calls
/// Spotify's Web API.
///
/// See [the module](self) for the steps at Spotify. Scopes are those of
/// [Spotify's list](https://developer.spotify.com/documentation/web-api/concepts/scopes) that serve
/// tools.
#[provider(
    api = "https://api.spotify.com/v1",
    authorize = "https://accounts.spotify.com/authorize",
    token = "https://accounts.spotify.com/api/token",
    insufficient_scope(
        status = 403,
        pointer = "/error/message",
        values("Insufficient client scope")
    ),
    // https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile
    account(path = "/me", id = "/id", label = "/display_name"),
    stand_in = crate::profile::spotify::PROFILE
)]
// https://developer.spotify.com/documentation/web-api/concepts/scopes
pub enum Spotify {
    /// See your account: country and subscription.
    #[scope("user-read-private", access = read)]
    UserReadPrivate,
    /// See your e-mail address.
    #[scope("user-read-email", access = read)]
    UserReadEmail,
    /// See your private playlists.
    #[scope("playlist-read-private", access = read)]
    PlaylistReadPrivate,
    /// See playlists that you edit with others.
    #[scope("playlist-read-collaborative", access = read)]
    PlaylistReadCollaborative,
    /// Create and change your public playlists.
    #[scope("playlist-modify-public", access = write)]
    PlaylistModifyPublic,
    /// Create and change your private playlists.
    #[scope("playlist-modify-private", access = write)]
    PlaylistModifyPrivate,
    /// See what you saved.
    #[scope("user-library-read", access = read)]
    UserLibraryRead,
    /// Save and remove songs, albums and shows.
    #[scope("user-library-modify", access = write)]
    UserLibraryModify,
    /// See what you listen to most.
    #[scope("user-top-read", access = read)]
    UserTopRead,
    /// See what you listened to.
    #[scope("user-read-recently-played", access = read)]
    UserReadRecentlyPlayed,
    /// See where you are in episodes.
    #[scope("user-read-playback-position", access = read)]
    UserReadPlaybackPosition,
    /// See your players and what they play.
    #[scope("user-read-playback-state", access = read)]
    UserReadPlaybackState,
    /// Control your players.
    #[scope("user-modify-playback-state", access = write)]
    UserModifyPlaybackState,
    /// See what you listen to now.
    #[scope("user-read-currently-playing", access = read)]
    UserReadCurrentlyPlaying,
    /// See whom you follow.
    #[scope("user-follow-read", access = read)]
    UserFollowRead,
    /// Follow and unfollow artists and people.
    #[scope("user-follow-modify", access = write)]
    UserFollowModify,
    /// Upload pictures of playlists.
    #[scope("ugc-image-upload", access = write)]
    UgcImageUpload,
}
