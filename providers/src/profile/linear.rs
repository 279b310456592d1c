//! What Linear answers.
//!
//! Tokens: <https://linear.app/developers/oauth-2-0-authentication>. Errors of its GraphQL API:
//! <https://linear.app/developers/graphql>, <https://linear.app/developers/rate-limiting>.

use toolgate::provider::profile::{Profile, Reply, Revocation, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://linear.app/oauth/authorize",
    scope_separators: ",",
    token: "https://api.linear.app/oauth/token",
    granted: r#"{"access_token":"$access","token_type":"Bearer","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope"}"#,
    access_prefix: "lin_oauth_",
    refresh_prefix: "lin_refresh_",
    access_ttl: Some(86_399),
    // The old one can be sent again for 30 minutes.
    rotation: Rotation::Leeway(1800),
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Authorization code is invalid or expired"}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Refresh token is invalid or expired"}"#,
    ),
    revocation: Some(Revocation::rfc7009("https://api.linear.app/oauth/revoke")),
    who: Route::new(
        "POST",
        "https://api.linear.app/graphql",
        &["read", "write"],
        r#"{"data":{"viewer":{"id":"2174add1-f7c8-44e3-bbf3-$number","name":"$account","email":"$email","organization":{"id":"f2ac8a71-40d0-4a1f-a0c6-5f4de1a7bd6a","name":"Acme"}}}}"#,
    )
    .body_has("viewer"),
    read: Route::new(
        "POST",
        "https://api.linear.app/graphql",
        &["read", "write", "issues:create", "comments:create"],
        r#"{"data":{"issues":{"nodes":[{"id":"9b6d0","title":"Found a bug"}]}}}"#,
    )
    .body_has("issues"),
    write: Route::new(
        "POST",
        "https://api.linear.app/graphql",
        &["issues:create", "write"],
        r#"{"data":{"issueCreate":{"success":true,"issue":{"id":"9b6d0"}}}}"#,
    )
    .body_has("issueCreate"),
    dead_token: Reply::new(
        401,
        r#"{"errors":[{"message":"Authentication required, not authenticated","extensions":{"type":"authentication error","code":"AUTHENTICATION_ERROR","statusCode":401,"userError":true,"userPresentableMessage":"You need to authenticate to access this operation."}}]}"#,
    ),
    // linear/linear, issue 895. If several scopes would do, it is not documented which one
    // the message names.
    missing_scope: Reply::new(
        400,
        r#"{"errors":[{"message":"Invalid scope: `write` required","extensions":{"type":"forbidden","code":"FORBIDDEN","statusCode":403,"userError":true,"userPresentableMessage":"Invalid scope: `write` required","http":{"status":400}}}]}"#,
    ),
    rate_limited: Reply::new(
        400,
        r#"{"errors":[{"message":"Rate limit exceeded. Only 5000 requests are allowed per 1 hour.","extensions":{"type":"ratelimited","code":"RATELIMITED","statusCode":429}}]}"#,
    )
    .headers(&[
        ("x-ratelimit-requests-limit", "5000"),
        ("x-ratelimit-requests-remaining", "0"),
        ("x-ratelimit-requests-reset", "$reset_ms"),
    ]),
    ..Profile::STANDARD
};
