//! What Box answers.
//!
//! Tokens: <https://developer.box.com/reference/post-oauth2-token/>. Errors and limits:
//! <https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/>,
//! <https://developer.box.com/guides/api-calls/permissions-and-errors/rate-limits/>.

use toolgate::provider::profile::{
    ClientProof, Profile, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://account.box.com/api/oauth2/authorize",
    token: "https://api.box.com/oauth2/token",
    proof: ClientProof::Body,
    // Scopes are not named.
    granted: r#"{"access_token":"$access","expires_in":"$expires_in","restricted_to":[],"refresh_token":"$refresh","token_type":"bearer"}"#,
    access_ttl: Some(4123),
    // A refresh token can be used once.
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Auth code doesn't exist or is invalid for the client"}"#,
    ),
    bad_client: Reply::new(
        400,
        r#"{"error":"invalid_client","error_description":"The client credentials are invalid"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#,
    ),
    revocation: Some(Revocation {
        proof: RevocationProof::Body,
        ..Revocation::rfc7009("https://api.box.com/oauth2/revoke")
    }),
    who: Route::new(
        "GET",
        "https://api.box.com/2.0/users/me",
        &[],
        r#"{"type":"user","id":"11$number","name":"$account","login":"$email"}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.box.com/2.0/folders/{id}/items",
        &["root_readonly", "root_readwrite"],
        r#"{"total_count":1,"entries":[{"type":"file","id":"12345","name":"Contract.pdf"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.box.com/2.0/folders",
        &["root_readwrite"],
        r#"{"type":"folder","id":"12346","name":"$title"}"#,
    )
    .status(201),
    dead_token: Reply::new(401, "").headers(&[(
        "www-authenticate",
        r#"Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid.""#,
    )]),
    missing_scope: Reply::new(
        403,
        r#"{"type":"error","status":403,"code":"insufficient_scope","help_url":"http://developers.box.com/docs/#errors","message":"The request requires higher privileges than provided by the access token.","request_id":"a22g0bhq0fzmc1eg"}"#,
    )
    .headers(&[(
        "www-authenticate",
        r#"Bearer realm="Service", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token.""#,
    )]),
    rate_limited: Reply::new(
        429,
        r#"{"type":"error","status":429,"code":"rate_limit_exceeded","message":"Request rate limit exceeded, please try again later","request_id":"abcdef123456"}"#,
    )
    .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
