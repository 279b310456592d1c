//! The pages of a step-up.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::{
    broker::{
        endpoint::consent::{forms_go_to, vouched},
        state::BrokerState,
        store::sign_ins::SignInRecord,
    },
    browser::page::{FormAction, Page},
};

/// The content of the page that asks.
pub(crate) struct StepUpPage<'a> {
    pub(crate) broker: &'a BrokerState,
    /// Where the form is sent.
    pub(crate) action: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) sign_in: &'a SignInRecord,
    /// The scopes to add.
    pub(crate) scopes: &'a [String],
    /// Whether the provider asks next.
    pub(crate) asks_provider: bool,
}

fn client_name(sign_in: &SignInRecord) -> &str {
    sign_in.client_name.as_deref().unwrap_or("An application without a name")
}

/// Asks whether a client may do more.
pub(crate) fn ask(content: &StepUpPage<'_>) -> Response {
    let StepUpPage { broker, action, csrf, sign_in, scopes, asks_provider } = content;
    let provider = broker.oauth.registration.name;
    let body = html! {
        p { (vouched(sign_in.trust.as_ref())) }
        p { "You are signed in to " strong { (broker.name) } " with it. It asks for what it may not do yet:" }
        (list(broker, scopes))
        p { "Allow it only if you have just been using this application, and want it to do this." }
        form method="post" action=(action) {
            input type="hidden" name="csrf" value=(csrf);
            button.main type="submit" name="decision" value="allow" { "Allow" }
            button type="submit" name="decision" value="deny" { "Deny" }
        }
        p.next {
            @if *asks_provider { "If you allow it, " (provider) " asks you next. " }
            "Other applications get no more than before."
            @if let Some(accounts) = broker.accounts {
                " What you have connected, you can " a href=(accounts) { "disconnect" }
                " at any time."
            }
        }
    };
    let title = format!("{} asks for more", client_name(sign_in));
    let form_action = FormAction::Sources(forms_go_to(None));
    page(broker, StatusCode::OK, &title, body, form_action)
}

/// The scopes are added; `asked` may have had more.
pub(crate) fn done(
    broker: &BrokerState,
    sign_in: &SignInRecord,
    added: &[String],
    asked: &[String],
) -> Response {
    let withheld: Vec<&str> =
        asked.iter().filter(|scope| !added.contains(scope)).map(String::as_str).collect();
    let body = html! {
        p { strong { (client_name(sign_in)) } " may do this for you from now on:" }
        (list(broker, added))
        @if !withheld.is_empty() {
            p { (broker.oauth.registration.name) " did not grant " code { (withheld.join(" ")) } ". What needs it will not work." }
        }
        p.next { "You can close this window. Go back to your conversation, and say that it is done." }
    };
    page(broker, StatusCode::OK, "It may do more now", body, FormAction::None)
}

/// Nothing was added.
pub(crate) fn refused(broker: &BrokerState, why: &str) -> Response {
    let body = html! {
        p { (why) }
        p.next { "You can close this window and go back to your conversation." }
    };
    page(broker, StatusCode::FORBIDDEN, "No access was added", body, FormAction::None)
}

fn list(broker: &BrokerState, scopes: &[String]) -> Markup {
    let description = |name: &str| {
        let known = broker.oauth.registration.catalogue.iter().find(|known| known.name == name);
        known.map_or("", |known| known.description)
    };
    html! {
        ul {
            @for name in scopes {
                @let words = description(name);
                li { @if !words.is_empty() { (words) " " } code { (name) } }
            }
        }
    }
}

fn page(
    broker: &BrokerState,
    status: StatusCode,
    title: &str,
    body: Markup,
    form_action: FormAction,
) -> Response {
    let stylesheet = format!("{}/style.css", broker.root);
    Page { status, title, body, stylesheet: &stylesheet, form_action }.into_response()
}
