//! The pages about the clients that may use an account.

use std::collections::BTreeSet;

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::{
    browser::{
        ACCOUNTS_PATH,
        page::{FormAction, Page, STYLE_PATH, page},
    },
    grant::GrantClient,
    provider::Registration,
};

/// The longest identifier of a client that a page shows. Those of a broker that registers clients are
/// longer, and tell people nothing.
const MAX_SHOWN_ID_LEN: usize = 100;

/// The question whether a client may use an account that was connected through others.
pub(crate) struct ClientQuestion<'a> {
    pub(crate) registration: &'a Registration,
    /// Which account it is, where the person has several.
    pub(crate) account: Option<&'a str>,
    /// The name of the client that asks.
    pub(crate) client: &'a str,
    pub(crate) client_id: &'a str,
    /// The names of those that may use the account.
    pub(crate) others: Vec<&'a str>,
    /// The granted scopes.
    pub(crate) scopes: &'a BTreeSet<String>,
    /// The scopes that the provider has to be asked for as well.
    pub(crate) missing: Vec<String>,
    pub(crate) action: String,
    pub(crate) csrf: String,
    pub(crate) form_action: FormAction,
}

impl ClientQuestion<'_> {
    pub(crate) fn into_response(self) -> Response {
        let (client, provider) = (self.client, self.registration.name);
        let through = match &self.others[..] {
            [] => "before".to_owned(),
            [one] => format!("through {one}"),
            [first @ .., last] if first.len() < 3 => {
                format!("through {} and {last}", first.join(", "))
            }
            [first, ..] => format!("through {first} and {} others", self.others.len() - 1),
        };
        let which = self.account.map(|account| format!(" {account}")).unwrap_or_default();
        let title = format!(
            "{client} wants to use your {provider} account{which} that you connected {through}"
        );
        let body = html! {
            p { "If you allow it, " strong { (client) } " can use the tools of this server as you, with what you have granted:" }
            (scope_list(self.registration, self.scopes.iter().map(String::as_str)))
            @if !self.missing.is_empty() {
                p { "It needs more than that, so " (provider) " will ask you next for:" }
                (scope_list(self.registration, self.missing.iter().map(String::as_str)))
            }
            @if self.client_id.len() <= MAX_SHOWN_ID_LEN && self.client_id != client {
                p { "Its identifier is " code { (self.client_id) } "." }
            }
            p.warning { "Allow it only if you use this application yourself and have just asked it for something." }
            form method="post" action=(self.action) {
                input type="hidden" name="csrf" value=(self.csrf);
                button.main type="submit" name="decision" value="allow" { "Allow" }
                button type="submit" name="decision" value="deny" { "Deny" }
            }
            p.next { "You are asked once for each application. At any time you can take the account away from it again: " a href=(ACCOUNTS_PATH) { "your accounts" } "." }
        };
        Page {
            status: StatusCode::OK,
            title: &title,
            body,
            stylesheet: STYLE_PATH,
            form_action: self.form_action,
        }
        .into_response()
    }
}

/// The client may use the account.
pub(crate) fn allowed(provider: &str, client: &str) -> Response {
    page(
        StatusCode::OK,
        &format!("{client} may use your {provider} account"),
        html! {
            p.next {
                "You can close this window and go back to your conversation. If you change your mind: "
                a href=(ACCOUNTS_PATH) { "your accounts" } "."
            }
        },
    )
}

/// The client may not use the account.
pub(crate) fn refused(provider: &str, client: &str) -> Response {
    page(
        StatusCode::OK,
        &format!("{client} may not use your {provider} account"),
        html! {
            p.next { "Nothing was changed. You can close this window; to try again, go back to your conversation and ask for it." }
        },
    )
}

/// The account was taken away from a client.
pub(crate) fn taken_away(provider: &str) -> Response {
    page(
        StatusCode::OK,
        &format!("The application can no longer use your {provider} account"),
        html! {
            p { "If it needs the account again, you will be asked." }
            p.next { a href=(ACCOUNTS_PATH) { "Your accounts" } }
        },
    )
}

/// The clients that may use an account, each with a form that takes it away.
pub(super) fn clients(
    account: (&Registration, &str),
    clients: &[GrantClient],
    csrf: &str,
) -> Markup {
    html! {
        @if clients.is_empty() {
            p { "No application may use it yet: the next one that needs it asks you." }
        } @else {
            p { "These applications may use it:" }
        }
        @for client in clients {
            form.row method="post" action=(ACCOUNTS_PATH) {
                span { (client.name()) }
                (hidden(account, csrf))
                button type="submit" name="client" value=(client.key()) { "Take it away from " (client.name()) }
            }
        }
    }
}

/// The hidden fields of a form about an account.
pub(super) fn hidden((registration, account): (&Registration, &str), csrf: &str) -> Markup {
    html! {
        input type="hidden" name="provider" value=(registration.id);
        @if !account.is_empty() { input type="hidden" name="account" value=(account); }
        input type="hidden" name="csrf" value=(csrf);
    }
}

fn scope_list<'a>(registration: &Registration, scopes: impl Iterator<Item = &'a str>) -> Markup {
    let description = |name: &str| {
        let known = registration.catalogue.iter().find(|known| known.name == name);
        known.map_or("", |known| known.description)
    };
    html! {
        ul {
            @for name in scopes {
                @let words = description(name);
                li { code { (name) } @if !words.is_empty() { " – " (words) } }
            }
        }
    }
}
