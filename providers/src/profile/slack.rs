//! What Slack answers to an app with user scopes and token rotation.
//!
//! Tokens: <https://docs.slack.dev/authentication/installing-with-oauth>,
//! <https://docs.slack.dev/authentication/using-token-rotation>. Errors:
//! <https://docs.slack.dev/reference/methods/auth.test>. Limits:
//! <https://docs.slack.dev/apis/web-api/rate-limits>.

use toolgate::provider::profile::{
    Profile, Reply, Revocation, RevocationProof, Rotation, Route, TokenPlace,
};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://slack.com/oauth/v2/authorize",
    scope_param: "user_scope",
    scope_separators: ",",
    token: "https://slack.com/api/oauth.v2.access",
    granted: r#"{"ok":true,"app_id":"A0KRD7HC3","authed_user":{"id":"U$number","scope":"$scope","access_token":"$access","token_type":"user","refresh_token":"$refresh","expires_in":"$expires_in"},"team":{"id":"T9TK3CUKW","name":"Slack Softball Team"},"enterprise":null,"is_enterprise_install":false}"#,
    refreshed: r#"{"ok":true,"access_token":"$access","refresh_token":"$refresh","expires_in":"$expires_in","token_type":"user","scope":"$scope","user_id":"U$number","app_id":"A0KRD7HC3","team":{"id":"T9TK3CUKW","name":"Slack Softball Team"},"enterprise":null}"#,
    granted_separator: ",",
    access_prefix: "xoxe.xoxp-1-",
    refresh_prefix: "xoxe-1-",
    access_ttl: Some(43_200),
    rotation: Rotation::OldIsRefused,
    bad_code: Reply::new(200, r#"{"ok":false,"error":"invalid_code"}"#),
    bad_client: Reply::new(200, r#"{"ok":false,"error":"bad_client_secret"}"#),
    bad_refresh: Reply::new(200, r#"{"ok":false,"error":"invalid_refresh_token"}"#),
    // https://docs.slack.dev/reference/methods/auth.revoke
    revocation: Some(Revocation {
        method: "POST",
        url: "https://slack.com/api/auth.revoke",
        token: TokenPlace::Bearer,
        proof: RevocationProof::None,
        takes_refresh_tokens: false,
        takes_access_tokens: true,
        ends_grant: true,
        reply: Reply::new(200, r#"{"ok":true,"revoked":true}"#),
    }),
    who: Route::new(
        "GET",
        "https://slack.com/api/auth.test",
        &[],
        r#"{"ok":true,"url":"https://softball.slack.com/","team":"Slack Softball Team","user":"$account","team_id":"T9TK3CUKW","user_id":"U$number"}"#,
    ),
    read: Route::new(
        "GET",
        "https://slack.com/api/conversations.list",
        &["channels:read"],
        r#"{"ok":true,"channels":[{"id":"C012AB3CD","name":"general","is_channel":true}],"response_metadata":{"next_cursor":""}}"#,
    ),
    write: Route::new(
        "POST",
        "https://slack.com/api/chat.postMessage",
        &["chat:write"],
        r#"{"ok":true,"channel":"C012AB3CD","ts":"1503435956.000247","message":{"type":"message","user":"U$number","text":"$title"}}"#,
    ),
    headers: &[("x-oauth-scopes", "$granted")],
    dead_token: Reply::new(200, r#"{"ok":false,"error":"token_expired"}"#),
    missing_scope: Reply::new(
        200,
        r#"{"ok":false,"error":"missing_scope","needed":"$needed","provided":"$provided"}"#,
    )
    .headers(&[("x-accepted-oauth-scopes", "$needed")]),
    rate_limited: Reply::new(429, r#"{"ok":false,"error":"ratelimited"}"#)
        .headers(&[("retry-after", "$wait")]),
    ..Profile::STANDARD
};
