//! What `HubSpot` answers.
//!
//! Tokens: <https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens>. Errors and limits:
//! <https://developers.hubspot.com/docs/api-reference/error-handling>,
//! <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>.

use toolgate::provider::profile::{
    ClientProof, Profile, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://app.hubspot.com/oauth/authorize",
    token: "https://api.hubapi.com/oauth/2026-03/token",
    proof: ClientProof::Body,
    granted: r#"{"token_type":"bearer","refresh_token":"$refresh","access_token":"$access","hub_id":1234567,"scopes":"$scopes","user_id":"$number","expires_in":"$expires_in"}"#,
    access_ttl: Some(1800),
    rotation: Rotation::Repeated,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"missing or unknown auth code","status":"BAD_AUTH_CODE","message":"missing or unknown auth code"}"#,
    ),
    bad_client: Reply::new(
        400,
        r#"{"error":"invalid_client","error_description":"missing or invalid client secret","status":"BAD_CLIENT_SECRET","message":"missing or invalid client secret"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"refresh token is invalid, expired or revoked","status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#,
    ),
    // Only the refresh token is revoked; the effect on access tokens is not documented.
    revocation: Some(Revocation {
        proof: RevocationProof::Body,
        takes_access_tokens: false,
        ends_grant: false,
        ..Revocation::rfc7009("https://api.hubapi.com/oauth/2026-03/token/revoke")
    }),
    who: Route::new(
        "GET",
        "https://api.hubapi.com/account-info/v3/details",
        &["oauth"],
        r#"{"portalId":1234567,"timeZone":"US/Eastern","accountType":"STANDARD"}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.hubapi.com/crm/v3/objects/contacts",
        &["crm.objects.contacts.read"],
        r#"{"results":[{"id":"1","properties":{"email":"$email"}}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.hubapi.com/crm/v3/objects/contacts",
        &["crm.objects.contacts.write"],
        r#"{"id":"2","properties":{"email":"$email"}}"#,
    )
    .status(201),
    dead_token: Reply::new(
        401,
        r#"{"status":"error","message":"The OAuth token used to make this call expired 1 minute(s) ago.","correlationId":"8e4b4b4b","category":"EXPIRED_AUTHENTICATION"}"#,
    ),
    missing_scope: Reply::new(
        403,
        r#"{"status":"error","message":"This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.","correlationId":"8e4b4b4b","errors":[{"message":"One or more of the following scopes are required.","context":{"requiredGranularScopes":["$needed"]}}],"category":"MISSING_SCOPES"}"#,
    ),
    // The documented headers say how many and how long an interval is, not when it ends.
    rate_limited: Reply::new(
        429,
        r#"{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","correlationId":"8e4b4b4b","policyName":"TEN_SECONDLY_ROLLING"}"#,
    )
    .headers(&[
        ("x-hubspot-ratelimit-max", "110"),
        ("x-hubspot-ratelimit-remaining", "0"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
    ]),
    ..Profile::STANDARD
};
