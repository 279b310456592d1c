//! What Zoom answers.
//!
//! Tokens: <https://developers.zoom.us/docs/integrations/oauth/>. Errors and limits:
//! <https://developers.zoom.us/docs/api/errors/>, <https://developers.zoom.us/docs/api/rate-limits/>.

use toolgate::provider::profile::{
    ClientProof, Profile, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://zoom.us/oauth/authorize",
    token: "https://zoom.us/oauth/token",
    proof: ClientProof::Basic,
    granted: r#"{"access_token":"$access","token_type":"bearer","refresh_token":"$refresh","expires_in":"$expires_in","scope":"$scope","api_url":"https://api.zoom.us"}"#,
    access_prefix: "eyJzdiI6",
    access_ttl: Some(3599),
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"reason":"Invalid authorization code","error":"invalid_grant"}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#,
    ),
    // As reported: raycast/extensions, issue 10896.
    bad_refresh: Reply::new(400, r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#),
    revocation: Some(Revocation {
        proof: RevocationProof::Basic,
        takes_refresh_tokens: false,
        reply: Reply::new(200, r#"{"status":"success"}"#),
        ..Revocation::rfc7009("https://zoom.us/oauth/revoke")
    }),
    who: Route::new(
        "GET",
        "https://api.zoom.us/v2/users/me",
        &["user:read:user"],
        r#"{"id":"z8yCxjabcdEFGHfp$number","first_name":"$account","email":"$email","type":2}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.zoom.us/v2/users/{id}/meetings",
        &["meeting:read:list_meetings"],
        r#"{"page_size":30,"total_records":1,"meetings":[{"id":97763643886,"topic":"Standup"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.zoom.us/v2/users/{id}/meetings",
        &["meeting:write:meeting"],
        r#"{"id":92674392836,"topic":"$title","type":2}"#,
    )
    .status(201),
    dead_token: Reply::new(401, r#"{"code":124,"message":"Access token is expired."}"#),
    missing_scope: Reply::new(
        400,
        r#"{"code":4711,"message":"Invalid access token, does not contain scopes:[$needed]."}"#,
    ),
    // When to come back is said of daily limits only.
    rate_limited: Reply::new(
        429,
        r#"{"code":429,"message":"You have reached the maximum per-second rate limit for this API. Try again later."}"#,
    )
    .headers(&[("x-ratelimit-category", "Light"), ("x-ratelimit-type", "QPS")]),
    ..Profile::STANDARD
};
