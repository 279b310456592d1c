//! What Discord answers.
//!
//! Tokens: <https://discord.com/developers/docs/topics/oauth2>. Limits:
//! <https://discord.com/developers/docs/topics/rate-limits>.

use toolgate::provider::profile::{Profile, Reply, Revocation, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://discord.com/oauth2/authorize",
    token: "https://discord.com/api/oauth2/token",
    granted: r#"{"token_type":"Bearer","access_token":"$access","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope"}"#,
    access_ttl: Some(604_800),
    // discord/discord-api-docs, issue 5942.
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Invalid \"code\" in request."}"#,
    ),
    bad_client: Reply::new(401, r#"{"error":"invalid_client"}"#),
    bad_refresh: Reply::new(400, r#"{"error":"invalid_grant"}"#),
    // "any active access or refresh tokens associated with that authorization will be revoked"
    revocation: Some(Revocation::rfc7009("https://discord.com/api/oauth2/token/revoke")),
    who: Route::new(
        "GET",
        "https://discord.com/api/v10/users/@me",
        &["identify"],
        r#"{"id":"80$number","username":"$account","discriminator":"0","global_name":"$account"}"#,
    ),
    read: Route::new(
        "GET",
        "https://discord.com/api/v10/users/@me/guilds",
        &["guilds"],
        r#"[{"id":"80351110224678912","name":"1337 Krew","owner":true,"permissions":"36953089"}]"#,
    ),
    write: Route::new(
        "PUT",
        "https://discord.com/api/v10/users/@me/applications/{id}/role-connection",
        &["role_connections.write"],
        r#"{"platform_name":"toolgate","platform_username":"$account","metadata":{}}"#,
    ),
    more: &[Route::new(
        "GET",
        "https://discord.com/api/v10/users/@me/connections",
        &["connections"],
        r#"[{"id":"80$number","name":"$account","type":"github","verified":true,"visibility":1}]"#,
    )],
    dead_token: Reply::new(401, r#"{"message":"401: Unauthorized","code":0}"#),
    // The same: reboxer/discord-oauth2, issue 4.
    missing_scope: Reply::new(401, r#"{"message":"401: Unauthorized","code":0}"#),
    rate_limited: Reply::new(
        429,
        r#"{"message":"You are being rate limited.","retry_after":"$wait","global":false}"#,
    )
    .headers(&[
        ("retry-after", "$wait"),
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "$reset"),
        ("x-ratelimit-reset-after", "$wait"),
    ]),
    ..Profile::STANDARD
};
