//! What GitLab answers.
//!
//! Tokens: <https://docs.gitlab.com/api/oauth2/>. Errors: <https://docs.gitlab.com/api/rest/troubleshooting/>.
//! Limits: <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>.

use toolgate::provider::profile::{Profile, Reply, Revocation, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://gitlab.com/oauth/authorize",
    token: "https://gitlab.com/oauth/token",
    granted: r#"{"access_token":"$access","token_type":"Bearer","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope","created_at":1607635748}"#,
    access_ttl: Some(7200),
    // "sends a request to invalidate the existing access_token and refresh_token"
    rotation: Rotation::OldIsRefused,
    ends_old_access: true,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"invalid_client","error_description":"Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}"#,
    ),
    revocation: Some(Revocation {
        reply: Reply::new(200, "{}"),
        ..Revocation::rfc7009("https://gitlab.com/oauth/revoke")
    }),
    who: Route::new(
        "GET",
        "https://gitlab.com/api/v4/user",
        &["read_user", "read_api", "api"],
        r#"{"id":"$number","username":"$account","name":"$account","state":"active","email":"$email"}"#,
    ),
    read: Route::new(
        "GET",
        "https://gitlab.com/api/v4/projects",
        &["read_api", "api"],
        r#"[{"id":4,"path_with_namespace":"$account/compass"}]"#,
    ),
    write: Route::new(
        "POST",
        "https://gitlab.com/api/v4/projects/{id}/issues",
        &["api"],
        r#"{"id":84,"iid":14,"project_id":4,"title":"$title","state":"opened"}"#,
    )
    .status(201),
    dead_token: Reply::new(
        401,
        r#"{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}"#,
    ),
    missing_scope: Reply::new(
        403,
        r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"$needed_scopes"}"#,
    ),
    rate_limited: Reply::new(429, "Retry later\n").headers(&[
        ("retry-after", "$wait"),
        ("ratelimit-limit", "60"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "$reset"),
    ]),
    ..Profile::STANDARD
};
