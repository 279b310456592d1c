//! What GitHub answers to a GitHub App on behalf of a user.
//!
//! Tokens: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>.
//! Permissions: <https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>.

use toolgate::provider::profile::{Profile, RefreshTokens, Reply, Rotation, Route};

use super::github;

pub(crate) const PROFILE: &Profile = &Profile {
    // "scope" is an empty string: permissions are the app's.
    without_scopes: true,
    granted: r#"{"access_token":"$access","expires_in":"$expires_in","refresh_token":"$refresh","refresh_token_expires_in":15811200,"scope":"","token_type":"bearer"}"#,
    access_prefix: "ghu_",
    refresh_prefix: "ghr_",
    access_ttl: Some(28_800),
    refresh_tokens: RefreshTokens::Always,
    // "the old user access token and refresh token will no longer work"
    rotation: Rotation::OldIsRefused,
    ends_old_access: true,
    read: Route::new(
        "GET",
        "https://api.github.com/repos/{owner}/{repo}/issues",
        &["issues:read", "issues:write"],
        r#"[{"id":1,"number":1,"title":"Found a bug","state":"open"}]"#,
    ),
    write: Route::new(
        "POST",
        "https://api.github.com/repos/{owner}/{repo}/issues",
        &["issues:write"],
        r#"{"id":1,"number":1,"title":"$title","state":"open","user":{"login":"$account"}}"#,
    )
    .status(201),
    more: &[],
    headers: &[("x-github-api-version-selected", "2022-11-28")],
    missing_scope: Reply::new(
        403,
        r#"{"message":"Resource not accessible by integration","documentation_url":"https://docs.github.com/rest","status":"403"}"#,
    )
    .headers(&[("x-accepted-github-permissions", "issues=write")]),
    ..*github::PROFILE
};
