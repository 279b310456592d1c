//! The pages of a consent, and of the accounts.

use std::collections::BTreeSet;

use axum::response::Response;
use http::StatusCode;
use maud::html;

use super::client_page;
use crate::{
    browser::{
        ACCOUNTS_PATH,
        page::{FormAction, Page, STYLE_PATH, page},
    },
    grant::{DisconnectOutcome, GrantClient},
    provider::Registration,
};

/// The account is connected.
pub(crate) fn connected(
    provider: &str,
    scopes: &[(String, &str)],
    withheld: &[String],
    has_accounts: bool,
) -> Response {
    page(
        StatusCode::OK,
        &format!("{provider} is connected"),
        html! {
            p { "The tools of this server may now do this for you:" }
            ul {
                @for (name, description) in scopes {
                    li { code { (name) } @if !description.is_empty() { " – " (description) } }
                }
            }
            @if !withheld.is_empty() {
                p { "Not granted, although it was asked for: " code { (withheld.join(" ")) } ". What needs it will not work. If you left it out, ask for it again; if it was not offered to you, only an administrator of " (provider) " can let you have it." }
            }
            p.next {
                "You can close this window and go back to your conversation."
                @if has_accounts {
                    " If you change your mind: " a href=(ACCOUNTS_PATH) { "your accounts" } "."
                }
            }
        },
    )
}

/// A connected account.
pub(crate) struct Account<'a> {
    pub(crate) registration: &'a Registration,
    pub(crate) scopes: BTreeSet<String>,
    /// The clients that may use it; `None`: all.
    pub(crate) clients: Option<Vec<GrantClient>>,
}

/// The connected accounts, each with a form that disconnects it.
pub(crate) fn accounts(connected: &[Account<'_>], csrf: &str) -> Response {
    let description = |registration: &Registration, scope: &str| {
        let known = registration.catalogue.iter().find(|known| known.name == scope);
        known.map_or("", |known| known.description)
    };
    let body = html! {
        @if connected.is_empty() { p { "Nothing is connected to this server." } }
        @for Account { registration, scopes, clients } in connected {
            h2 { (registration.name) }
            @if !scopes.is_empty() { p { "The tools of this server may do this for you:" } }
            ul {
                @for name in scopes {
                    @let description = description(registration, name);
                    li { code { (name) } @if !description.is_empty() { " – " (description) } }
                }
            }
            @if let Some(clients) = clients {
                (client_page::clients(registration, clients, csrf))
            }
            form method="post" action=(ACCOUNTS_PATH) {
                input type="hidden" name="provider" value=(registration.id);
                input type="hidden" name="csrf" value=(csrf);
                button type="submit" { "Disconnect " (registration.name) }
            }
        }
        p.next { "What is disconnected stops working at once, in every application that uses this server as you. You can connect it again whenever a tool needs it." }
    };
    Page {
        status: StatusCode::OK,
        title: "Your accounts",
        body,
        stylesheet: STYLE_PATH,
        form_action: FormAction::SameOrigin,
    }
    .into_response()
}

/// The account is disconnected.
pub(crate) fn disconnected(provider: &str, outcome: DisconnectOutcome) -> Response {
    page(
        StatusCode::OK,
        &format!("{provider} is disconnected"),
        html! {
            p {
                @match outcome {
                    DisconnectOutcome::NothingGranted => { "It was not connected to this server." }
                    DisconnectOutcome::Revoked => {
                        (provider) " has revoked the access, and this server has deleted it."
                    }
                    DisconnectOutcome::Forgotten => {
                        "This server has deleted the access. " (provider) " offers no way to revoke it from here: revoke it in your settings there as well."
                    }
                    DisconnectOutcome::NotRevoked => {
                        "This server has deleted the access, but " (provider) " did not confirm that it has revoked it: revoke it in your settings there as well."
                    }
                }
            }
            p.next { "You can close this window." }
        },
    )
}

/// The form was sent by another site, or by a page that is too old.
pub(crate) fn foreign_form() -> Response {
    page(
        StatusCode::FORBIDDEN,
        "Nothing was changed",
        html! {
            p { "What was sent does not come from a page that this browser was just shown." }
            p.next { "Open " a href=(ACCOUNTS_PATH) { "your accounts" } " and try again." }
        },
    )
}

/// The provider, or the person, refused.
pub(crate) fn refused(provider: &str, reason: &str) -> Response {
    page(
        StatusCode::OK,
        &format!("{provider} is not connected"),
        html! {
            p { (provider) ": " (reason) "." }
            p.next { "Nothing was changed. You can close this window; to try again, go back to your conversation and ask for it." }
        },
    )
}

/// Only the operator can mend it.
pub(crate) fn operator_error(provider: &str, reason: &str) -> Response {
    page(
        StatusCode::BAD_GATEWAY,
        &format!("{provider} is not connected"),
        html! {
            p { (provider) ": " (reason) "." }
            p.next { "You did nothing wrong, and trying again will not help. Tell the operator of this server; its log says more." }
        },
    )
}

/// The person who is signed in is not the one who got the link.
pub(crate) fn other_person() -> Response {
    page(
        StatusCode::FORBIDDEN,
        "This link is for another person",
        html! {
            p { "It connects an account for the person who got it in a conversation, and you are signed in as another." }
            p.next { "If another person sent you this link, do not go on. If it is yours, sign in as yourself and open it again." }
        },
    )
}
