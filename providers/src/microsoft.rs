//! Microsoft Graph: mail, calendar, files, Teams, SharePoint and OneNote, signed in by Entra ID.
//!
//! # Register a client
//!
//! 1. Open [App registrations](https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade)
//!    in the Entra admin center, choose "New registration", and which accounts may sign in.
//! 2. Under "Authentication", add the platform "Web" with the redirect URI of your server:
//!    `http://localhost:8765/callback/microsoft` (http is for `localhost` only), or
//!    `https://tools.example/callback/microsoft`.
//! 3. Under "API permissions", add the delegated permissions of Microsoft Graph that your tools
//!    declare, and `offline_access`. Some need the consent of an administrator.
//! 4. Under "Certificates & secrets", create a client secret. Set `MICROSOFT_CLIENT_ID` and
//!    `MICROSOFT_CLIENT_SECRET` (its value, not its id).
//! 5. For accounts of one organization, set `MICROSOFT_TENANT` to its tenant id. Without it, the
//!    accounts of all organizations and personal ones may connect, where the registration allows it.
//!
//! # Identify a person
//!
//! `broker.user("/me", "id").sign_in_scopes(["User.Read"])`: the id of the object in the directory.
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for `User.Read`.
//!
//! # Tokens
//!
//! A token lives for about an hour. A refresh gives a new refresh token, and the old one stays good;
//! they die after 90 days without use, and when a password changes. Graph cannot revoke one grant:
//! people remove an app at [My Apps](https://myapps.microsoft.com).
//!
//! [Microsoft's documentation](https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Microsoft;
//!
//! /// Lists the subjects of the user's latest mail.
//! #[tool(scopes = "Mail.Read")]
//! async fn list_mail(microsoft: AuthedClient<Microsoft>) -> Result<String> {
//!     let mail = microsoft.get("/me/messages");
//!     mail.query(&[("$select", "subject,from"), ("$top", "10")]).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, and scopes in a refresh:
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
// Refresh tokens, which stay good after a refresh:
// https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens
// `AADSTS` codes: https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
// Scopes have the prefix of Graph in responses, which requests may leave out:
// https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc
/// Microsoft Graph.
///
/// See [the module](self) for the steps at Microsoft. Scopes are the
/// [delegated permissions](https://learn.microsoft.com/en-us/graph/permissions-reference) that tools
/// need most.
#[provider(
    api = "https://graph.microsoft.com/v1.0",
    authorize = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
    token = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    client_auth = body,
    scope_prefix = "https://graph.microsoft.com/",
    refresh_scope,
    // No refresh token rotates away under another process.
    refresh_token(rotates = false),
    placeholders(tenant(from = configuration, default = "common")),
    // https://learn.microsoft.com/en-us/graph/api/user-get, and `prompt`:
    // https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
    account(
        path = "/me",
        id = "/id",
        label = "/userPrincipalName",
        scopes("User.Read"),
        prompt = "select_account"
    ),
    stand_in = crate::profile::microsoft::PROFILE
)]
// https://learn.microsoft.com/en-us/graph/permissions-reference. What a permission includes is what
// the pages of the API's methods list as "higher privileged permissions".
pub enum Microsoft {
    /// Stay connected while you are away.
    #[scope("offline_access", access = read)]
    OfflineAccess,
    /// Know who you are.
    #[scope("openid", access = read)]
    OpenId,
    /// See your name and picture.
    #[scope("profile", access = read)]
    Profile,
    /// See your e-mail address.
    #[scope("email", access = read)]
    Email,
    /// Read your profile.
    #[scope("User.Read", access = read)]
    UserRead,
    /// See the names and addresses of people in your organization.
    #[scope("User.ReadBasic.All", access = read)]
    UserReadBasicAll,
    /// Read your mail.
    #[scope("Mail.Read", access = read)]
    MailRead,
    /// Read, write and delete your mail, without sending it.
    #[scope("Mail.ReadWrite", access = write, implies(MailRead))]
    MailReadWrite,
    /// Send mail as you.
    #[scope("Mail.Send", access = write)]
    MailSend,
    /// Read your calendars.
    #[scope("Calendars.Read", access = read)]
    CalendarsRead,
    /// Read, write and delete events of your calendars.
    #[scope("Calendars.ReadWrite", access = write, implies(CalendarsRead))]
    CalendarsReadWrite,
    /// Read your contacts.
    #[scope("Contacts.Read", access = read)]
    ContactsRead,
    /// Read, write and delete your contacts.
    #[scope("Contacts.ReadWrite", access = write, implies(ContactsRead))]
    ContactsReadWrite,
    /// Read your files.
    #[scope("Files.Read", access = read)]
    FilesRead,
    /// Read, write and delete your files.
    #[scope("Files.ReadWrite", access = write, implies(FilesRead))]
    FilesReadWrite,
    /// Read all files that you can read.
    #[scope("Files.Read.All", access = read, implies(FilesRead))]
    FilesReadAll,
    /// Read, write and delete all files that you can.
    #[scope("Files.ReadWrite.All", access = write, implies(FilesReadWrite, FilesReadAll))]
    FilesReadWriteAll,
    /// Read the sites of SharePoint that you can read.
    #[scope("Sites.Read.All", access = read)]
    SitesReadAll,
    /// Read and write the sites of SharePoint that you can.
    #[scope("Sites.ReadWrite.All", access = write, implies(SitesReadAll))]
    SitesReadWriteAll,
    /// Read your tasks.
    #[scope("Tasks.Read", access = read)]
    TasksRead,
    /// Read, write and delete your tasks.
    #[scope("Tasks.ReadWrite", access = write, implies(TasksRead))]
    TasksReadWrite,
    /// Read your notebooks.
    #[scope("Notes.Read", access = read)]
    NotesRead,
    /// Read and write your notebooks.
    #[scope("Notes.ReadWrite", access = write, implies(NotesRead))]
    NotesReadWrite,
    /// Read your chats.
    #[scope("Chat.Read", access = read)]
    ChatRead,
    /// Read your chats and write in them.
    #[scope("Chat.ReadWrite", access = write, implies(ChatRead, ChatMessageSend))]
    ChatReadWrite,
    /// Send messages in your chats.
    #[scope("ChatMessage.Send", access = write)]
    ChatMessageSend,
    /// See the names of your teams.
    #[scope("Team.ReadBasic.All", access = read)]
    TeamReadBasicAll,
    /// See the names of channels.
    #[scope("Channel.ReadBasic.All", access = read)]
    ChannelReadBasicAll,
    /// Read messages of channels; an administrator has to agree.
    #[scope("ChannelMessage.Read.All", access = read)]
    ChannelMessageReadAll,
    /// Send messages in channels.
    #[scope("ChannelMessage.Send", access = write)]
    ChannelMessageSend,
}
