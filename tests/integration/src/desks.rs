//! Help desks: a provider with a subdomain for each customer, and its stand-in.

use toolgate::{
    prelude::*,
    provider::profile::{Profile, Revocation, Route},
};

/// What the stand-in of a help desk answers.
const PROFILE: &Profile = &Profile {
    authorize: "https://{shop}.desks.example/oauth/authorize",
    token: "https://{shop}.desks.example/oauth/token",
    access_ttl: Some(600),
    revocation: Some(Revocation::rfc7009("https://{shop}.desks.example/oauth/revoke")),
    who: Route::new("GET", "https://{shop}.desks.example/api/me", &[], r#"{"id":"$number"}"#),
    read: Route::new(
        "GET",
        "https://{shop}.desks.example/api/tickets",
        &["tickets"],
        r#"{"tickets":["The first"]}"#,
    ),
    ..Profile::STANDARD
};

/// Help desks that are each at a subdomain of their own.
#[provider(
    api = "https://{subdomain}.desks.example/api",
    authorize = "https://{subdomain}.desks.example/oauth/authorize",
    token = "https://{subdomain}.desks.example/oauth/token",
    revoke = "https://{subdomain}.desks.example/oauth/revoke",
    placeholders(subdomain(from = person, label = "The subdomain of your help desk")),
    stand_in = PROFILE
)]
pub enum Desks {
    /// See tickets.
    #[scope("tickets", access = read)]
    Tickets,
}

/// Lists tickets.
///
/// # Errors
///
/// What the desk answers.
#[tool(scopes = "tickets")]
pub async fn list_tickets(desks: AuthedClient<Desks>) -> Result<String> {
    desks.get("/tickets").send().await?.text().await
}
