//! Stand-ups from three accounts of a person: what is new at GitHub, what is in the calendar at Google,
//! and a message to a channel at Slack.
//!
//! `cargo run -p standup -- --http 127.0.0.1:8765` needs no accounts: stand-ins take the place of the
//! providers whose client is not set in the environment or in a file `.env` (`GITHUB_CLIENT_ID`, ..).

use serde::Deserialize;
use serde_json::json;
use toolgate::{OAuthClient, Server, prelude::*};
use toolgate_providers::{GitHub, Google, Slack};

/// What people may do here.
#[catalogue]
pub(crate) enum Team {
    /// Prepare and post stand-ups.
    #[scope("standup")]
    Standup,
}

#[derive(Deserialize)]
struct Notification {
    subject: Subject,
}

#[derive(Deserialize)]
struct Subject {
    title: String,
}

#[derive(Deserialize)]
struct Events {
    items: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    summary: Option<String>,
}

#[derive(Deserialize)]
struct Posted {
    channel: String,
}

/// Lists what is new for the user at GitHub.
#[tool(scopes = "notifications", idempotent)]
async fn news(github: AuthedClient<GitHub>) -> Result<Json<Vec<String>>> {
    fetch_news(&github).await.map(Json)
}

#[requires("notifications")]
async fn fetch_news(github: &AuthedClient<GitHub>) -> Result<Vec<String>> {
    let news: Vec<Notification> = github.get("/notifications").paginate().take_up_to(50).await?;
    Ok(news.into_iter().map(|notification| notification.subject.title).collect())
}

/// Lists the next events in the user's calendar.
#[tool(scopes = "https://www.googleapis.com/auth/calendar.events.readonly")]
async fn agenda(google: AuthedClient<Google>) -> Result<Json<Vec<String>>> {
    fetch_agenda(&google).await.map(Json)
}

#[requires("https://www.googleapis.com/auth/calendar.events.readonly")]
async fn fetch_agenda(google: &AuthedClient<Google>) -> Result<Vec<String>> {
    let events = google.get("/calendar/v3/calendars/primary/events");
    let events: Events = events.query(&[("maxResults", 10)]).send().await?.json().await?;
    Ok(events.items.into_iter().filter_map(|event| event.summary).collect())
}

/// Posts the user's stand-up, of GitHub's news and the calendar, to a channel at Slack.
#[tool(scopes(
    github = "notifications",
    google = "https://www.googleapis.com/auth/calendar.events.readonly",
    slack = "chat:write"
))]
async fn post_standup(
    github: AuthedClient<GitHub>,
    google: AuthedClient<Google>,
    slack: AuthedClient<Slack>,
    /// The channel's name or identifier: `#general`.
    channel: String,
) -> Result<String> {
    let (news, agenda) = tokio::try_join!(fetch_news(&github), fetch_agenda(&google))?;
    let text = format!("New: {}\nToday: {}", news.join("; "), agenda.join("; "));
    let message = json!({ "channel": channel, "text": text });
    let posted: Posted =
        slack.post("/chat.postMessage").json(&message).send().await?.json().await?;
    Ok(format!("Posted to {}:\n{text}", posted.channel))
}

/// The server, with its clients at the three providers.
pub(crate) fn server(
    github: OAuthClient<GitHub>,
    google: OAuthClient<Google>,
    slack: OAuthClient<Slack>,
) -> Server {
    toolgate::server!()
        .title("Stand-up")
        .provider(github)
        .provider(google)
        .provider(slack)
        .tools(tools![news, agenda, post_standup])
}

/// Serves it. A debug build is in development: people sign in with one click.
#[tokio::main]
async fn main() -> Result<()> {
    toolgate::env::load()?;
    let server = server(GitHub::from_env()?, Google::from_env()?, Slack::from_env()?);
    let server = if cfg!(debug_assertions) { server.dev::<Team>(["alice", "bob"]) } else { server };
    server.serve().await
}
