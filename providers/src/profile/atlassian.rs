//! What Atlassian answers for Jira and Confluence.
//!
//! Tokens: <https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/>. Limits:
//! <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.

use toolgate::provider::profile::{Profile, RefreshTokens, Reply, RequestBody, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://auth.atlassian.com/authorize",
    authorize_params: &[("audience", "api.atlassian.com"), ("prompt", "consent")],
    token: "https://auth.atlassian.com/oauth/token",
    body: RequestBody::Either,
    granted: r#"{"access_token":"$access","expires_in":"$expires_in","token_type":"Bearer","refresh_token":"$refresh","scope":"$scope"}"#,
    access_prefix: "eyJraWQi.",
    access_ttl: Some(3600),
    refresh_tokens: RefreshTokens::NamedScope("offline_access"),
    // 10 minutes of leeway, and the end of the grant afterwards.
    rotation: Rotation::Leeway(600),
    bad_code: Reply::new(
        403,
        r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"access_denied","error_description":"Unauthorized"}"#,
    ),
    bad_refresh: Reply::new(
        403,
        r#"{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#,
    ),
    who: Route::new(
        "GET",
        "https://api.atlassian.com/me",
        &["read:me"],
        r#"{"account_type":"atlassian","account_id":"99:27935d01-92a7-4687-8272-$number","email":"$email","name":"$account","account_status":"active"}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.atlassian.com/ex/jira/{cloud_id}/rest/api/3/project/search",
        &["read:jira-work"],
        r#"{"isLast":true,"values":[{"id":"10000","key":"EX","name":"Example"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.atlassian.com/ex/jira/{cloud_id}/rest/api/3/issue",
        &["write:jira-work"],
        r#"{"id":"10000","key":"EX-24","self":"https://api.atlassian.com/ex/jira/1/rest/api/3/issue/10000"}"#,
    )
    .status(201),
    more: &[Route::new(
        "GET",
        "https://api.atlassian.com/oauth/token/accessible-resources",
        &[],
        r#"[{"id":"1324a887-45db-1bf4-1e99-ef0ff456d421","name":"Site name","url":"https://acme.atlassian.net","scopes":["read:jira-work"],"avatarUrl":"https://acme.atlassian.net/avatars/240/flag.png"}]"#,
    )],
    dead_token: Reply::new(401, r#"{"code":401,"message":"Unauthorized"}"#),
    // A 401 too.
    missing_scope: Reply::new(
        401,
        r#"{"code":401,"message":"Unauthorized; scope does not match"}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"errorMessages":["Rate limit exceeded."],"errors":{}}"#,
    )
    .headers(&[("retry-after", "$wait"), ("x-ratelimit-remaining", "0")]),
    ..Profile::STANDARD
};
