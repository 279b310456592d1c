//! What Figma answers.
//!
//! Tokens: <https://developers.figma.com/docs/rest-api/authentication/>. Errors and limits:
//! <https://developers.figma.com/docs/rest-api/errors/>, <https://developers.figma.com/docs/rest-api/rate-limits/>.

use toolgate::provider::profile::{ClientProof, Profile, Reply, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://www.figma.com/oauth",
    scope_separators: " ,",
    token: "https://api.figma.com/v1/oauth/token",
    refresh_url: Some("https://api.figma.com/v1/oauth/refresh"),
    proof: ClientProof::Basic,
    // Scopes are not named.
    granted: r#"{"user_id":"$number","user_id_string":"88$number","access_token":"$access","token_type":"bearer","expires_in":"$expires_in","refresh_token":"$refresh"}"#,
    refreshed: r#"{"access_token":"$access","token_type":"bearer","expires_in":"$expires_in"}"#,
    access_prefix: "figu_",
    refresh_prefix: "figur_",
    access_ttl: Some(7_776_000),
    rotation: Rotation::None,
    // The members are those of reports (https://forum.figma.com/ask-the-community-7/unsure-how-to-fill-out-the-body-of-the-post-in-oauth2-0-33052
    // and UsefulSoftwareCo/executor, issue 1881); the words of these three: not checked.
    bad_code: Reply::new(
        400,
        r#"{"error":true,"status":400,"message":"Invalid code","i18n":null}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":true,"status":401,"message":"Invalid client","i18n":null}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":true,"status":400,"message":"Invalid refresh token","i18n":null}"#,
    ),
    who: Route::new(
        "GET",
        "https://api.figma.com/v1/me",
        &["current_user:read"],
        r#"{"id":"88$number","email":"$email","handle":"$account"}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.figma.com/v1/files/{key}/comments",
        &["file_comments:read", "file_comments:write"],
        r#"{"comments":[{"id":"1","message":"Nice","user":{"handle":"$account"}}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.figma.com/v1/files/{key}/comments",
        &["file_comments:write"],
        r#"{"id":"2","message":"$title","user":{"handle":"$account"}}"#,
    ),
    // 403, and not 401.
    dead_token: Reply::new(403, r#"{"status":403,"err":"Token expired"}"#),
    missing_scope: Reply::new(
        403,
        r#"{"status":403,"err":"Invalid scope(s): $provided. This endpoint requires the $needed scope"}"#,
    ),
    rate_limited: Reply::new(429, r#"{"status":429,"err":"Rate limit exceeded"}"#)
        .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
