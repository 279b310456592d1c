//! What Airtable answers.
//!
//! Tokens: <https://airtable.com/developers/web/api/oauth-reference>. Errors and limits:
//! <https://airtable.com/developers/web/api/errors>, <https://airtable.com/developers/web/api/rate-limits>.

use toolgate::provider::profile::{ClientProof, Pkce, Profile, Reply, Rotation, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://airtable.com/oauth2/v1/authorize",
    pkce: Pkce::Required,
    token: "https://airtable.com/oauth2/v1/token",
    proof: ClientProof::Basic,
    granted: r#"{"access_token":"$access","refresh_token":"$refresh","token_type":"Bearer","scope":"$scope","expires_in":"$expires_in","refresh_expires_in":5184000}"#,
    access_prefix: "oaa",
    refresh_prefix: "oar",
    access_ttl: Some(3600),
    // A second use revokes all tokens of the grant.
    rotation: Rotation::OldEndsGrant,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Authorization code is invalid"}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"invalid_client","error_description":"Invalid client credentials"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Refresh token is invalid"}"#,
    ),
    who: Route::new(
        "GET",
        "https://api.airtable.com/v0/meta/whoami",
        &[],
        r#"{"id":"usr$number","scopes":[]}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.airtable.com/v0/{base}/{table}",
        &["data.records:read"],
        r#"{"records":[{"id":"rec560UJdUtocSouk","fields":{"Name":"Compass"}}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.airtable.com/v0/{base}/{table}",
        &["data.records:write"],
        r#"{"id":"rec560UJdUtocSouk","fields":{"Name":"Compass"}}"#,
    ),
    dead_token: Reply::new(
        401,
        r#"{"error":{"type":"AUTHENTICATION_REQUIRED","message":"Authentication required"}}"#,
    ),
    // The same as for a table that is not there.
    missing_scope: Reply::new(
        403,
        r#"{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"Invalid permissions, or the requested model was not found. Check that both your user and your token have the required permissions, and that the model names and/or ids are correct."}}"#,
    ),
    // 30 seconds, which are documented and in no header.
    rate_limited: Reply::new(
        429,
        r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"Rate limit exceeded. Please try again later"}]}"#,
    ),
    ..Profile::STANDARD
};
