//! What Asana answers.
//!
//! Tokens: <https://developers.asana.com/docs/oauth>. Errors and limits:
//! <https://developers.asana.com/docs/errors>, <https://developers.asana.com/docs/rate-limits>.

use toolgate::provider::profile::{
    ClientProof, Profile, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://app.asana.com/-/oauth_authorize",
    token: "https://app.asana.com/-/oauth_token",
    proof: ClientProof::Body,
    // Scopes are not named.
    granted: r#"{"access_token":"$access","expires_in":"$expires_in","token_type":"bearer","data":{"id":"$number","gid":"12$number","name":"$account","email":"$email"},"refresh_token":"$refresh"}"#,
    access_ttl: Some(3600),
    rotation: Rotation::None,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"The code provided was invalid."}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":"invalid_client","error_description":"The client_id or client_secret is invalid."}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"The refresh token provided was invalid."}"#,
    ),
    // "The endpoint takes a refresh token."
    revocation: Some(Revocation {
        proof: RevocationProof::Body,
        takes_access_tokens: false,
        reply: Reply::new(200, "{}"),
        ..Revocation::rfc7009("https://app.asana.com/-/oauth_revoke")
    }),
    who: Route::new(
        "GET",
        "https://app.asana.com/api/1.0/users/me",
        &["users:read"],
        r#"{"data":{"gid":"12$number","resource_type":"user","name":"$account","email":"$email"}}"#,
    ),
    read: Route::new(
        "GET",
        "https://app.asana.com/api/1.0/tasks",
        &["tasks:read"],
        r#"{"data":[{"gid":"1","resource_type":"task","name":"Buy catnip"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://app.asana.com/api/1.0/tasks",
        &["tasks:write"],
        r#"{"data":{"gid":"2","resource_type":"task","name":"$title"}}"#,
    )
    .status(201),
    dead_token: Reply::new(
        401,
        r#"{"errors":[{"message":"The bearer token has expired. If you have a refresh token, please use it to request a new bearer token, otherwise allow the user to re-authenticate.","help":"For more information on API status codes and how to handle them, read the docs on errors: https://developers.asana.com/docs/errors"}]}"#,
    )
    .headers(&[("www-authenticate", r#"Bearer realm="Asana", error="invalid_token""#)]),
    // Neither status nor words are documented; users of airbytehq/airbyte (pull request 78106) saw 401.
    missing_scope: Reply::new(
        403,
        r#"{"errors":[{"message":"Your access token is missing the required scopes: $needed","help":"For more information on API status codes and how to handle them, read the docs on errors: https://developers.asana.com/docs/errors"}]}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"errors":[{"message":"You have made too many requests recently. Please, be chill."}]}"#,
    )
    .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
