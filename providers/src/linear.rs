//! Linear: issues, projects and comments.
//!
//! # Register a client
//!
//! 1. Open [Settings, API, new application](https://linear.app/settings/api/applications/new), best
//!    in a workspace of its own: every admin of the workspace can change it.
//! 2. Add the callback URL of your server: `http://127.0.0.1:8765/callback/linear`, or
//!    `https://tools.example/callback/linear`.
//! 3. Set `LINEAR_CLIENT_ID` and `LINEAR_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/graphql", "/data/viewer/id").sign_in_scopes(["read"])`: the broker sends the
//! GraphQL query by which accounts are identified. A person has a user, with an identifier of its own, in each workspace.
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for `read`, which
//! Linear always grants.
//!
//! # Tokens
//!
//! A token lives for 24 hours. A refresh gives a new refresh token; the old one can be sent again
//! for 30 minutes.
//!
//! [Linear's documentation](https://linear.app/developers/oauth-2-0-authentication)
//!
//! # Example
//!
//! A query that only reads is a POST as well, which `post_read_only` sends.
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Linear;
//!
//! /// Reads an issue.
//! #[tool(scopes = "read")]
//! async fn read_issue(linear: AuthedClient<Linear>, id: String) -> Result<String> {
//!     let query = "query($id: String!) { issue(id: $id) { title description } }";
//!     let body = serde_json::json!({ "query": query, "variables": { "id": id } });
//!     linear.post_read_only("/graphql").json(&body).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, commas between scopes, refresh with its grace period of 30 minutes, revocation:
// https://linear.app/developers/oauth-2-0-authentication, as well as PKCE, the client by Basic or in
// the body, and `prompt=consent`, by which people connect several workspaces.
// Errors of GraphQL and limits: https://linear.app/developers/graphql,
// https://linear.app/developers/rate-limiting. A missing scope has status 400, and the scope in the
// message alone: linear/linear, issue 895.
/// Linear's GraphQL API.
///
/// See [the module](self) for the steps at Linear. Linear has these scopes, and some for agents.
#[provider(
    api = "https://api.linear.app",
    authorize = "https://linear.app/oauth/authorize",
    token = "https://api.linear.app/oauth/token",
    revoke = "https://api.linear.app/oauth/revoke",
    client_auth = body,
    scope_separator = ",",
    rate_limited(status = 400, pointer = "/errors/0/extensions/code", values("RATELIMITED")),
    insufficient_scope(
        status = 400,
        pointer = "/errors/0/message",
        values(
            "Invalid scope: `read` required",
            "Invalid scope: `write` required",
            "Invalid scope: `issues:create` required",
            "Invalid scope: `comments:create` required",
            "Invalid scope: `timeSchedule:write` required",
            "Invalid scope: `admin` required"
        )
    ),
    refresh_token(leeway = 1800),
    // https://linear.app/developers/graphql: `viewer` is who the token acts for.
    account(
        path = "/graphql",
        body = r#"{"query":"{ viewer { id email organization { id name } } }"}"#,
        id("/data/viewer/organization/id", "/data/viewer/id"),
        label("/data/viewer/email", "/data/viewer/organization/name"),
        scopes("read"),
        prompt = "consent"
    ),
    stand_in = crate::profile::linear::PROFILE
)]
// https://linear.app/developers/oauth-2-0-authentication: `read` is always granted, so every other
// scope is granted with it. https://linear.app/developers/agents: the last two.
pub enum Linear {
    /// Read everything that you can read.
    #[scope("read", access = read)]
    Read,
    /// Change everything that you can change.
    #[scope("write", access = write, implies(Read, IssuesCreate, CommentsCreate))]
    Write,
    /// Create issues and their attachments.
    #[scope("issues:create", access = write, implies(Read))]
    IssuesCreate,
    /// Comment on issues.
    #[scope("comments:create", access = write, implies(Read))]
    CommentsCreate,
    /// Create and change schedules.
    #[scope("timeSchedule:write", access = write, implies(Read))]
    TimeScheduleWrite,
    /// Administer the workspace.
    #[scope("admin", access = destructive, implies(Read))]
    Admin,
    /// Be assigned to issues, as an app.
    #[scope("app:assignable", access = write, implies(Read))]
    AppAssignable,
    /// Be mentioned in issues and documents, as an app.
    #[scope("app:mentionable", access = write, implies(Read))]
    AppMentionable,
}
