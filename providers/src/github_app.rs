//! GitHub, with a GitHub App that acts for the person who connects.
//!
//! A GitHub App has permissions instead of scopes, and a person chooses the repositories that it may
//! reach. Its tokens can do what both the app and the person may do.
//!
//! # Register a client
//!
//! 1. Open [Settings, Developer settings, GitHub Apps](https://github.com/settings/apps) and choose
//!    "New GitHub App". An organization has the same page in its settings.
//! 2. Set the callback URL to that of your server: `http://127.0.0.1:8765/callback/github-app`, or
//!    `https://tools.example/callback/github-app`. Switch off the webhook.
//! 3. Leave "Expire user authorization tokens" on.
//! 4. Choose the permissions that your tools declare: they take the place of scopes, and hold for
//!    every person who connects.
//! 5. Choose "Generate a new client secret", and set `GITHUB_APP_CLIENT_ID` (not the app's id) and
//!    `GITHUB_APP_CLIENT_SECRET`.
//! 6. The app must also be installed where its repositories are: people find it at
//!    `https://github.com/apps/NAME`.
//!
//! # Identify a person
//!
//! `broker.user("/user", "id")`: the id of an account never changes, its login may. Several accounts
//! of a person are told apart by it too.
//!
//! # Tokens
//!
//! A token lives for 8 hours, its refresh token for 6 months. A refresh ends the old refresh token
//! and the old access token at once.
//!
//! [GitHub's documentation](https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::GitHubApp;
//!
//! /// Reads an issue.
//! #[tool(scopes = "issues:read")]
//! async fn read_issue(
//!     github: AuthedClient<GitHubApp>,
//!     owner: String,
//!     repo: String,
//!     number: u64,
//! ) -> Result<String> {
//!     github.get(path!("/repos/{owner}/{repo}/issues/{number}")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints:
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
// `scope` of the answer is empty, and a refresh ends both old tokens:
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
// Revocation, with the client's credentials:
// https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token
/// GitHub's REST API, with a GitHub App that acts for a person.
///
/// See [the module](self) for the steps at GitHub. Its scopes are
/// [permissions](https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps),
/// as `NAME:read` and `NAME:write`; they are chosen in the app's settings, and GitHub knows no
/// scopes of a GitHub App.
#[provider(
    name = "GitHub",
    id = "github-app",
    api = "https://api.github.com",
    authorize = "https://github.com/login/oauth/authorize",
    token = "https://github.com/login/oauth/access_token",
    revoke = "https://api.github.com/applications/{client_id}/token",
    client_auth = body,
    invalid_grant("bad_refresh_token"),
    api_headers("Accept" = "application/vnd.github+json", "X-GitHub-Api-Version" = "2022-11-28"),
    revocation(
        method = delete,
        client_auth = basic,
        body = json,
        param = "access_token",
        only = access_token
    ),
    refresh_token(revokes_access_token),
    account(path = "/user", id = "/id", label = "/login", prompt = "select_account"),
    stand_in = crate::profile::github_app::PROFILE
)]
// https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps: "write" of a
// permission includes "read".
pub enum GitHubApp {
    /// See the names and descriptions of repositories.
    #[scope("metadata:read", access = read)]
    MetadataRead,
    /// Read code, commits, branches and releases.
    #[scope("contents:read", access = read)]
    ContentsRead,
    /// Read and change code, commits, branches and releases.
    #[scope("contents:write", access = write, implies(ContentsRead))]
    ContentsWrite,
    /// Read issues, their comments, labels and milestones.
    #[scope("issues:read", access = read)]
    IssuesRead,
    /// Read and write issues, their comments, labels and milestones.
    #[scope("issues:write", access = write, implies(IssuesRead))]
    IssuesWrite,
    /// Read pull requests and their comments.
    #[scope("pull_requests:read", access = read)]
    PullRequestsRead,
    /// Read, write and merge pull requests.
    #[scope("pull_requests:write", access = write, implies(PullRequestsRead))]
    PullRequestsWrite,
    /// See workflows and runs of GitHub Actions.
    #[scope("actions:read", access = read)]
    ActionsRead,
    /// Start, cancel and change runs of GitHub Actions.
    #[scope("actions:write", access = write, implies(ActionsRead))]
    ActionsWrite,
    /// Add and change workflows of GitHub Actions.
    #[scope("workflows:write", access = write)]
    WorkflowsWrite,
    /// See the checks of commits.
    #[scope("checks:read", access = read)]
    ChecksRead,
    /// See and create checks of commits.
    #[scope("checks:write", access = write, implies(ChecksRead))]
    ChecksWrite,
    /// See the status of commits.
    #[scope("statuses:read", access = read)]
    StatusesRead,
    /// See and set the status of commits.
    #[scope("statuses:write", access = write, implies(StatusesRead))]
    StatusesWrite,
    /// See deployments.
    #[scope("deployments:read", access = read)]
    DeploymentsRead,
    /// See, create and delete deployments.
    #[scope("deployments:write", access = write, implies(DeploymentsRead))]
    DeploymentsWrite,
    /// See the settings, teams and collaborators of repositories.
    #[scope("administration:read", access = read)]
    AdministrationRead,
    /// Change the settings and collaborators of repositories, create and delete repositories.
    #[scope("administration:write", access = destructive, implies(AdministrationRead))]
    AdministrationWrite,
    /// See the members and teams of an organization.
    #[scope("members:read", access = read)]
    MembersRead,
    /// See and change the members and teams of an organization.
    #[scope("members:write", access = write, implies(MembersRead))]
    MembersWrite,
    /// See your e-mail addresses.
    #[scope("email_addresses:read", access = read)]
    EmailAddressesRead,
}
