//! What Notion answers.
//!
//! Tokens: <https://developers.notion.com/reference/create-a-token>,
//! <https://developers.notion.com/reference/refresh-a-token>. Errors:
//! <https://developers.notion.com/reference/status-codes>, <https://developers.notion.com/reference/request-limits>.

use toolgate::provider::profile::{
    ClientProof, Profile, Reply, RequestBody, Revocation, RevocationProof, Rotation, Route,
    TokenPlace,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://api.notion.com/v1/oauth/authorize",
    authorize_params: &[("owner", "user")],
    without_scopes: true,
    token: "https://api.notion.com/v1/oauth/token",
    proof: ClientProof::Basic,
    body: RequestBody::Json,
    granted: r#"{"access_token":"$access","token_type":"bearer","refresh_token":"$refresh","bot_id":"b3414d65-1224-5ty4-2ff4-cc1c89f9b6d0","workspace_icon":null,"workspace_name":"Acme","workspace_id":"c1c89f9b-1224-4ff4-9d65-b3414d65cc1c","owner":{"type":"user","user":{"object":"user","id":"6794760a-1f15-45cd-9c65-$number","name":"$account","type":"person"}},"duplicated_template_id":null}"#,
    access_prefix: "ntn_",
    refresh_prefix: "nrt_",
    // How long a token lives is not documented, and the answer does not say.
    access_ttl: Some(3600),
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Invalid code: this code has been revoked."}"#,
    ),
    bad_client: Reply::new(401, r#"{"error":"invalid_client"}"#),
    bad_refresh: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Invalid refresh token."}"#,
    ),
    // https://developers.notion.com/reference/revoke-token
    revocation: Some(Revocation {
        token: TokenPlace::Json("token"),
        proof: RevocationProof::Basic,
        takes_refresh_tokens: false,
        reply: Reply::new(200, r#"{"request_id":"8e4b4b4b"}"#),
        ..Revocation::rfc7009("https://api.notion.com/v1/oauth/revoke")
    }),
    who: Route::new(
        "GET",
        "https://api.notion.com/v1/users/me",
        &[],
        r#"{"object":"user","id":"16d84278-ab0e-484c-9bdd-b35da3bd8905","name":"toolgate","type":"bot","bot":{"owner":{"type":"user","user":{"object":"user","id":"6794760a-1f15-45cd-9c65-$number","name":"$account"}},"workspace_id":"c1c89f9b-1224-4ff4-9d65-b3414d65cc1c","workspace_name":"Acme"}}"#,
    )
    .needs_headers(&["notion-version"]),
    read: Route::new(
        "GET",
        "https://api.notion.com/v1/pages/{id}",
        &["read_content"],
        r#"{"object":"page","id":"59833787-2cf9-4fdf-8782-e53db20768a5","properties":{}}"#,
    )
    .needs_headers(&["notion-version"]),
    write: Route::new(
        "POST",
        "https://api.notion.com/v1/pages",
        &["insert_content"],
        r#"{"object":"page","id":"59833787-2cf9-4fdf-8782-e53db20768a5","properties":{}}"#,
    )
    .needs_headers(&["notion-version"]),
    dead_token: Reply::new(
        401,
        r#"{"object":"error","status":401,"code":"unauthorized","message":"API token is invalid."}"#,
    ),
    missing_scope: Reply::new(
        403,
        r#"{"object":"error","status":403,"code":"restricted_resource","message":"Insufficient permissions for this endpoint."}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"object":"error","status":429,"code":"rate_limited","message":"You have been rate limited. Please try again in a few minutes."}"#,
    )
    .headers(&[("retry-after", "$wait")]),
    missing_header: Reply::new(
        400,
        r#"{"object":"error","status":400,"code":"missing_version","message":"Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`."}"#,
    ),
    ..Profile::STANDARD
};
