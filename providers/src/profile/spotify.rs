//! What Spotify answers.
//!
//! Tokens: <https://developer.spotify.com/documentation/web-api/tutorials/code-flow>. Errors:
//! <https://developer.spotify.com/documentation/web-api/concepts/api-calls>. Limits:
//! <https://developer.spotify.com/documentation/web-api/concepts/rate-limits>.

use toolgate::provider::profile::{ClientProof, Profile, Reply, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://accounts.spotify.com/authorize",
    token: "https://accounts.spotify.com/api/token",
    proof: ClientProof::Basic,
    granted: r#"{"access_token":"$access","token_type":"Bearer","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope"}"#,
    access_prefix: "BQ",
    refresh_prefix: "AQ",
    access_ttl: Some(3600),
    // With PKCE (https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens): a new
    // one, which takes the place of the old one.
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    ),
    bad_client: Reply::new(
        400,
        r#"{"error":"invalid_client","error_description":"Invalid client secret"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#,
    ),
    who: Route::new(
        "GET",
        "https://api.spotify.com/v1/me",
        &[],
        r#"{"id":"$account","display_name":"$account","type":"user"}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.spotify.com/v1/me/top/{type}",
        &["user-top-read"],
        r#"{"items":[{"name":"Blue in Green","type":"track"}],"total":1}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.spotify.com/v1/users/{id}/playlists",
        &["playlist-modify-public"],
        r#"{"id":"7d2D2S5F4d0r33mDf0d33D","name":"$title","public":true}"#,
    )
    .status(201),
    dead_token: Reply::new(401, r#"{"error":{"status":401,"message":"The access token expired"}}"#),
    missing_scope: Reply::new(
        403,
        r#"{"error":{"status":403,"message":"Insufficient client scope"}}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"error":{"status":429,"message":"API rate limit exceeded"}}"#,
    )
    .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
