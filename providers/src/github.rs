//! GitHub, with an OAuth app.
//!
//! An OAuth app asks for scopes, which reach all repositories of a user. A GitHub App asks for
//! permissions and for single repositories instead.
//!
//! # Register a client
//!
//! 1. Open [Settings, Developer settings, OAuth apps](https://github.com/settings/developers) and
//!    choose "New OAuth app". An organization has the same page in its settings.
//! 2. Set the authorization callback URL to that of your server: `http://127.0.0.1:8765/callback/github`,
//!    or `https://tools.example/callback/github`.
//! 3. Choose "Generate a new client secret", and set `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/user", "id")`: the id of an account never changes, its login may. No scope is
//! needed. The same identifier distinguishes several accounts of a person.
//!
//! # Tokens
//!
//! A token does not expire, unless the app's settings say so. A user may grant fewer scopes than
//! asked for, and may take some away later. GitHub Enterprise Server: set `GITHUB_API_URL` to
//! `https://HOST/api/v3`, and `GITHUB_AUTHORIZE_URL` and `GITHUB_TOKEN_URL`.
//!
//! [GitHub's documentation](https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::GitHub;
//!
//! /// Opens an issue in a public repository.
//! #[tool(scopes = "public_repo")]
//! async fn open_issue(
//!     github: AuthedClient<GitHub>,
//!     owner: String,
//!     repo: String,
//!     title: String,
//! ) -> Result<String> {
//!     let issues = github.post(path!("/repos/{owner}/{repo}/issues"));
//!     issues.json(&serde_json::json!({ "title": title })).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, and commas in the answer to a request with spaces:
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
// Errors of the token endpoint have status 200:
// https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
// Revocation: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token
// Headers: https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api
// A refresh, where the app's settings let tokens expire, works as with a GitHub App:
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
/// GitHub's REST API, with an OAuth app.
///
/// See [the module](self) for the steps at GitHub. Scopes are those of
/// [GitHub's documentation](https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps),
/// with those of GitHub Enterprise. What needs no scope is public.
#[provider(
    api = "https://api.github.com",
    authorize = "https://github.com/login/oauth/authorize",
    token = "https://github.com/login/oauth/access_token",
    revoke = "https://api.github.com/applications/{client_id}/token",
    client_auth = body,
    response_scope_separator = ",",
    empty_scope = none,
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
    stand_in = crate::profile::github::PROFILE
)]
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps: names,
// descriptions, and by indentation what a scope includes.
pub enum GitHub {
    /// Read and write all repositories, and the projects, teams and hooks of organizations.
    // "The `repo` and `public_repo` scopes grant full access to repositories, including repository
    // hooks": of `public_repo` that holds for public repositories only, so it does not imply them.
    #[scope(
        "repo",
        access = write,
        implies(RepoStatus, RepoDeployment, PublicRepo, RepoInvite, SecurityEvents, AdminRepoHook)
    )]
    Repo,
    /// Read and set the status of commits.
    #[scope("repo:status", access = write)]
    RepoStatus,
    /// Read and set the status of deployments.
    #[scope("repo_deployment", access = write)]
    RepoDeployment,
    /// Read and write public repositories, and star them.
    #[scope("public_repo", access = write)]
    PublicRepo,
    /// Accept and decline invitations to repositories.
    #[scope("repo:invite", access = write)]
    RepoInvite,
    /// Read and change alerts of code scanning and secret scanning.
    #[scope("security_events", access = write)]
    SecurityEvents,
    /// Read, create, test and delete hooks of repositories.
    #[scope("admin:repo_hook", access = write, implies(WriteRepoHook))]
    AdminRepoHook,
    /// Read, create and test hooks of repositories.
    #[scope("write:repo_hook", access = write, implies(ReadRepoHook))]
    WriteRepoHook,
    /// Read and test hooks of repositories.
    #[scope("read:repo_hook", access = read)]
    ReadRepoHook,
    /// Manage organizations: their teams, projects and members.
    #[scope("admin:org", access = destructive, implies(WriteOrg))]
    AdminOrg,
    /// Read and change who is a member of an organization, and its projects.
    #[scope("write:org", access = write, implies(ReadOrg))]
    WriteOrg,
    /// See organizations, their members, teams and projects.
    #[scope("read:org", access = read)]
    ReadOrg,
    /// Manage the public keys of your account, and delete them.
    #[scope("admin:public_key", access = destructive, implies(WritePublicKey))]
    AdminPublicKey,
    /// See the public keys of your account, and add some.
    #[scope("write:public_key", access = write, implies(ReadPublicKey))]
    WritePublicKey,
    /// See the public keys of your account.
    #[scope("read:public_key", access = read)]
    ReadPublicKey,
    /// Read, create, test and delete hooks of organizations.
    #[scope("admin:org_hook", access = write)]
    AdminOrgHook,
    /// Create and change gists.
    #[scope("gist", access = write)]
    Gist,
    /// Read notifications, mark them as read, and watch repositories.
    #[scope("notifications", access = write)]
    Notifications,
    /// Read and change your profile.
    #[scope("user", access = write, implies(ReadUser, UserEmail, UserFollow))]
    User,
    /// Read your profile.
    #[scope("read:user", access = read)]
    ReadUser,
    /// Read your e-mail addresses.
    #[scope("user:email", access = read)]
    UserEmail,
    /// Follow and unfollow people.
    #[scope("user:follow", access = write)]
    UserFollow,
    /// Read and change projects, yours and those of organizations.
    #[scope("project", access = write, implies(ReadProject))]
    Project,
    /// Read projects, yours and those of organizations.
    #[scope("read:project", access = read)]
    ReadProject,
    /// Delete repositories.
    #[scope("delete_repo", access = destructive)]
    DeleteRepo,
    /// Publish packages.
    // That it includes `read:packages` is said nowhere: the endpoint that restores a package asks
    // for both (https://docs.github.com/en/rest/packages/packages).
    #[scope("write:packages", access = write)]
    WritePackages,
    /// Download packages.
    #[scope("read:packages", access = read)]
    ReadPackages,
    /// Delete packages.
    #[scope("delete:packages", access = destructive)]
    DeletePackages,
    /// Manage the GPG keys of your account, and delete them.
    #[scope("admin:gpg_key", access = destructive, implies(WriteGpgKey))]
    AdminGpgKey,
    /// See the GPG keys of your account, and add some.
    #[scope("write:gpg_key", access = write, implies(ReadGpgKey))]
    WriteGpgKey,
    /// See the GPG keys of your account.
    #[scope("read:gpg_key", access = read)]
    ReadGpgKey,
    /// Manage the SSH keys with which you sign commits, and delete them.
    // These three: https://docs.github.com/en/rest/users/ssh-signing-keys
    #[scope("admin:ssh_signing_key", access = destructive, implies(WriteSshSigningKey))]
    AdminSshSigningKey,
    /// See the SSH keys with which you sign commits, and add some.
    #[scope("write:ssh_signing_key", access = write, implies(ReadSshSigningKey))]
    WriteSshSigningKey,
    /// See the SSH keys with which you sign commits.
    #[scope("read:ssh_signing_key", access = read)]
    ReadSshSigningKey,
    /// Create and manage codespaces.
    #[scope("codespace", access = write)]
    Codespace,
    /// Add and change workflows of GitHub Actions.
    #[scope("workflow", access = write)]
    Workflow,
    /// Manage the networks of hosted runners of an organization.
    // These two: https://docs.github.com/en/rest/orgs/network-configurations. Endpoints that only
    // read accept only the second there, so the first does not imply it.
    #[scope("write:network_configurations", access = write)]
    WriteNetworkConfigurations,
    /// See the networks of hosted runners of an organization.
    #[scope("read:network_configurations", access = read)]
    ReadNetworkConfigurations,
    /// Manage who has GitHub Copilot in an organization.
    // https://docs.github.com/en/rest/copilot/copilot-user-management
    #[scope("manage_billing:copilot", access = write)]
    ManageBillingCopilot,
    /// Control an enterprise (GitHub Enterprise).
    #[scope(
        "admin:enterprise",
        access = destructive,
        implies(ManageRunnersEnterprise, ManageBillingEnterprise, ReadEnterprise)
    )]
    AdminEnterprise,
    /// Manage the self-hosted runners of an enterprise.
    #[scope("manage_runners:enterprise", access = write)]
    ManageRunnersEnterprise,
    /// Read and change the billing of an enterprise.
    #[scope("manage_billing:enterprise", access = write)]
    ManageBillingEnterprise,
    /// Read the profile of an enterprise.
    #[scope("read:enterprise", access = read)]
    ReadEnterprise,
    /// Read the audit log.
    #[scope("read:audit_log", access = read)]
    ReadAuditLog,
    /// Administer a GitHub Enterprise Server.
    #[scope("site_admin", access = destructive)]
    SiteAdmin,
}
