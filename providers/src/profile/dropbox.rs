//! What Dropbox answers.
//!
//! Tokens: <https://www.dropbox.com/developers/documentation/http/documentation#authorization>. Errors:
//! <https://www.dropbox.com/developers/documentation/http/documentation#error-handling>.

use toolgate::provider::profile::{
    Profile, RefreshTokens, Reply, Revocation, RevocationProof, Rotation, Route, TokenPlace,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://www.dropbox.com/oauth2/authorize",
    token: "https://api.dropboxapi.com/oauth2/token",
    granted: r#"{"access_token":"$access","token_type":"bearer","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope","uid":"$number","account_id":"dbid:AAH4f99T0taONIb-$number"}"#,
    refreshed: r#"{"access_token":"$access","token_type":"bearer","expires_in":"$expires_in"}"#,
    access_prefix: "sl.",
    access_ttl: Some(14_400),
    refresh_tokens: RefreshTokens::Param("token_access_type", "offline"),
    rotation: Rotation::None,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"code doesn't exist or has expired"}"#,
    ),
    bad_client: Reply::new(
        400,
        r#"{"error":"invalid_client: Invalid client_id or client_secret","error_description":"Invalid client_id or client_secret"}"#,
    ),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"refresh token is invalid or revoked"}"#,
    ),
    // "disables the access token used to authenticate the call", and its refresh token.
    revocation: Some(Revocation {
        method: "POST",
        url: "https://api.dropboxapi.com/2/auth/token/revoke",
        token: TokenPlace::Bearer,
        proof: RevocationProof::None,
        takes_refresh_tokens: false,
        takes_access_tokens: true,
        ends_grant: true,
        reply: Reply::new(200, "null"),
    }),
    who: Route::new(
        "POST",
        "https://api.dropboxapi.com/2/users/get_current_account",
        &["account_info.read"],
        r#"{"account_id":"dbid:AAH4f99T0taONIb-$number","name":{"display_name":"$account"},"email":"$email"}"#,
    ),
    read: Route::new(
        "POST",
        "https://api.dropboxapi.com/2/files/list_folder",
        &["files.metadata.read"],
        r#"{"entries":[{".tag":"folder","name":"math","id":"id:a4ayc_80_OEAAAAAAAAAXz"}],"cursor":"ZtkX9","has_more":false}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.dropboxapi.com/2/files/create_folder_v2",
        &["files.content.write"],
        r#"{"metadata":{"name":"math","id":"id:a4ayc_80_OEAAAAAAAAAXz","path_lower":"/math"}}"#,
    ),
    dead_token: Reply::new(
        401,
        r#"{"error_summary":"expired_access_token/..","error":{".tag":"expired_access_token"}}"#,
    ),
    missing_scope: Reply::new(
        401,
        r#"{"error_summary":"missing_scope/..","error":{".tag":"missing_scope","required_scope":"$needed"}}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"error_summary":"too_many_requests/..","error":{"reason":{".tag":"too_many_requests"},"retry_after":"$wait"}}"#,
    )
    .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
