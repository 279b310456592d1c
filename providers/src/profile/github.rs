//! What GitHub answers to an OAuth app.
//!
//! Tokens and errors: <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
//! <https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>.
//! Limits: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use toolgate::provider::profile::{
    ClientProof, Profile, RefreshTokens, Reply, Revocation, RevocationProof, Route, TokenPlace,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://github.com/login/oauth/authorize",
    token: "https://github.com/login/oauth/access_token",
    proof: ClientProof::Body,
    form_by_default: true,
    granted: r#"{"access_token":"$access","scope":"$scope","token_type":"bearer"}"#,
    // "Normalized scopes": what another granted scope includes is left out.
    granted_separator: ",",
    normalizes_scopes: true,
    access_prefix: "gho_",
    access_ttl: None,
    refresh_tokens: RefreshTokens::Never,
    bad_code: Reply::new(
        200,
        r#"{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired.","error_uri":"https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/#bad-verification-code"}"#,
    ),
    bad_client: Reply::new(
        200,
        r#"{"error":"incorrect_client_credentials","error_description":"The client_id and/or client_secret passed are incorrect.","error_uri":"https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/#incorrect-client-credentials"}"#,
    ),
    bad_refresh: Reply::new(
        200,
        r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#,
    ),
    // https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token
    revocation: Some(Revocation {
        method: "DELETE",
        url: "https://api.github.com/applications/{client_id}/token",
        token: TokenPlace::Json("access_token"),
        proof: RevocationProof::Basic,
        takes_refresh_tokens: false,
        takes_access_tokens: true,
        ends_grant: false,
        reply: Reply::new(204, ""),
    }),
    who: Route::new(
        "GET",
        "https://api.github.com/user",
        &[],
        r#"{"login":"$account","id":"$number","type":"User","name":"$account","email":null}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.github.com/user/emails",
        &["user:email", "user"],
        r#"[{"email":"$email","primary":true,"verified":true,"visibility":"public"}]"#,
    ),
    write: Route::new(
        "POST",
        "https://api.github.com/repos/{owner}/{repo}/issues",
        &["public_repo", "repo"],
        r#"{"id":1,"number":1,"title":"$title","state":"open","user":{"login":"$account"}}"#,
    )
    .status(201),
    more: &[Route::new(
        "GET",
        "https://api.github.com/notifications",
        &["notifications", "repo"],
        r#"[{"id":"1","reason":"subscribed","unread":true,"subject":{"title":"Greetings","type":"Issue"},"repository":{"id":1296269,"full_name":"octocat/Hello-World"}}]"#,
    )],
    headers: &[("x-oauth-scopes", "$granted"), ("x-github-api-version-selected", "2022-11-28")],
    dead_token: Reply::new(
        401,
        r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}"#,
    ),
    missing_scope: Reply::new(
        403,
        r#"{"message":"Resource not accessible by personal access token","documentation_url":"https://docs.github.com/rest","status":"403"}"#,
    )
    .headers(&[("x-accepted-oauth-scopes", "$needed")]),
    rate_limited: Reply::new(
        403,
        r#"{"message":"API rate limit exceeded for user ID $number.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api","status":"403"}"#,
    )
    .headers(&[
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "$reset"),
    ]),
    ..Profile::STANDARD
};
