//! What Salesforce answers.
//!
//! Tokens: <https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm>. Errors:
//! <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm>.

use toolgate::provider::profile::{
    Profile, RefreshTokens, Reply, Revocation, RevocationProof, Rotation, Route,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://login.salesforce.com/services/oauth2/authorize",
    token: "https://login.salesforce.com/services/oauth2/token",
    // No lifetime; the address of the API is in it.
    granted: r#"{"access_token":"$access","refresh_token":"$refresh","signature":"c2lnbmF0dXJl","scope":"$scope","instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/00D000000000001EAA/005$number","token_type":"Bearer","issued_at":"1780000000000"}"#,
    access_prefix: "00D000000000001!",
    refresh_prefix: "5Aep861",
    access_ttl: Some(7200),
    refresh_tokens: RefreshTokens::NamedScope("refresh_token"),
    // A setting of the app: here it is on.
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"expired authorization code"}"#,
    ),
    bad_client: Reply::new(
        400,
        r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#,
    ),
    // https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_revoke_token.htm
    revocation: Some(Revocation {
        proof: RevocationProof::None,
        ..Revocation::rfc7009("https://login.salesforce.com/services/oauth2/revoke")
    }),
    who: Route::new(
        "GET",
        "https://acme.my.salesforce.com/services/oauth2/userinfo",
        &["openid", "id", "full"],
        r#"{"sub":"https://login.salesforce.com/id/00D000000000001EAA/005$number","user_id":"005$number","organization_id":"00D000000000001EAA","preferred_username":"$email"}"#,
    ),
    read: Route::new(
        "GET",
        "https://acme.my.salesforce.com/services/data/v60.0/sobjects",
        &["api", "full"],
        r#"{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{"name":"Account"}]}"#,
    ),
    write: Route::new(
        "POST",
        "https://acme.my.salesforce.com/services/data/v60.0/sobjects/Account",
        &["api", "full"],
        r#"{"id":"001D000000IqhSLIAZ","errors":[],"success":true}"#,
    )
    .status(201),
    dead_token: Reply::new(
        401,
        r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
    ),
    missing_scope: Reply::new(
        403,
        r#"[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]"#,
    ),
    // A limit of a day, of which nothing says when it ends.
    rate_limited: Reply::new(
        403,
        r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
    ),
    ..Profile::STANDARD
};
