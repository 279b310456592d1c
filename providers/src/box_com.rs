//! Box: files and folders. The type is called `BoxCom`, because `Box` is a type of Rust's prelude.
//!
//! # Register a client
//!
//! 1. Open [the developer console](https://app.box.com/developers/console) and choose "Create
//!    Platform App", "Custom App", "User Authentication (OAuth 2.0)".
//! 2. Under "Configuration", add the redirect URI of your server: `https://tools.example/callback/box`,
//!    or `http://127.0.0.1:8765/callback/box` for development.
//! 3. There, choose the application scopes that your tools declare.
//! 4. Set `BOX_CLIENT_ID` and `BOX_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/2.0/users/me", "id")`
//!
//! The same identifier distinguishes several accounts of a person.
//!
//! # Tokens
//!
//! A token lives for about an hour, its refresh token for 60 days, and it works once. The answer to a
//! code does not name the scopes. Uploads are at [`BoxCom::UPLOAD`].
//!
//! [Box's documentation](https://developer.box.com/guides/authentication/oauth2/)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::BoxCom;
//!
//! /// Lists a folder; `0` is the root.
//! #[tool(scopes = "root_readonly")]
//! async fn list_folder(files: AuthedClient<BoxCom>, id: String) -> Result<String> {
//!     files.get(path!("/2.0/folders/{id}/items")).send().await?.text().await
//! }
//! ```

use toolgate::{provider, provider::Api};

// Endpoints: https://developer.box.com/reference/get-authorize,
// https://developer.box.com/reference/post-oauth2-token,
// https://developer.box.com/reference/post-oauth2-revoke
// 60 days, once: https://developer.box.com/guides/authentication/tokens/refresh
// Scopes are separated by spaces, as in Box's own SDKs (https://github.com/box/box-java-sdk), though the
// page of the authorization endpoint has said commas.
/// Box's API.
///
/// See [the module](self) for the steps at Box. Scopes are those of
/// [Box's list](https://developer.box.com/guides/api-calls/permissions-and-errors/scopes).
#[provider(
    name = "Box",
    id = "box",
    api = "https://api.box.com",
    authorize = "https://account.box.com/api/oauth2/authorize",
    token = "https://api.box.com/oauth2/token",
    revoke = "https://api.box.com/oauth2/revoke",
    client_auth = body,
    insufficient_scope(status = 403, pointer = "/code", values("insufficient_scope")),
    // https://developer.box.com/reference/get-users-me
    account(path = "/2.0/users/me", id = "/id", label = "/login"),
    stand_in = crate::profile::box_com::PROFILE
)]
// https://developer.box.com/guides/api-calls/permissions-and-errors/scopes: "read and write" includes
// reading.
pub enum BoxCom {
    /// Read all your files and folders.
    #[scope("root_readonly", access = read)]
    RootReadonly,
    /// Read, write and delete all your files and folders.
    #[scope("root_readwrite", access = write, implies(RootReadonly))]
    RootReadwrite,
    /// Manage the people of your enterprise.
    #[scope("manage_managed_users", access = destructive)]
    ManageManagedUsers,
    /// Create, change and delete groups of your enterprise, and who is in them.
    #[scope("manage_groups", access = destructive)]
    ManageGroups,
    /// Create webhooks.
    #[scope("manage_webhook", access = write)]
    ManageWebhook,
    /// See the events of your enterprise, and change its attributes.
    #[scope("manage_enterprise_properties", access = write)]
    ManageEnterpriseProperties,
    /// See and create policies of retention.
    #[scope("manage_data_retention", access = write)]
    ManageDataRetention,
    /// See, create, cancel and send requests for signatures.
    #[scope("sign_requests.readwrite", access = write)]
    SignRequestsReadwrite,
    /// Ask Box AI about your files.
    #[scope("ai.readwrite", access = write)]
    AiReadwrite,
    /// See workflows of Box Relay, and start them.
    #[scope("manage_triggers", access = write)]
    ManageTriggers,
}

// https://developer.box.com/reference/post-files-content
impl BoxCom {
    /// The API of uploads.
    pub const UPLOAD: Api<Self> = Api::new("https://upload.box.com/api/2.0");
}
