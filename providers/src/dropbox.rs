//! Dropbox: files, folders and shared links.
//!
//! # Register a client
//!
//! 1. Open [the App Console](https://www.dropbox.com/developers/apps), choose "Create app", "Scoped
//!    access", and whether it reaches one folder or all of Dropbox.
//! 2. Under "Permissions", tick the scopes that your tools declare, and `account_info.read`.
//! 3. Under "OAuth 2", add the redirect URI of your server: `http://127.0.0.1:8765/callback/dropbox`,
//!    or `https://tools.example/callback/dropbox`.
//! 4. Set `DROPBOX_CLIENT_ID` (the app key) and `DROPBOX_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/users/get_current_account", "account_id").sign_in_scopes(["account_info.read"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for
//! `account_info.read`.
//!
//! # Tokens
//!
//! A token lives for 4 hours. A refresh token is given with `token_access_type=offline`; it does not
//! expire and does not rotate. Uploads and downloads are at [`Dropbox::CONTENT`].
//!
//! [Dropbox's documentation](https://developers.dropbox.com/oauth-guide)
//!
//! # Example
//!
//! All of the API is POST: what only reads is sent by `post_read_only`.
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Dropbox;
//!
//! /// Lists a folder.
//! #[tool(scopes = "files.metadata.read")]
//! async fn list_folder(dropbox: AuthedClient<Dropbox>, path: String) -> Result<String> {
//!     let folder = dropbox.post_read_only("/files/list_folder");
//!     folder.json(&serde_json::json!({ "path": path })).send().await?.text().await
//! }
//! ```

use toolgate::{provider, provider::Api};

// Endpoints, `token_access_type`, 4 hours, refresh tokens that stay:
// https://developers.dropbox.com/oauth-guide
// Revocation is of the token that it is called with, and of its refresh token:
// https://www.dropbox.com/developers/documentation/http/documentation#auth-token-revoke
// Errors: 401 `expired_access_token` and `missing_scope`, 429 with `Retry-After`:
// https://developers.dropbox.com/error-handling-guide, and as they arrive: froemken/dropbox, issue 23
// (`expired_access_token`), spatie/flysystem-dropbox, issue 59 (`missing_scope`, `required_scope`).
// A dead refresh token is `invalid_grant`: dropbox/dropbox-sdk-dotnet, issue 373.
/// Dropbox's API, version 2.
///
/// See [the module](self) for the steps at Dropbox. Scopes are those of
/// [Dropbox's list](https://developers.dropbox.com/oauth-guide#dropbox-api-permissions) for one
/// person's account.
#[provider(
    api = "https://api.dropboxapi.com/2",
    authorize = "https://www.dropbox.com/oauth2/authorize",
    token = "https://api.dropboxapi.com/oauth2/token",
    revoke = "https://api.dropboxapi.com/2/auth/token/revoke",
    client_auth = body,
    authorize_params("token_access_type" = "offline"),
    insufficient_scope(
        status = 401,
        pointer = "/error/.tag",
        values("missing_scope"),
        needed = "/error/required_scope"
    ),
    revocation(token = bearer, only = access_token),
    refresh_token(rotates = false),
    // https://www.dropbox.com/developers/documentation/http/documentation#users-get_current_account: a
    // function without arguments, whose body is `null` (dropbox/SwiftyDropbox, issue 48).
    account(
        path = "/users/get_current_account",
        body = "null",
        id = "/account_id",
        label = "/email",
        scopes("account_info.read")
    ),
    stand_in = crate::profile::dropbox::PROFILE
)]
// https://developers.dropbox.com/oauth-guide#dropbox-api-permissions. Which scope includes which is
// said nowhere.
pub enum Dropbox {
    /// See your name, e-mail address and account.
    #[scope("account_info.read", access = read)]
    AccountInfoRead,
    /// Change your account's picture and settings.
    #[scope("account_info.write", access = write)]
    AccountInfoWrite,
    /// See the names of your files and folders.
    #[scope("files.metadata.read", access = read)]
    FilesMetadataRead,
    /// Change properties and tags of your files and folders.
    #[scope("files.metadata.write", access = write)]
    FilesMetadataWrite,
    /// Read your files.
    #[scope("files.content.read", access = read)]
    FilesContentRead,
    /// Write, move and delete your files.
    #[scope("files.content.write", access = write)]
    FilesContentWrite,
    /// See what you share, and with whom.
    #[scope("sharing.read", access = read)]
    SharingRead,
    /// Share your files, and end sharing them.
    #[scope("sharing.write", access = write)]
    SharingWrite,
    /// See your requests for files.
    #[scope("file_requests.read", access = read)]
    FileRequestsRead,
    /// Create, change and delete requests for files.
    #[scope("file_requests.write", access = write)]
    FileRequestsWrite,
    /// See your contacts.
    #[scope("contacts.read", access = read)]
    ContactsRead,
    /// Delete contacts that you added.
    #[scope("contacts.write", access = write)]
    ContactsWrite,
}

// https://www.dropbox.com/developers/documentation/http/documentation#formats: content endpoints.
impl Dropbox {
    /// The API of uploads and downloads.
    pub const CONTENT: Api<Self> = Api::new("https://content.dropboxapi.com/2");
}
