//! What Google answers.
//!
//! Tokens: <https://developers.google.com/identity/protocols/oauth2/web-server>. Errors of the APIs:
//! <https://cloud.google.com/apis/design/errors>, <https://developers.google.com/calendar/api/guides/errors>.

use toolgate::provider::profile::{
    Profile, RefreshTokens, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://oauth2.googleapis.com/token",
    granted: r#"{"access_token":"$access","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope","token_type":"Bearer"}"#,
    granted_names: &[
        ("email", "https://www.googleapis.com/auth/userinfo.email"),
        ("profile", "https://www.googleapis.com/auth/userinfo.profile"),
    ],
    access_prefix: "ya29.",
    refresh_prefix: "1//",
    access_ttl: Some(3599),
    refresh_tokens: RefreshTokens::Param("access_type", "offline"),
    rotation: Rotation::None,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Malformed auth code."}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"invalid_client","error_description":"Unauthorized"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
    ),
    revocation: Some(Revocation {
        proof: RevocationProof::None,
        reply: Reply::new(200, "{}"),
        ..Revocation::rfc7009("https://oauth2.googleapis.com/revoke")
    }),
    who: Route::new(
        "GET",
        "https://www.googleapis.com/oauth2/v3/userinfo",
        &[],
        r#"{"sub":"1$number","name":"$account","email":"$email","email_verified":true}"#,
    ),
    read: Route::new(
        "GET",
        "https://www.googleapis.com/calendar/v3/calendars/{id}/events",
        &[
            "https://www.googleapis.com/auth/calendar.events.readonly",
            "https://www.googleapis.com/auth/calendar.events",
            "https://www.googleapis.com/auth/calendar.readonly",
            "https://www.googleapis.com/auth/calendar",
        ],
        r#"{"kind":"calendar#events","summary":"$email","items":[{"kind":"calendar#event","id":"1","status":"confirmed","summary":"Planning"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://www.googleapis.com/calendar/v3/calendars/{id}/events",
        &[
            "https://www.googleapis.com/auth/calendar.events",
            "https://www.googleapis.com/auth/calendar",
        ],
        r#"{"kind":"calendar#event","status":"confirmed","creator":{"email":"$email"}}"#,
    ),
    dead_token: Reply::new(
        401,
        r#"{"error":{"code":401,"message":"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.","errors":[{"message":"Invalid Credentials","domain":"global","reason":"authError","location":"Authorization","locationType":"header"}],"status":"UNAUTHENTICATED"}}"#,
    )
    .headers(&[(
        "www-authenticate",
        r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#,
    )]),
    missing_scope: Reply::new(
        403,
        r#"{"error":{"code":403,"message":"Request had insufficient authentication scopes.","errors":[{"message":"Insufficient Permission","domain":"global","reason":"insufficientPermissions"}],"status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com"}]}}"#,
    )
    .headers(&[(
        "www-authenticate",
        r#"Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="$needed_scopes""#,
    )]),
    // No header says when to come back.
    rate_limited: Reply::new(
        403,
        r#"{"error":{"errors":[{"domain":"usageLimits","reason":"rateLimitExceeded","message":"Rate Limit Exceeded"}],"code":403,"message":"Rate Limit Exceeded"}}"#,
    ),
    ..Profile::STANDARD
};
