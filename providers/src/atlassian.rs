//! Atlassian: Jira and Confluence in the cloud.
//!
//! # Register a client
//!
//! 1. Open [the developer console](https://developer.atlassian.com/console/myapps/) and choose
//!    "Create", "OAuth 2.0 integration".
//! 2. Under "Permissions", add the Jira API, the Confluence API and the User identity API, and the
//!    scopes that your tools declare, and `read:me`. An app that has not all of them is refused at
//!    consent.
//! 3. Under "Authorization", set the callback URL to that of your server:
//!    `https://tools.example/callback/atlassian`, or for development
//!    `http://localhost:8765/callback/atlassian`.
//! 4. Set `ATLASSIAN_CLIENT_ID` and `ATLASSIAN_CLIENT_SECRET` from "Settings".
//! 5. Under "Distribution", share the app, if others than you connect.
//!
//! # Identify a person
//!
//! `broker.user("/me", "account_id").sign_in_scopes(["read:me"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for `read:me`. The
//! sites of one account are one account.
//!
//! # Tokens
//!
//! A token lives for an hour. A refresh gives a new refresh token; the old one works for another
//! 10 minutes, after which its use ends all of them. They die after 90 days without use, and after
//! a year. Jira and Confluence are one grant.
//!
//! A person may have several sites: the id of each is in `/oauth/token/accessible-resources`, and
//! the APIs are below `/ex/jira/{cloud_id}` and `/ex/confluence/{cloud_id}`.
//!
//! [Atlassian's documentation](https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Atlassian;
//!
//! #[derive(serde::Deserialize)]
//! struct Site {
//!     id: String,
//! }
//!
//! /// The first of the sites that the user chose.
//! #[requires("read:jira-work")]
//! async fn site(atlassian: &AuthedClient<Atlassian>) -> Result<String> {
//!     let sites = atlassian.get("/oauth/token/accessible-resources").send().await?;
//!     let sites: Vec<Site> = sites.json().await?;
//!     Ok(sites.into_iter().next().ok_or("no site is connected")?.id)
//! }
//!
//! /// Reads an issue of Jira.
//! #[tool(scopes = "read:jira-work")]
//! async fn read_issue(atlassian: AuthedClient<Atlassian>, key: String) -> Result<String> {
//!     let site = site(&atlassian).await?;
//!     atlassian.get(path!("/ex/jira/{site}/rest/api/3/issue/{key}")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, `audience` and `prompt`, and the ids of sites:
// https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
// The 10 minutes, 90 days and the year of refresh tokens:
// https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#use-a-refresh-token-to-get-another-access-token-and-refresh-token-pair
// PKCE is not described there, and a challenge does no harm: pocketbase/pocketbase, pull request 7378.
// A revocation endpoint: no page has one.
/// Atlassian's APIs below `https://api.atlassian.com`: Jira and Confluence.
///
/// See [the module](self) for the steps at Atlassian. Scopes are the classic ones of
/// [Jira](https://developer.atlassian.com/cloud/jira/platform/scopes-for-oauth-2-3LO-and-forge-apps/)
/// and
/// [Confluence](https://developer.atlassian.com/cloud/confluence/scopes-for-oauth-2-3LO-and-forge-apps/),
/// which Atlassian recommends. Version 2 of Confluence's API wants granular ones, of which the most
/// used are declared.
#[provider(
    api = "https://api.atlassian.com",
    authorize = "https://auth.atlassian.com/authorize",
    token = "https://auth.atlassian.com/oauth/token",
    client_auth = body,
    authorize_params("audience" = "api.atlassian.com", "prompt" = "consent"),
    refresh_token(leeway = 600),
    // A 401 for both.
    insufficient_scope(
        status = 401,
        pointer = "/message",
        values("Unauthorized; scope does not match")
    ),
    // https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#how-do-i-retrieve-the-public-profile-of-the-authenticated-user-
    account(path = "/me", id = "/account_id", label = "/email", scopes("read:me")),
    stand_in = crate::profile::atlassian::PROFILE
)]
// https://developer.atlassian.com/cloud/jira/platform/scopes-for-oauth-2-3LO-and-forge-apps/,
// https://developer.atlassian.com/cloud/confluence/scopes-for-oauth-2-3LO-and-forge-apps/
pub enum Atlassian {
    /// Stay connected while you are away.
    #[scope("offline_access", access = read)]
    OfflineAccess,
    /// See who you are.
    #[scope("read:me", access = read)]
    ReadMe,
    /// Read projects, issues, comments and attachments of Jira.
    #[scope("read:jira-work", access = read)]
    ReadJiraWork,
    /// Create and change issues of Jira, comment on them and log work.
    #[scope("write:jira-work", access = write)]
    WriteJiraWork,
    /// See the names and addresses of people in Jira.
    #[scope("read:jira-user", access = read)]
    ReadJiraUser,
    /// Manage components, versions and details of projects in Jira.
    #[scope("manage:jira-project", access = write)]
    ManageJiraProject,
    /// Configure Jira: fields, types of issues, workflows.
    #[scope("manage:jira-configuration", access = destructive)]
    ManageJiraConfiguration,
    /// Register webhooks of Jira.
    #[scope("manage:jira-webhook", access = write)]
    ManageJiraWebhook,
    /// Read pages, blog posts, comments and attachments of Confluence.
    #[scope("read:confluence-content.all", access = read)]
    ReadConfluenceContentAll,
    /// See the titles and excerpts of Confluence's pages.
    #[scope("read:confluence-content.summary", access = read)]
    ReadConfluenceContentSummary,
    /// Create, change and delete pages, blog posts and comments of Confluence.
    #[scope("write:confluence-content", access = write)]
    WriteConfluenceContent,
    /// See the spaces of Confluence.
    #[scope("read:confluence-space.summary", access = read)]
    ReadConfluenceSpaceSummary,
    /// Create, change and delete spaces of Confluence.
    #[scope("write:confluence-space", access = write)]
    WriteConfluenceSpace,
    /// Upload attachments to Confluence.
    #[scope("write:confluence-file", access = write)]
    WriteConfluenceFile,
    /// Search Confluence.
    #[scope("search:confluence", access = read)]
    SearchConfluence,
    /// See the names and addresses of people in Confluence.
    #[scope("read:confluence-user", access = read)]
    ReadConfluenceUser,
    /// See the groups of people in Confluence.
    #[scope("read:confluence-groups", access = read)]
    ReadConfluenceGroups,
    /// Read pages of Confluence, with version 2 of its API.
    #[scope("read:page:confluence", access = read)]
    ReadPage,
    /// Create and change pages of Confluence, with version 2 of its API.
    #[scope("write:page:confluence", access = write)]
    WritePage,
    /// See spaces of Confluence, with version 2 of its API.
    #[scope("read:space:confluence", access = read)]
    ReadSpace,
    /// Read comments of Confluence, with version 2 of its API.
    #[scope("read:comment:confluence", access = read)]
    ReadComment,
    /// Write comments in Confluence, with version 2 of its API.
    #[scope("write:comment:confluence", access = write)]
    WriteComment,
}
