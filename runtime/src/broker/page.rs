//! The pages that a person sees: plain HTML, no script, nothing from elsewhere.

use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::endpoint::error::no_store;

const STYLE: &str = "
:root { color-scheme: light dark; background: Canvas; color: CanvasText; font: 1.05rem/1.5 system-ui, sans-serif }
a { color: #0b57d0 }
@media (prefers-color-scheme: dark) { a { color: #a8c7fa } }
body { max-width: 34rem; margin: 9vh auto 3rem; padding: 0 1.25rem }
h1 { font-size: 1.4rem; line-height: 1.25 }
code { overflow-wrap: anywhere }
li { margin: .3rem 0 }
dt { opacity: .75; margin-top: .6rem }
dd { margin: 0; overflow-wrap: anywhere }
button { font: inherit; padding: .5rem 1.4rem; margin: 1rem .6rem 0 0; cursor: pointer }
button.main { font-weight: 600 }
.warning { border-left: .25rem solid #c80; padding: .1rem 0 .1rem .8rem }
.next { opacity: .9 }
";

pub(crate) async fn style() -> Response {
    let mut response = ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response();
    harden(response.headers_mut(), "'none'");
    response
}

/// What keeps a page from being framed, cached, sniffed, or heard of elsewhere.
fn harden(headers: &mut HeaderMap, forms_go_to: &str) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action {forms_go_to}; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    no_store(headers);
}

/// Sends the browser on; with GET, whatever it came with (RFC 9700 §4.12).
pub(crate) fn redirect(url: &str) -> Response {
    let mut response = Redirect::to(url).into_response();
    harden(response.headers_mut(), "'none'");
    response
}

fn page(style: &str, status: StatusCode, title: &str, body: &Markup, forms: &str) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href=(style);
            }
            body { main { h1 { (title) } (body) } }
        }
    };
    let mut response = (status, Html(html.into_string())).into_response();
    harden(response.headers_mut(), forms);
    response
}

/// What a consent page says.
pub(crate) struct Consent<'a> {
    /// Where the form and the style are: `/oauth`.
    pub(crate) root: &'a str,
    /// Where people see what is connected, if that is anywhere.
    pub(crate) accounts: Option<&'a str>,
    pub(crate) request: &'a str,
    pub(crate) csrf: &'a str,
    /// What the client calls itself.
    pub(crate) client: &'a str,
    /// Who says so.
    pub(crate) vouched: Markup,
    /// Where the answer goes, in words.
    pub(crate) destination: Markup,
    /// Any program on the machine could be the client.
    pub(crate) warns: bool,
    /// The name of the server, which is its host.
    pub(crate) server: &'a str,
    pub(crate) provider: &'a str,
    /// The scopes with their words.
    pub(crate) scopes: Vec<(&'a str, &'a str)>,
    /// Those that the person has allowed this client before.
    pub(crate) allowed: Vec<(&'a str, &'a str)>,
    /// Why the page is shown once more.
    pub(crate) notice: Option<&'a str>,
    /// The sources to which the form, and the redirects after it, may lead.
    pub(crate) forms_go_to: String,
}

impl Consent<'_> {
    pub(crate) fn response(&self) -> Response {
        let title = format!("Allow {} to use {}?", self.client, self.provider);
        let body = html! {
            @if let Some(notice) = self.notice { p role="status" { (notice) } }
            p {
                strong { (self.client) } " asks for access to your " (self.provider)
                " account through the tools of " strong { (self.server) } "."
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
        page(&style, StatusCode::OK, &title, &body, &self.forms_go_to)
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

/// A page that says why it does not go on, and perhaps a link back to where the person came from.
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
    page(&format!("{root}/style.css"), status, title, &body, "'none'")
}
