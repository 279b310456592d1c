//! First tools: one for each provider, which a new project begins with.

use serde::Serialize;
use toolgate::Provider;

use super::routes;

/// A tool that sends one request to the provider's API, which its stand-in answers as well.
#[derive(Clone, Serialize)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// Its doc comment.
    pub(super) about: &'static str,
    method: &'static str,
    /// Below the base of the API.
    path: &'static str,
    pub(super) scopes: &'static [&'static str],
    /// The JSON of the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'static str>,
    /// What its answer has of the stand-in's data, for a test: the account's name, if it says it.
    answer: &'static str,
}

impl Tool {
    const fn get(
        name: &'static str,
        about: &'static str,
        path: &'static str,
        scopes: &'static [&'static str],
        answer: &'static str,
    ) -> Self {
        Self { name, about, method: "GET", path, scopes, body: None, answer }
    }
}

/// The tools by the provider's module.
const TOOLS: [(&str, Tool); 22] = [
    (
        "airtable",
        Tool::get(
            "airtable_user",
            "Says which Airtable user is connected.",
            "/v0/meta/whoami",
            &["user.email:read"],
            "usr",
        ),
    ),
    (
        "asana",
        Tool::get(
            "asana_profile",
            "Returns the user's profile at Asana.",
            "/users/me",
            &["users:read"],
            "alice",
        ),
    ),
    (
        "atlassian",
        Tool::get(
            "atlassian_profile",
            "Returns the user's profile at Atlassian.",
            "/me",
            &["read:me"],
            "alice",
        ),
    ),
    (
        "box_com",
        Tool::get(
            "box_profile",
            "Returns the user's profile at Box.",
            "/2.0/users/me",
            &["root_readonly"],
            "alice",
        ),
    ),
    (
        "discord",
        Tool::get(
            "discord_profile",
            "Returns the user's profile at Discord.",
            "/users/@me",
            &["identify"],
            "alice",
        ),
    ),
    (
        "dropbox",
        Tool {
            method: "POST",
            ..Tool::get(
                "dropbox_account",
                "Returns the user's account at Dropbox.",
                "/users/get_current_account",
                &["account_info.read"],
                "alice",
            )
        },
    ),
    (
        "figma",
        Tool::get(
            "figma_profile",
            "Returns the user's profile at Figma.",
            "/v1/me",
            &["current_user:read"],
            "alice",
        ),
    ),
    (
        "github",
        Tool::get(
            "github_profile",
            "Returns the user's profile at GitHub.",
            "/user",
            &["read:user"],
            "alice",
        ),
    ),
    (
        "github_app",
        Tool::get(
            "github_account",
            "Returns the user's account at GitHub.",
            "/user",
            &["metadata:read"],
            "alice",
        ),
    ),
    (
        "gitlab",
        Tool::get(
            "gitlab_profile",
            "Returns the user's profile at GitLab.",
            "/user",
            &["read_user"],
            "alice",
        ),
    ),
    (
        "google",
        Tool::get(
            "google_profile",
            "Returns the user's profile at Google.",
            "/oauth2/v3/userinfo",
            &["https://www.googleapis.com/auth/userinfo.profile"],
            "alice",
        ),
    ),
    (
        "hubspot",
        Tool::get(
            "hubspot_contacts",
            "Lists contacts of the user's HubSpot account.",
            "/crm/v3/objects/contacts",
            &["crm.objects.contacts.read"],
            "alice@example.com",
        ),
    ),
    (
        "linear",
        Tool {
            method: "POST",
            body: Some(r#"{ "query": "{ viewer { id name email } }" }"#),
            ..Tool::get(
                "linear_profile",
                "Returns the user's profile at Linear.",
                "/graphql",
                &["read"],
                "alice",
            )
        },
    ),
    (
        "microsoft",
        Tool::get(
            "microsoft_profile",
            "Returns the user's profile at Microsoft.",
            "/me",
            &["User.Read"],
            "alice",
        ),
    ),
    (
        "notion",
        Tool::get(
            "notion_user",
            "Says whose Notion workspace is connected.",
            "/v1/users/me",
            &["read_users"],
            "alice",
        ),
    ),
    (
        "salesforce",
        Tool::get(
            "salesforce_profile",
            "Returns the user's profile at Salesforce.",
            "/services/oauth2/userinfo",
            &["openid"],
            "alice",
        ),
    ),
    (
        "slack",
        Tool::get(
            "slack_channels",
            "Lists the public channels of the user's Slack workspace.",
            "/conversations.list",
            &["channels:read"],
            "general",
        ),
    ),
    (
        "slack_bot",
        Tool::get(
            "workspace_channels",
            "Lists the public channels of the Slack workspace.",
            "/conversations.list",
            &["channels:read"],
            "general",
        ),
    ),
    (
        "spotify",
        Tool::get(
            "spotify_profile",
            "Returns the user's profile at Spotify.",
            "/me",
            &["user-read-private"],
            "alice",
        ),
    ),
    (
        "stripe",
        Tool::get(
            "stripe_account",
            "Returns the user's account at Stripe.",
            "/v1/account",
            &["read_only"],
            "alice",
        ),
    ),
    (
        "x",
        Tool::get(
            "x_profile",
            "Returns the user's profile at X.",
            "/2/users/me",
            &["users.read", "tweet.read"],
            "alice",
        ),
    ),
    (
        "zoom",
        Tool::get(
            "zoom_profile",
            "Returns the user's profile at Zoom.",
            "/users/me",
            &["user:read:user"],
            "alice",
        ),
    ),
];

/// The first tool of a provider, whose request the stand-in answers.
pub(super) fn of<P: Provider>(module: &str) -> Tool {
    let (_, tool) = TOOLS.iter().find(|(of, _)| *of == module).expect("each has a tool");
    // The base of Salesforce's API is in its token response.
    let base = P::API.replace("{instance_url}", "https://acme.my.salesforce.com");
    let url = format!("{base}{}", tool.path);
    let answers = routes::<P>().into_iter().any(|route| {
        route.method == tool.method
            && route.url == url
            && (route.scopes.is_empty() || route.scopes.iter().any(|s| tool.scopes.contains(s)))
    });
    assert!(answers, "the stand-in of {module} does not answer {} {url}", tool.method);
    tool.clone()
}
