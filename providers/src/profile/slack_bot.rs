//! What Slack answers to an app with bot scopes and token rotation.
//!
//! <https://docs.slack.dev/authentication/installing-with-oauth>: the bot's token is at the top of the answer.

use toolgate::provider::profile::Profile;

use super::slack;

pub(crate) const PROFILE: &Profile = &Profile {
    scope_param: "scope",
    granted: r#"{"ok":true,"access_token":"$access","token_type":"bot","scope":"$scope","bot_user_id":"U0KRQLJ9H","app_id":"A0KRD7HC3","team":{"name":"Slack Softball Team","id":"T9TK3CUKW"},"enterprise":null,"is_enterprise_install":false,"authed_user":{"id":"U$number"},"refresh_token":"$refresh","expires_in":"$expires_in"}"#,
    refreshed: "",
    access_prefix: "xoxe.xoxb-1-",
    ..*slack::PROFILE
};
