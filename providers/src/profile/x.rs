//! What X answers.
//!
//! Tokens: <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>. Errors and limits:
//! <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>, <https://docs.x.com/x-api/fundamentals/rate-limits>.

use toolgate::provider::profile::{
    ClientProof, Pkce, Profile, RefreshTokens, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://x.com/i/oauth2/authorize",
    pkce: Pkce::Required,
    token: "https://api.x.com/2/oauth2/token",
    proof: ClientProof::Basic,
    granted: r#"{"token_type":"bearer","expires_in":"$expires_in","access_token":"$access","scope":"$scope","refresh_token":"$refresh"}"#,
    access_ttl: Some(7200),
    refresh_tokens: RefreshTokens::NamedScope("offline.access"),
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_request","error_description":"Value passed for the authorization code was invalid."}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"unauthorized_client","error_description":"Missing valid authorization header"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_request","error_description":"Value passed for the token was invalid."}"#,
    ),
    revocation: Some(Revocation {
        proof: RevocationProof::Basic,
        reply: Reply::new(200, r#"{"revoked":true}"#),
        ..Revocation::rfc7009("https://api.x.com/2/oauth2/revoke")
    }),
    who: Route::new(
        "GET",
        "https://api.x.com/2/users/me",
        &["users.read"],
        r#"{"data":{"id":"22$number","name":"$account","username":"$account"}}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.x.com/2/tweets",
        &["tweet.read"],
        r#"{"data":[{"id":"1460323737035677698","text":"Hello"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.x.com/2/tweets",
        &["tweet.write"],
        r#"{"data":{"id":"1445880548472328192","text":"$title"}}"#,
    )
    .status(201),
    dead_token: Reply::new(
        401,
        r#"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#,
    ),
    // No scope is named.
    missing_scope: Reply::new(
        403,
        r#"{"title":"Forbidden","type":"about:blank","status":403,"detail":"Forbidden"}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}"#,
    )
    .headers(&[
        ("x-rate-limit-limit", "900"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", "$reset"),
    ]),
    ..Profile::STANDARD
};
