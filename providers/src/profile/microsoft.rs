//! What Microsoft Entra ID and Graph answer.
//!
//! Tokens: <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>. Errors:
//! <https://learn.microsoft.com/en-us/graph/errors>, <https://learn.microsoft.com/en-us/graph/throttling>.

use toolgate::provider::profile::{Profile, RefreshTokens, Reply, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
    token: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    refresh_params: &["scope"],
    granted: r#"{"token_type":"Bearer","scope":"$scope","expires_in":"$expires_in","ext_expires_in":"$expires_in","access_token":"$access","refresh_token":"$refresh"}"#,
    scope_prefix: "https://graph.microsoft.com/",
    access_prefix: "eyJ0eXAi.",
    refresh_prefix: "0.A",
    access_ttl: Some(3599),
    // `offline_access` is not among the scopes of an answer.
    refresh_tokens: RefreshTokens::Scope("offline_access"),
    // https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens: "don't get revoked when used".
    rotation: Rotation::OldStaysGood,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS70000: The provided value for the 'code' parameter is not valid.","error_codes":[70000],"error_uri":"https://login.microsoftonline.com/error?code=70000"}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS70008: The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.","error_codes":[70008],"suberror":"bad_token"}"#,
    ),
    who: Route::new(
        "GET",
        "https://graph.microsoft.com/v1.0/me",
        &["User.Read"],
        r#"{"displayName":"$account","mail":"$email","userPrincipalName":"$email","id":"48d31887-5fad-4d73-a9f5-$number"}"#,
    ),
    read: Route::new(
        "GET",
        "https://graph.microsoft.com/v1.0/me/messages",
        &["Mail.Read", "Mail.ReadWrite"],
        r#"{"value":[{"id":"AAMk","subject":"Hello"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://graph.microsoft.com/v1.0/me/sendMail",
        &["Mail.Send"],
        "",
    )
    .status(202),
    dead_token: Reply::new(
        401,
        r#"{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired.","innerError":{"date":"2026-11-29T10:00:00","request-id":"8e4b4b4b","client-request-id":"8e4b4b4b"}}}"#,
    )
    .headers(&[("www-authenticate", r#"Bearer realm="", error="invalid_token""#)]),
    // No scope is named.
    missing_scope: Reply::new(
        403,
        r#"{"error":{"code":"ErrorAccessDenied","message":"Access is denied. Check credentials and try again.","innerError":{"date":"2026-11-29T10:00:00","request-id":"8e4b4b4b"}}}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"error":{"code":"TooManyRequests","message":"Please retry again later.","innerError":{"code":"429","date":"2026-11-29T10:00:00","status":"429"}}}"#,
    )
    .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
