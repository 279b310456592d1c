//! Google: Gmail, Calendar, Drive, Docs, Sheets, Slides, Contacts, Tasks and YouTube.
//!
//! # Register a client
//!
//! 1. Open [APIs and Services](https://console.cloud.google.com/apis/library) in the console of
//!    Google Cloud, and enable each API that your tools call: "Gmail API", "Google Drive API", ..
//! 2. Fill in the consent screen, and list your tools' scopes under "Data access". While it is "in
//!    testing", only the test users that you list may connect, and refresh tokens die after 7 days.
//! 3. Under [Clients](https://console.cloud.google.com/auth/clients), create a client of the type
//!    "Web application", with the redirect URI of your server:
//!    `http://127.0.0.1:8765/callback/google`, or `https://tools.example/callback/google`.
//! 4. Set `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`.
//!
//! Scopes of Gmail and Drive that read everything are restricted: an app in production that asks
//! for them is reviewed by Google, unless its users are of one organization ("Internal").
//!
//! # Identify a person
//!
//! `broker.user("/oauth2/v3/userinfo", "sub").sign_in_scopes(["openid"])`
//!
//! Several accounts of a person are told apart by `sub` too, so every consent asks for `openid` and
//! for the e-mail address, by which people know an account.
//!
//! # Tokens
//!
//! Access tokens live for an hour. A refresh token is given with `access_type=offline`, reliably
//! only when the person is asked (`prompt=consent`), and does not rotate. It dies after six months
//! without use, when the person changes their password and it reaches Gmail, and when one person
//! has given more than 100 to a client. A person may grant some of the scopes and withhold others.
//!
//! [Google's documentation](https://developers.google.com/identity/protocols/oauth2/web-server)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Google;
//!
//! /// Lists the next events of the user's calendar.
//! #[tool(scopes = "https://www.googleapis.com/auth/calendar.events.readonly")]
//! async fn list_events(google: AuthedClient<Google>) -> Result<String> {
//!     let events = google.get("/calendar/v3/calendars/primary/events");
//!     events.query(&[("maxResults", 10)]).send().await?.text().await
//! }
//!
//! /// Reads cells of a spreadsheet.
//! #[tool(scopes = "https://www.googleapis.com/auth/spreadsheets.readonly")]
//! async fn read_cells(google: AuthedClient<Google>, id: String, range: String) -> Result<String> {
//!     let cells = path!("/v4/spreadsheets/{id}/values/{range}");
//!     google.at(Google::SHEETS).get(cells).send().await?.text().await
//! }
//! ```

use toolgate::{provider, provider::Api};

// Endpoints, parameters and the subset of scopes that a person may grant:
// https://developers.google.com/identity/protocols/oauth2/web-server
// `scope` of a response has the long names of `email` and `profile`, which are declared here.
// Limits and errors: https://developers.google.com/workspace/drive/api/guides/handle-errors; too few
// scopes: https://docs.cloud.google.com/apis/design/errors, `ErrorInfo` of `google.rpc`.
// When refresh tokens die: https://developers.google.com/identity/protocols/oauth2#expiration
/// Google's APIs: Calendar, Drive and YouTube below `https://www.googleapis.com`, and those that its
/// constants name, at hosts of their own.
///
/// See [the module](self) for the steps at Google. Scopes are those of
/// [Google's list](https://developers.google.com/identity/protocols/oauth2/scopes) that tools need
/// most.
#[provider(
    api = "https://www.googleapis.com",
    authorize = "https://accounts.google.com/o/oauth2/v2/auth",
    token = "https://oauth2.googleapis.com/token",
    revoke = "https://oauth2.googleapis.com/revoke",
    client_auth = body,
    authorize_params(
        "access_type" = "offline",
        "prompt" = "consent",
        "include_granted_scopes" = "true"
    ),
    rate_limited(
        status = 403,
        pointer = "/error/errors/0/reason",
        values("rateLimitExceeded", "userRateLimitExceeded")
    ),
    insufficient_scope(
        status = 403,
        pointer = "/error/details/0/reason",
        values("ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    ),
    refresh_token(rotates = false),
    account(
        path = "/oauth2/v3/userinfo",
        id = "/sub",
        label = "/email",
        scopes("openid", "https://www.googleapis.com/auth/userinfo.email"),
        prompt = "consent select_account"
    ),
    stand_in = crate::profile::google::PROFILE
)]
// https://developers.google.com/identity/protocols/oauth2/scopes. What a scope includes is what the
// pages of the APIs' methods list under "Authorization scopes": each accepts one of them.
pub enum Google {
    /// Know who you are.
    #[scope("openid", access = read)]
    OpenId,
    /// See your e-mail address.
    #[scope("https://www.googleapis.com/auth/userinfo.email", access = read, also = "email")]
    Email,
    /// See your name and picture.
    #[scope("https://www.googleapis.com/auth/userinfo.profile", access = read, also = "profile")]
    Profile,
    /// Read, write, send and permanently delete your mail.
    // https://developers.google.com/workspace/gmail/api/auth/scopes
    #[scope("https://mail.google.com/", access = destructive, implies(GmailModify))]
    Mail,
    /// Read, write and send your mail, and move it to the bin.
    #[scope(
        "https://www.googleapis.com/auth/gmail.modify",
        access = write,
        implies(GmailReadonly, GmailCompose, GmailLabels)
    )]
    GmailModify,
    /// Write drafts of mail, and send mail.
    #[scope("https://www.googleapis.com/auth/gmail.compose", access = write, implies(GmailSend))]
    GmailCompose,
    /// Send mail.
    #[scope("https://www.googleapis.com/auth/gmail.send", access = write)]
    GmailSend,
    /// Create, change and delete labels of your mail.
    #[scope("https://www.googleapis.com/auth/gmail.labels", access = write)]
    GmailLabels,
    /// Read your mail.
    #[scope("https://www.googleapis.com/auth/gmail.readonly", access = read, implies(GmailMetadata))]
    GmailReadonly,
    /// See the headers and labels of your mail, not its text.
    #[scope("https://www.googleapis.com/auth/gmail.metadata", access = read)]
    GmailMetadata,
    /// See, change, share and delete your calendars.
    // https://developers.google.com/workspace/calendar/api/auth
    #[scope(
        "https://www.googleapis.com/auth/calendar",
        access = write,
        implies(CalendarReadonly, CalendarEvents)
    )]
    Calendar,
    /// See your calendars.
    #[scope(
        "https://www.googleapis.com/auth/calendar.readonly",
        access = read,
        implies(CalendarEventsReadonly, CalendarFreebusy)
    )]
    CalendarReadonly,
    /// See and change events of your calendars.
    #[scope(
        "https://www.googleapis.com/auth/calendar.events",
        access = write,
        implies(CalendarEventsReadonly)
    )]
    CalendarEvents,
    /// See events of your calendars.
    #[scope("https://www.googleapis.com/auth/calendar.events.readonly", access = read)]
    CalendarEventsReadonly,
    /// See when you are free.
    #[scope("https://www.googleapis.com/auth/calendar.freebusy", access = read)]
    CalendarFreebusy,
    /// See, change, create and delete all your files in Drive.
    // https://developers.google.com/workspace/drive/api/guides/api-specific-auth
    #[scope(
        "https://www.googleapis.com/auth/drive",
        access = write,
        implies(DriveReadonly, DriveFile, DriveMetadata, Documents, Spreadsheets, Presentations)
    )]
    Drive,
    /// See and download all your files in Drive.
    #[scope(
        "https://www.googleapis.com/auth/drive.readonly",
        access = read,
        implies(
            DriveMetadataReadonly,
            DocumentsReadonly,
            SpreadsheetsReadonly,
            PresentationsReadonly
        )
    )]
    DriveReadonly,
    /// See, change, create and delete the files in Drive that you use with this app.
    #[scope("https://www.googleapis.com/auth/drive.file", access = write)]
    DriveFile,
    /// See and change the names, folders and properties of your files in Drive.
    #[scope(
        "https://www.googleapis.com/auth/drive.metadata",
        access = write,
        implies(DriveMetadataReadonly)
    )]
    DriveMetadata,
    /// See the names, folders and properties of your files in Drive.
    #[scope("https://www.googleapis.com/auth/drive.metadata.readonly", access = read)]
    DriveMetadataReadonly,
    /// See, change, create and delete your documents.
    #[scope("https://www.googleapis.com/auth/documents", access = write, implies(DocumentsReadonly))]
    Documents,
    /// See your documents.
    #[scope("https://www.googleapis.com/auth/documents.readonly", access = read)]
    DocumentsReadonly,
    /// See, change, create and delete your spreadsheets.
    #[scope(
        "https://www.googleapis.com/auth/spreadsheets",
        access = write,
        implies(SpreadsheetsReadonly)
    )]
    Spreadsheets,
    /// See your spreadsheets.
    #[scope("https://www.googleapis.com/auth/spreadsheets.readonly", access = read)]
    SpreadsheetsReadonly,
    /// See, change, create and delete your presentations.
    #[scope(
        "https://www.googleapis.com/auth/presentations",
        access = write,
        implies(PresentationsReadonly)
    )]
    Presentations,
    /// See your presentations.
    #[scope("https://www.googleapis.com/auth/presentations.readonly", access = read)]
    PresentationsReadonly,
    /// See, change, add and delete your contacts.
    #[scope("https://www.googleapis.com/auth/contacts", access = write, implies(ContactsReadonly))]
    Contacts,
    /// See your contacts.
    #[scope("https://www.googleapis.com/auth/contacts.readonly", access = read)]
    ContactsReadonly,
    /// See, change, create and delete your tasks.
    #[scope("https://www.googleapis.com/auth/tasks", access = write, implies(TasksReadonly))]
    Tasks,
    /// See your tasks.
    #[scope("https://www.googleapis.com/auth/tasks.readonly", access = read)]
    TasksReadonly,
    /// Manage your YouTube account.
    #[scope("https://www.googleapis.com/auth/youtube", access = write, implies(YoutubeReadonly))]
    Youtube,
    /// See your YouTube account.
    #[scope("https://www.googleapis.com/auth/youtube.readonly", access = read)]
    YoutubeReadonly,
}

// The hosts: "Service endpoint" of each API's reference, such as
// https://developers.google.com/workspace/sheets/api/reference/rest
impl Google {
    /// The Gmail API: `/gmail/v1/..`.
    pub const GMAIL: Api<Self> = Api::new("https://gmail.googleapis.com");
    /// The Google Docs API: `/v1/documents/..`.
    pub const DOCS: Api<Self> = Api::new("https://docs.googleapis.com");
    /// The Google Sheets API: `/v4/spreadsheets/..`.
    pub const SHEETS: Api<Self> = Api::new("https://sheets.googleapis.com");
    /// The Google Slides API: `/v1/presentations/..`.
    pub const SLIDES: Api<Self> = Api::new("https://slides.googleapis.com");
    /// The People API: `/v1/people/..`, and the contacts.
    pub const PEOPLE: Api<Self> = Api::new("https://people.googleapis.com");
    /// The Google Tasks API: `/tasks/v1/..`.
    pub const TASKS: Api<Self> = Api::new("https://tasks.googleapis.com");
}
