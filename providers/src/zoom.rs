//! Zoom: meetings, recordings and webinars.
//!
//! # Register a client
//!
//! 1. Open [the Zoom App Marketplace](https://marketplace.zoom.us/), choose "Develop", "Build app",
//!    "General App", managed by users.
//! 2. Set the redirect URL to that of your server, `https://tools.example/callback/zoom`, and add it
//!    to the allow list. Zoom wants https: for development put a tunnel in front.
//! 3. Under "Scopes", add those that your tools declare, and `user:read:user`. A consent is always for
//!    all of them.
//! 4. Set `ZOOM_CLIENT_ID` and `ZOOM_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! `broker.user("/users/me", "id").sign_in_scopes(["user:read:user"])`
//!
//! The same identifier distinguishes several accounts of a person, so every consent asks for
//! `user:read:user`.
//!
//! # Tokens
//!
//! A token lives for an hour, its refresh token for 90 days. A refresh gives a new refresh token.
//!
//! [Zoom's documentation](https://developers.zoom.us/docs/integrations/oauth/)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Zoom;
//!
//! /// Lists the user's next meetings.
//! #[tool(scopes = "meeting:read:list_meetings")]
//! async fn list_meetings(zoom: AuthedClient<Zoom>) -> Result<String> {
//!     zoom.get("/users/me/meetings").send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints, the client by Basic, an hour, rotation, revocation:
// https://developers.zoom.us/docs/integrations/oauth/. Refresh tokens of about 90 days that are good
// once: zoom-plugin/skills/oauth/concepts/token-lifecycle.md, which Zoom wrote for
// anthropics/knowledge-work-plugins.
// An error of the API has `code`: 124 is a token that has ended, with status 401:
// https://developers.zoom.us/docs/api/errors/
/// Zoom's API, version 2.
///
/// See [the module](self) for the steps at Zoom. Scopes are the granular ones of
/// [Zoom's list](https://developers.zoom.us/docs/integrations/oauth-scopes-granular/) that tools
/// need most; they are chosen in the app, and every consent is for all of them.
#[provider(
    api = "https://api.zoom.us/v2",
    authorize = "https://zoom.us/oauth/authorize",
    token = "https://zoom.us/oauth/token",
    revoke = "https://zoom.us/oauth/revoke",
    revocation(only = access_token),
    // https://developers.zoom.us/docs/api/errors/: 4711, with the scopes in the message.
    insufficient_scope(status = 400, pointer = "/code", values("4711")),
    // https://developers.zoom.us/docs/api/users/#tag/users/get/users/{userId}
    account(path = "/users/me", id = "/id", label = "/email", scopes("user:read:user")),
    stand_in = crate::profile::zoom::PROFILE
)]
// https://developers.zoom.us/docs/integrations/oauth-scopes-granular/
pub enum Zoom {
    /// See your name, e-mail address and account.
    #[scope("user:read:user", access = read)]
    UserReadUser,
    /// See your settings.
    #[scope("user:read:settings", access = read)]
    UserReadSettings,
    /// See a list of your meetings.
    #[scope("meeting:read:list_meetings", access = read)]
    MeetingReadListMeetings,
    /// See your meetings' details.
    #[scope("meeting:read:meeting", access = read)]
    MeetingReadMeeting,
    /// Create meetings.
    #[scope("meeting:write:meeting", access = write)]
    MeetingWriteMeeting,
    /// Change your meetings.
    #[scope("meeting:update:meeting", access = write)]
    MeetingUpdateMeeting,
    /// Delete your meetings.
    #[scope("meeting:delete:meeting", access = destructive)]
    MeetingDeleteMeeting,
    /// See the text of invitations to your meetings.
    #[scope("meeting:read:invitation", access = read)]
    MeetingReadInvitation,
    /// See the summaries of your meetings.
    #[scope("meeting:read:summary", access = read)]
    MeetingReadSummary,
    /// See a list of your recordings in the cloud.
    #[scope("cloud_recording:read:list_user_recordings", access = read)]
    CloudRecordingReadListUserRecordings,
    /// See the files of your recordings in the cloud.
    #[scope("cloud_recording:read:list_recording_files", access = read)]
    CloudRecordingReadListRecordingFiles,
    /// See a list of your webinars.
    #[scope("webinar:read:list_webinars", access = read)]
    WebinarReadListWebinars,
    /// See your webinars' details.
    #[scope("webinar:read:webinar", access = read)]
    WebinarReadWebinar,
    /// Create webinars.
    #[scope("webinar:write:webinar", access = write)]
    WebinarWriteWebinar,
}
