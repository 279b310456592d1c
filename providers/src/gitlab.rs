//! GitLab: gitlab.com, or an installation of your own.
//!
//! # Register a client
//!
//! 1. Open [your profile's "Applications"](https://gitlab.com/-/user_settings/applications), or those
//!    of a group or of your installation, and choose "Add new application".
//! 2. Set the redirect URI to that of your server: `http://127.0.0.1:8765/callback/gitlab`, or
//!    `https://tools.example/callback/gitlab`. Leave "Confidential" on.
//! 3. Choose the scopes that your tools declare, and `read_user`.
//! 4. Set `GITLAB_CLIENT_ID` and `GITLAB_CLIENT_SECRET`.
//! 5. For an installation of your own, set `GITLAB_API_URL` to `https://HOST/api/v4`, and
//!    `GITLAB_AUTHORIZE_URL`, `GITLAB_TOKEN_URL` and `GITLAB_REVOKE_URL`.
//!
//! # Identify a person
//!
//! `broker.user("/user", "id").sign_in_scopes(["read_user"])`
//!
//! Several accounts of a person are told apart by the id too, so every consent asks for `read_user`,
//! unless its scopes include it.
//!
//! # Tokens
//!
//! A token lives for 2 hours. A refresh ends the old access token and the old refresh token.
//!
//! [GitLab's documentation](https://docs.gitlab.com/api/oauth2/)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::GitLab;
//!
//! /// Lists the open merge requests of a project.
//! #[tool(scopes = "read_api")]
//! async fn list_merge_requests(gitlab: AuthedClient<GitLab>, project: String) -> Result<String> {
//!     let requests = gitlab.get(path!("/projects/{project}/merge_requests"));
//!     requests.query(&[("state", "opened")]).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, and that a refresh ends both old tokens: https://docs.gitlab.com/api/oauth2/
// Two hours: https://docs.gitlab.com/integration/oauth_provider/#access-token-expiration
// The answer to a code names no scopes in the examples there.
/// GitLab's REST API, version 4.
///
/// See [the module](self) for the steps at GitLab. Scopes are those of
/// [GitLab's list](https://docs.gitlab.com/integration/oauth_provider/#view-all-authorized-applications).
#[provider(
    api = "https://gitlab.com/api/v4",
    authorize = "https://gitlab.com/oauth/authorize",
    token = "https://gitlab.com/oauth/token",
    revoke = "https://gitlab.com/oauth/revoke",
    client_auth = body,
    refresh_token(revokes_access_token),
    insufficient_scope(
        status = 403,
        pointer = "/error",
        values("insufficient_scope"),
        needed = "/scope"
    ),
    // https://docs.gitlab.com/api/users/#get-the-current-user
    account(path = "/user", id = "/id", label = "/username", scopes("read_user")),
    stand_in = crate::profile::gitlab::PROFILE
)]
// https://docs.gitlab.com/integration/oauth_provider/#view-all-authorized-applications: `api` is
// "complete read/write access to the API", `read_api` its half that reads, `/user` included.
pub enum GitLab {
    /// Read and write all that you can: projects, groups, registries.
    #[scope(
        "api",
        access = write,
        implies(ReadApi, ReadRegistry, WriteRegistry)
    )]
    Api,
    /// Read all that you can: projects, groups, registries.
    #[scope("read_api", access = read, implies(ReadUser, ReadRegistry))]
    ReadApi,
    /// Read your profile.
    #[scope("read_user", access = read)]
    ReadUser,
    /// Read code of private projects.
    #[scope("read_repository", access = read)]
    ReadRepository,
    /// Read and write code of private projects with Git.
    #[scope("write_repository", access = write, implies(ReadRepository))]
    WriteRepository,
    /// Read images of container registries.
    #[scope("read_registry", access = read)]
    ReadRegistry,
    /// Write images to container registries.
    #[scope("write_registry", access = write)]
    WriteRegistry,
    /// Create runners.
    #[scope("create_runner", access = write)]
    CreateRunner,
    /// Manage runners.
    #[scope("manage_runner", access = write)]
    ManageRunner,
    /// Call clusters of Kubernetes through the agent.
    #[scope("k8s_proxy", access = write)]
    K8sProxy,
    /// Use GitLab Duo.
    #[scope("ai_features", access = write)]
    AiFeatures,
    /// Know who you are, and your groups.
    #[scope("openid", access = read)]
    OpenId,
    /// See your name and picture.
    #[scope("profile", access = read)]
    Profile,
    /// See your e-mail address.
    #[scope("email", access = read)]
    Email,
    /// Act as any user, for administrators.
    #[scope("sudo", access = destructive)]
    Sudo,
    /// Act as an administrator, where Admin Mode is on.
    #[scope("admin_mode", access = destructive)]
    AdminMode,
}
