//! The providers, each with a tool that reads, one that writes, and one that goes beyond its scopes.

use futures::future::BoxFuture;
use serde_json::json;
use toolgate::{ErrorKind, Result, client::Response, tool::Tools};

use super::upstream::{Upstream, User, start};

/// What the API says of a token that lacks a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissingScope {
    /// That a scope is missing, perhaps with its name.
    Said,
    /// That the request is not allowed.
    Refused,
    /// The same as of a token that is not good.
    AsDeadToken,
    /// Every token has all scopes.
    Never,
}

/// A provider.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) read: &'static str,
    pub(super) write: &'static str,
    /// How a broker identifies a person; `None` if the provider is not for a broker.
    pub(super) user: Option<User>,
    /// Whether the API is asked whose the tokens of each consent are.
    pub(super) identifies: bool,
    pub(super) missing_scope: MissingScope,
    pub(super) tools: fn() -> Tools,
    pub(super) start: fn() -> BoxFuture<'static, Box<dyn Upstream>>,
}

impl Row {
    /// How often the API was asked whose the tokens of so many codes are.
    pub(super) fn identifications(&self, codes: usize) -> usize {
        if self.identifies { codes } else { 0 }
    }
}

/// The text of a response, or what the case asks of an error.
async fn say(response: Result<Response>) -> Result<String> {
    let error = match response {
        Ok(response) => return response.text().await,
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::ScopeMissing { scopes, .. } => {
            Ok(format!("scope missing: {}", scopes.join(" ")))
        }
        ErrorKind::UpstreamRefused { status: 429, retry_after, .. } => {
            Ok(format!("limited: {:?}", retry_after.map(|wait| wait.as_secs())))
        }
        _ => Err(error),
    }
}

macro_rules! request {
    ($upstream:ident, $verb:ident($path:literal)) => {
        $upstream.$verb($path).send().await
    };
    ($upstream:ident, $verb:ident($path:literal, $query:literal)) => {
        $upstream.$verb($path).json(&json!({ "title": "Compass", "query": $query })).send().await
    };
}

macro_rules! providers {
    ($($module:ident: $provider:ident {
        read: $read:literal => $read_verb:ident $read_request:tt,
        write: $write:literal => $write_verb:ident $write_request:tt,
        beyond: $missing:ident => $beyond_verb:ident $beyond_request:tt,
        user: $user:expr,
    })*) => {
        $(mod $module {
            use toolgate::prelude::*;
            use toolgate_providers::$provider as Provided;

            use super::*;

            /// Reads.
            #[tool(scopes = $read)]
            async fn read(upstream: AuthedClient<Provided>) -> Result<String> {
                say(request!(upstream, $read_verb $read_request)).await
            }

            /// Writes.
            #[tool(scopes = $write)]
            async fn write(upstream: AuthedClient<Provided>) -> Result<String> {
                say(request!(upstream, $write_verb $write_request)).await
            }

            /// Asks for what its scope does not allow.
            #[tool(scopes = $read)]
            async fn beyond(upstream: AuthedClient<Provided>) -> Result<String> {
                say(request!(upstream, $beyond_verb $beyond_request)).await
            }

            pub(super) const ROW: Row = Row {
                name: stringify!($provider),
                read: $read,
                write: $write,
                user: $user,
                identifies: <Provided as toolgate::provider::Provider>::DIALECT.account.is_some(),
                missing_scope: MissingScope::$missing,
                tools: || tools![read, write, beyond],
                start: || Box::pin(start::<Provided>()),
            };
        })*

        static ROWS: &[Row] = &[$($module::ROW),*];
    };
}

/// All providers.
pub(super) fn rows() -> &'static [Row] {
    ROWS
}

#[allow(clippy::unnecessary_wraps, reason = "rows of providers without one have `None`")]
const fn user(
    path: &'static str,
    member: &'static str,
    scopes: &'static [&'static str],
) -> Option<User> {
    Some(User { path, member, scopes })
}

providers! {
    airtable: Airtable {
        read: "data.records:read" => get("/v0/app1/Table"),
        write: "data.records:write" => post("/v0/app1/Table", ""),
        beyond: Refused => post_read_only("/v0/app1/Table", ""),
        user: user("/v0/meta/whoami", "id", &[]),
    }
    asana: Asana {
        read: "tasks:read" => get("/tasks"),
        write: "tasks:write" => post("/tasks", ""),
        beyond: Refused => post_read_only("/tasks", ""),
        user: user("/users/me", "/data/gid", &["users:read"]),
    }
    atlassian: Atlassian {
        read: "read:jira-work" => get("/ex/jira/1/rest/api/3/project/search"),
        write: "write:jira-work" => post("/ex/jira/1/rest/api/3/issue", ""),
        beyond: Said => post_read_only("/ex/jira/1/rest/api/3/issue", ""),
        user: user("/me", "account_id", &["read:me"]),
    }
    box_com: BoxCom {
        read: "root_readonly" => get("/2.0/folders/0/items"),
        write: "root_readwrite" => post("/2.0/folders", ""),
        beyond: Said => post_read_only("/2.0/folders", ""),
        user: user("/2.0/users/me", "id", &[]),
    }
    discord: Discord {
        read: "guilds" => get("/users/@me/guilds"),
        write: "role_connections.write" => put("/users/@me/applications/1/role-connection", ""),
        beyond: AsDeadToken => get("/users/@me/connections"),
        user: user("/users/@me", "id", &["identify"]),
    }
    dropbox: Dropbox {
        read: "files.metadata.read" => post_read_only("/files/list_folder", ""),
        write: "files.content.write" => post("/files/create_folder_v2", ""),
        beyond: Said => post_read_only("/files/create_folder_v2", ""),
        user: user("/users/get_current_account", "account_id", &["account_info.read"]),
    }
    figma: Figma {
        read: "file_comments:read" => get("/v1/files/1/comments"),
        write: "file_comments:write" => post("/v1/files/1/comments", ""),
        beyond: Refused => post_read_only("/v1/files/1/comments", ""),
        user: user("/v1/me", "id", &["current_user:read"]),
    }
    github: GitHub {
        read: "user:email" => get("/user/emails"),
        write: "public_repo" => post("/repos/alice/compass/issues", ""),
        beyond: Said => post_read_only("/repos/alice/compass/issues", ""),
        user: user("/user", "id", &[]),
    }
    github_app: GitHubApp {
        read: "issues:read" => get("/repos/alice/compass/issues"),
        write: "issues:write" => post("/repos/alice/compass/issues", ""),
        beyond: Never => post_read_only("/repos/alice/compass/issues", ""),
        user: user("/user", "id", &[]),
    }
    gitlab: GitLab {
        read: "read_api" => get("/projects"),
        write: "api" => post("/projects/4/issues", ""),
        beyond: Said => post_read_only("/projects/4/issues", ""),
        user: user("/user", "id", &["read_user"]),
    }
    google: Google {
        read: "https://www.googleapis.com/auth/calendar.events.readonly" =>
            get("/calendar/v3/calendars/primary/events"),
        write: "https://www.googleapis.com/auth/calendar.events" =>
            post("/calendar/v3/calendars/primary/events", ""),
        beyond: Said => post_read_only("/calendar/v3/calendars/primary/events", ""),
        user: user("/oauth2/v3/userinfo", "sub", &["openid"]),
    }
    hubspot: HubSpot {
        read: "crm.objects.contacts.read" => get("/crm/v3/objects/contacts"),
        write: "crm.objects.contacts.write" => post("/crm/v3/objects/contacts", ""),
        beyond: Said => post_read_only("/crm/v3/objects/contacts", ""),
        user: None,
    }
    linear: Linear {
        read: "read" => post_read_only("/graphql", "{ issues { nodes { title } } }"),
        write: "issues:create" => post("/graphql", "mutation { issueCreate { success } }"),
        beyond: Said => post_read_only("/graphql", "mutation { issueCreate { success } }"),
        user: user("/graphql", "/data/viewer/id", &["read"]),
    }
    microsoft: Microsoft {
        read: "Mail.Read" => get("/me/messages"),
        write: "Mail.Send" => post("/me/sendMail", ""),
        beyond: Refused => post_read_only("/me/sendMail", ""),
        user: user("/me", "id", &["User.Read"]),
    }
    notion: Notion {
        read: "read_content" => get("/v1/pages/1"),
        write: "insert_content" => post("/v1/pages", ""),
        beyond: Never => post_read_only("/v1/pages", ""),
        user: user("/v1/users/me", "/bot/owner/user/id", &[]),
    }
    salesforce: Salesforce {
        read: "openid" => get("/services/oauth2/userinfo"),
        write: "api" => post("/services/data/v60.0/sobjects/Account", ""),
        beyond: Refused => post_read_only("/services/data/v60.0/sobjects/Account", ""),
        user: None,
    }
    slack: Slack {
        read: "channels:read" => get("/conversations.list"),
        write: "chat:write" => post("/chat.postMessage", ""),
        beyond: Said => post_read_only("/chat.postMessage", ""),
        user: user("/auth.test", "user_id", &[]),
    }
    slack_bot: SlackBot {
        read: "channels:read" => get("/conversations.list"),
        write: "chat:write" => post("/chat.postMessage", ""),
        beyond: Said => post_read_only("/chat.postMessage", ""),
        user: None,
    }
    spotify: Spotify {
        read: "user-top-read" => get("/me/top/tracks"),
        write: "playlist-modify-public" => post("/users/alice/playlists", ""),
        beyond: Said => post_read_only("/users/alice/playlists", ""),
        user: user("/me", "id", &[]),
    }
    stripe: Stripe {
        read: "read_only" => get("/v1/customers"),
        write: "read_write" => post("/v1/customers", ""),
        beyond: Said => post_read_only("/v1/customers", ""),
        user: user("/v1/account", "id", &[]),
    }
    x: X {
        read: "tweet.read" => get("/2/tweets"),
        write: "tweet.write" => post("/2/tweets", ""),
        beyond: Refused => post_read_only("/2/tweets", ""),
        user: user("/2/users/me", "/data/id", &["tweet.read", "users.read"]),
    }
    zoom: Zoom {
        read: "meeting:read:list_meetings" => get("/users/me/meetings"),
        write: "meeting:write:meeting" => post("/users/me/meetings", ""),
        beyond: Said => post_read_only("/users/me/meetings", ""),
        user: user("/users/me", "id", &["user:read:user"]),
    }
}
