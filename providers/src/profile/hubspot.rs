//! What `HubSpot` answers.
//!
//! Tokens: <https://developers.hubspot.com/docs/api-reference/auth-oauth-v1/guide>. Errors and limits:
//! <https://developers.hubspot.com/docs/api-reference/error-handling>,
//! <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>.

use toolgate::provider::profile::{
    ClientProof, Profile, Reply, Revocation, RevocationProof, Rotation, Route, TokenPlace,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://app.hubspot.com/oauth/authorize",
    token: "https://api.hubapi.com/oauth/v3/token",
    proof: ClientProof::Body,
    granted: r#"{"token_type":"bearer","refresh_token":"$refresh","access_token":"$access","hub_id":1234567,"scopes":"$scopes","user_id":"$number","expires_in":"$expires_in"}"#,
    access_ttl: Some(1800),
    rotation: Rotation::Repeated,
    bad_code: Reply::new(
        400,
        r#"{"status":"BAD_AUTH_CODE","message":"missing or unknown auth code","correlationId":"8e4b4b4b"}"#,
    ),
    bad_client: Reply::new(
        400,
        r#"{"status":"BAD_CLIENT_SECRET","message":"missing or invalid client secret","correlationId":"8e4b4b4b"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token","correlationId":"8e4b4b4b"}"#,
    ),
    revocation: Some(Revocation {
        method: "DELETE",
        url: "https://api.hubapi.com/oauth/v1/refresh-tokens/{token}",
        token: TokenPlace::Path,
        proof: RevocationProof::None,
        takes_refresh_tokens: true,
        takes_access_tokens: false,
        // "does not [..] uninstall the application": access tokens stay good.
        ends_grant: false,
        reply: Reply::new(204, ""),
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
    // Whether an answer says when to come back: not checked.
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
