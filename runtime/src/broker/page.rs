//! The broker's pages: the consent, and a page that tells why the authorization stops.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::browser::page::{FormAction, Page};

/// The content of a consent page.
pub(crate) struct Consent<'a> {
    /// The path of the endpoints: `/oauth`.
    pub(crate) root: &'a str,
    /// The path of the page of accounts, if there is one.
    pub(crate) accounts: Option<&'a str>,
    pub(crate) request: &'a str,
    pub(crate) csrf: &'a str,
    /// The client's name.
    pub(crate) client: &'a str,
    /// Who vouches for it.
    pub(crate) vouched: Markup,
    /// Where the answer goes.
    pub(crate) destination: Markup,
    /// Whether any program on the machine could be the client.
    pub(crate) warns: bool,
    /// The name of the server, and its host.
    pub(crate) server: (&'a str, &'a str),
    pub(crate) provider: &'a str,
    /// The new scopes, each with its description.
    pub(crate) scopes: Vec<(&'a str, &'a str)>,
    /// The scopes that the person has allowed this client before.
    pub(crate) allowed: Vec<(&'a str, &'a str)>,
    /// Why the page is shown again.
    pub(crate) notice: Option<&'a str>,
    /// Where the form, and the redirects after it, may lead.
    pub(crate) form_action: FormAction,
}

impl Consent<'_> {
    pub(crate) fn into_response(self) -> Response {
        let (name, host) = self.server;
        let title = format!("Allow {} to use {}?", self.client, self.provider);
        let body = html! {
            @if let Some(notice) = self.notice { p role="status" { (notice) } }
            p {
                strong { (self.client) } " asks for access to your " (self.provider)
                " account through the tools of " strong { (name) }
                @if name != host { " (" (host) ")" } "."
            }
            dl {
                dt { "Who asks" }
                dd { (self.vouched) }
                dt { "Where your answer goes" }
                dd { (self.destination) }
            }
            @if self.scopes.is_empty() && self.allowed.is_empty() {
                p { "It will learn who you are there, and nothing else." }
            }
            @if !self.scopes.is_empty() {
                p { @if self.allowed.is_empty() { "It will be able to:" } @else { "What is new:" } }
                (list(&self.scopes))
            }
            @if !self.allowed.is_empty() {
                p { "What you have allowed it before:" }
                (list(&self.allowed))
            }
            @if self.warns {
                p.warning {
                    "Any program on your computer can pretend to be this one. Allow it only if you \
                     yourself have just begun to sign in."
                }
            }
            form method="post" action={ (self.root) "/consent" } {
                input type="hidden" name="request" value=(self.request);
                input type="hidden" name="csrf" value=(self.csrf);
                button.main type="submit" name="decision" value="allow" { "Allow" }
                button type="submit" name="decision" value="deny" { "Deny" }
            }
            p.next {
                "If you allow it, " (self.provider) " asks you to sign in next."
                @if let Some(accounts) = self.accounts {
                    " What you have connected, you can " a href=(accounts) { "disconnect" }
                    " at any time."
                }
            }
        };
        let style = format!("{}/style.css", self.root);
        Page {
            status: StatusCode::OK,
            title: &title,
            body,
            stylesheet: &style,
            form_action: self.form_action,
        }
        .into_response()
    }
}

fn list(scopes: &[(&str, &str)]) -> Markup {
    html! {
        ul {
            @for (name, words) in scopes {
                li { @if !words.is_empty() { (words) " " } code { (name) } }
            }
        }
    }
}

/// A page that tells why the authorization stops, with an optional link back to the client.
pub(crate) fn stop(
    root: &str,
    status: StatusCode,
    title: &str,
    text: &str,
    back: Option<(&str, &str)>,
) -> Response {
    let body = html! {
        p { (text) }
        @if let Some((host, url)) = back {
            p { a href=(url) rel="noreferrer" { "Go back to " (host) } }
        }
        p.next { "Nothing was changed. Begin again in the application that you came from." }
    };
    let stylesheet = format!("{root}/style.css");
    Page { status, title, body, stylesheet: &stylesheet, form_action: FormAction::None }
        .into_response()
}
