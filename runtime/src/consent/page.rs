//! The pages of a consent, and of what was disconnected.

use axum::response::Response;
use http::StatusCode;
use maud::html;

use crate::{
    browser::{ACCOUNTS_PATH, page::page},
    grant::{DisconnectOutcome, MAX_ACCOUNTS},
};

/// An account that was connected, and what people read of it.
pub(crate) struct Connected<'a> {
    pub(crate) provider: &'a str,
    /// Which account it is, where the person has several.
    pub(crate) account: Option<&'a str>,
    /// The account that was asked for, if it is another one.
    pub(crate) instead_of: Option<&'a str>,
    /// The granted scopes, each with its description.
    pub(crate) scopes: &'a [(String, &'a str)],
    pub(crate) withheld: &'a [String],
    pub(crate) has_accounts: bool,
}

/// The account is connected.
pub(crate) fn connected(connected: &Connected<'_>) -> Response {
    let Connected { provider, account, instead_of, scopes, withheld, has_accounts } = *connected;
    let title = match account {
        Some(account) => format!("{provider} is connected as {account}"),
        None => format!("{provider} is connected"),
    };
    page(
        StatusCode::OK,
        &title,
        html! {
            @if let Some(instead_of) = instead_of {
                p.warning { "You were asked for your account " strong { (instead_of) } ", and signed in at " (provider) " with another one. Nothing was added to " (instead_of) ". To go on with it, sign out at " (provider) " and open the link again from your conversation." }
            }
            p { "The tools of this server may now do this for you" @if account.is_some() { " with this account" } ":" }
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

/// The person has connected as many accounts as may be.
pub(crate) fn too_many_accounts(provider: &str, has_accounts: bool) -> Response {
    page(
        StatusCode::CONFLICT,
        &format!("No further account of {provider} can be connected"),
        html! {
            p { "You have connected " (MAX_ACCOUNTS) " accounts of " (provider) ", and this server keeps no more for one person." }
            p.next {
                "Nothing was changed."
                @if has_accounts {
                    " Disconnect one of " a href=(ACCOUNTS_PATH) { "your accounts" } " and try again."
                }
            }
        },
    )
}

/// The account is disconnected.
/// `account`: its name, if the person has others at the provider.
pub(crate) fn disconnected(
    provider: &str,
    account: Option<&str>,
    outcome: DisconnectOutcome,
) -> Response {
    let title = match account {
        Some(account) => format!("{account} is disconnected from this server"),
        None => format!("{provider} is disconnected"),
    };
    page(
        StatusCode::OK,
        &title,
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
            p.next {
                "You can close this window."
                @if account.is_some() { " Your others: " a href=(ACCOUNTS_PATH) { "your accounts" } "." }
            }
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
