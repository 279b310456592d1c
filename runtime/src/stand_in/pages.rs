//! Pages of a stand-in: its look, and the page with the switches that make it fail.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use rmcp::model::Implementation;

use super::engine::{Engine, pairs};
use crate::browser::{
    page::{FormAction, Page, STYLE_PATH},
    site::Site,
};

/// The path that the switches are sent to.
pub(super) const FAULTS_PATH: &str = "/stand-in/faults";

/// How slow a slow stand-in is.
const SLOW: Duration = Duration::from_secs(8);

/// A page with the stand-in's name.
pub(super) fn page(
    engine: &Engine,
    status: StatusCode,
    title: &str,
    body: Markup,
    has_form: bool,
) -> Response {
    let mut identity = Implementation::new("stand-in", env!("CARGO_PKG_VERSION"));
    identity.title = Some(format!("{} (stand-in on this machine)", engine.name));
    let form_action = if has_form { FormAction::SameOrigin } else { FormAction::None };
    let page = Page { status, title, body, stylesheet: STYLE_PATH, form_action };
    match Site::new(&identity) {
        Ok(site) => page.into_response_of(&site).map(Into::into),
        Err(_) => page.into_response(),
    }
}

/// A request that cannot go on.
pub(super) fn fault(engine: &Engine, reason: &str) -> Response {
    page(engine, StatusCode::BAD_REQUEST, "This cannot go on", html! { p { (reason) } }, false)
}

/// The page with the switches.
pub(super) fn switches(engine: &Engine) -> Response {
    let (counts, grants) = {
        let world = engine.world();
        (world.counts.clone(), world.live_grants())
    };
    let slow = if engine.faults.is_slow() { "Answer at once again" } else { "Answer slowly" };
    let switches = [
        ("expire", "Expire all access tokens", "The next call refreshes them, or asks again."),
        ("race", "Another process refreshes first", "The next refresh token was used already."),
        ("lose", "Lose the next answer with tokens", "It takes effect, and the connection breaks."),
        ("limit", "Refuse the next request as too many", "As the provider's rate limit does."),
        ("slow", slow, "Eight seconds for each answer."),
        ("revoke", "Revoke all grants", "As a person does on the provider's own pages."),
    ];
    let body = html! {
        p { "Servers in development on this machine use this in place of " (engine.name) ". Its data is made up, and nothing is sent to " (engine.name) "." }
        dl {
            dt { "Grants" } dd { (grants) }
            dt { "Codes exchanged, tokens refreshed, refused, revoked" }
            dd { (counts.codes) ", " (counts.refreshes) ", " (counts.refused_refreshes) ", " (counts.revocations) }
            dt { "Requests answered, with a dead token, without a scope, too many" }
            dd { (counts.answered) ", " (counts.dead_tokens) ", " (counts.missing_scopes) ", " (counts.rate_limited) }
        }
        h2 { "Make it fail" }
        @for (name, label, what) in switches {
            form.row method="post" action=(FAULTS_PATH) {
                span { (what) }
                button type="submit" name="fault" value=(name) { (label) }
            }
        }
    };
    page(engine, StatusCode::OK, &format!("A stand-in of {}", engine.name), body, true)
}

/// Turns a switch; `false` if there is none of this name.
pub(super) fn switch(engine: &Engine, form: &[u8]) -> bool {
    match pairs(form).get("fault").map(String::as_str) {
        Some("expire") => engine.world().expire_access_tokens(),
        Some("race") => engine.faults.race(),
        Some("lose") => engine.faults.lose_answer(),
        Some("limit") => engine.faults.limit(1),
        Some("slow") if engine.faults.is_slow() => engine.faults.slow_down(Duration::ZERO),
        Some("slow") => engine.faults.slow_down(SLOW),
        Some("revoke") => engine.world().revoke_everything(),
        _ => return false,
    }
    true
}
