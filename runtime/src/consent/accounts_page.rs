//! The page of the accounts: for each provider the accounts of the person, with forms that change them.

use std::collections::BTreeSet;

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::client_page::{self, hidden};
use crate::{
    browser::{
        ACCOUNTS_PATH,
        page::{FormAction, Page, STYLE_PATH},
    },
    grant::{GrantClient, MAX_ACCOUNT_NAME_CHARS, MAX_ACCOUNTS},
    provider::Registration,
};

/// The accounts of a person.
pub(super) struct AccountsPage<'a> {
    pub(super) sections: &'a [Section<'a>],
    pub(super) csrf: &'a str,
    pub(super) fault: Option<&'a NameFault>,
}

/// The accounts at one provider, of which there is one at least.
pub(super) struct Section<'a> {
    pub(super) registration: &'a Registration,
    pub(super) accounts: Vec<Account>,
    /// Whether the person may connect more than one.
    pub(super) allows_several: bool,
    /// Where a form that connects another one leads.
    pub(super) form: FormAction,
}

/// A connected account.
pub(super) struct Account {
    /// Its part of the grant's key.
    pub(super) key: String,
    /// What it is called; `None`: the provider does not say, and there is no other one.
    pub(super) name: Option<String>,
    pub(super) is_default: bool,
    pub(super) is_live: bool,
    pub(super) scopes: BTreeSet<String>,
    /// The values of placeholders that the person gave, each with what it is called.
    pub(super) address: Vec<(&'static str, String)>,
    /// The clients that may use it; `None`: all.
    pub(super) clients: Option<Vec<GrantClient>>,
}

/// A name that an account cannot have.
pub(super) struct NameFault {
    pub(super) provider: String,
    pub(super) account: String,
    pub(super) typed: String,
    pub(super) text: &'static str,
}

impl AccountsPage<'_> {
    pub(super) fn into_response(self) -> Response {
        let Self { sections, csrf, fault } = self;
        let body = html! {
            @if sections.is_empty() { p { "Nothing is connected to this server." } }
            @for section in sections { (section.markup(csrf, fault)) }
            p.next { "What is disconnected stops working at once, in every application that uses this server as you. You can connect it again whenever a tool needs it." }
        };
        let form_action = sections
            .iter()
            .find(|section| section.allows_several)
            .map_or(FormAction::SameOrigin, |section| section.form.clone());
        let status =
            if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let title = "Your accounts";
        Page { status, title, body, stylesheet: STYLE_PATH, form_action }.into_response()
    }
}

impl Section<'_> {
    fn markup(&self, csrf: &str, fault: Option<&NameFault>) -> Markup {
        let Self { registration, accounts, allows_several, .. } = self;
        let provider = registration.name;
        let default = accounts.iter().find(|account| account.is_default).or(accounts.first());
        html! {
            h2 { (provider) }
            @match &accounts[..] {
                [account] => {
                    @if let Some(name) = &account.name { p { "You are connected as " strong { (name) } "." } }
                    (self.details(account, csrf))
                    form method="post" action=(ACCOUNTS_PATH) {
                        (self.hidden(account, csrf))
                        button type="submit" { "Disconnect " (provider) }
                    }
                }
                _ => {
                    p { "A call that names no account uses the default." }
                    @for (at, account) in accounts.iter().enumerate() {
                        (self.account(account, at, csrf, fault))
                    }
                }
            }
            @if let (true, Some(default)) = (allows_several, default) {
                @if accounts.len() < MAX_ACCOUNTS {
                    form method="post" action=(ACCOUNTS_PATH) {
                        (self.hidden(default, csrf))
                        button type="submit" name="action" value="connect" { "Connect another account of " (provider) }
                    }
                } @else {
                    p.soft { "These are as many accounts of " (provider) " as can be connected." }
                }
            }
        }
    }

    /// One of several accounts.
    fn account(
        &self,
        account: &Account,
        at: usize,
        csrf: &str,
        fault: Option<&NameFault>,
    ) -> Markup {
        let provider = self.registration.name;
        let name = account.name.as_deref().unwrap_or_default();
        let id = format!("{}.{at}", self.registration.id);
        let heading = format!("{id}.heading");
        html! {
            section.account aria-labelledby=(heading) {
                h3 id=(heading) {
                    (name)
                    @if account.is_default { span.badge { "default" } }
                }
                @if !account.is_live {
                    p.warning { (provider) " no longer accepts what you granted. Connect the account again, or disconnect it." }
                }
                details {
                    summary { "What the tools may do with " (name) }
                    div { (self.details(account, csrf)) }
                }
                (self.name_form(account, &id, csrf, fault))
                form method="post" action=(ACCOUNTS_PATH) {
                    (self.hidden(account, csrf))
                    @if !account.is_live {
                        button.main type="submit" name="action" value="reconnect" { "Connect " (name) " again" }
                    }
                    @if !account.is_default && account.is_live {
                        button type="submit" name="action" value="default" { "Use " (name) " by default" }
                    }
                    button type="submit" { "Disconnect " (name) }
                }
            }
        }
    }

    fn name_form(
        &self,
        account: &Account,
        id: &str,
        csrf: &str,
        fault: Option<&NameFault>,
    ) -> Markup {
        let name = account.name.as_deref().unwrap_or_default();
        let fault = fault
            .filter(|fault| fault.provider == self.registration.id && fault.account == account.key);
        let (field, error) = (format!("{id}.name"), format!("{id}.error"));
        let value = fault.map_or(name, |fault| &fault.typed);
        html! {
            form method="post" action=(ACCOUNTS_PATH) novalidate {
                (self.hidden(account, csrf))
                div.field.invalid[fault.is_some()] {
                    label for=(field) { "Your name for " (name) }
                    @if let Some(fault) = fault {
                        p.error id=(error) { strong { "Error: " } (fault.text) }
                    }
                    input type="text" id=(field) name="name" value=(value)
                        maxlength=(MAX_ACCOUNT_NAME_CHARS) autocomplete="off"
                        aria-invalid=[fault.map(|_| "true")]
                        aria-describedby=[fault.map(|_| &error)]
                        autofocus[fault.is_some()];
                    button type="submit" name="action" value="rename" { "Rename " (name) }
                }
            }
        }
    }

    /// What the tools may do with an account, and which applications may use it.
    fn details(&self, account: &Account, csrf: &str) -> Markup {
        let description = |scope: &str| {
            let known = self.registration.catalogue.iter().find(|known| known.name == scope);
            known.map_or("", |known| known.description)
        };
        html! {
            @for (label, value) in &account.address {
                p { (label) ": " code { (value) } }
            }
            @if !account.scopes.is_empty() { p { "The tools of this server may do this for you:" } }
            ul {
                @for name in &account.scopes {
                    @let description = description(name);
                    li { code { (name) } @if !description.is_empty() { " – " (description) } }
                }
            }
            @if let Some(clients) = &account.clients {
                (client_page::clients((self.registration, &account.key), clients, csrf))
            }
        }
    }

    fn hidden(&self, account: &Account, csrf: &str) -> Markup {
        hidden((self.registration, &account.key), csrf)
    }
}
