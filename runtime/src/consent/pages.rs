//! The pages that a person sees: plain HTML, no script, nothing from elsewhere.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::{Answer, accounts, accounts::TakenBack};

pub(crate) const STYLE_PATH: &str = "/connect.css";

const STYLE: &str = "
:root { color-scheme: light dark; background: Canvas; color: CanvasText; font: 1.05rem/1.5 system-ui, sans-serif }
a { color: #0b57d0 }
@media (prefers-color-scheme: dark) { a { color: #a8c7fa } }
body { max-width: 34rem; margin: 12vh auto 0; padding: 0 1.25rem }
h1 { font-size: 1.4rem; line-height: 1.25 }
h2 { font-size: 1.15rem; margin-bottom: 0 }
button { font: inherit; padding: .4rem 1.2rem; cursor: pointer }
code { overflow-wrap: anywhere }
li { margin: .3rem 0 }
p.next { opacity: .9 }
";

pub(crate) fn style() -> Answer {
    answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

fn answer(status: StatusCode, content_type: &'static str, text: String) -> Answer {
    let mut answer = Answer::new(text.into());
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    harden(answer.headers_mut());
    answer
}

/// No page, and a reason.
pub(crate) fn words(status: StatusCode, reason: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", reason.to_owned())
}

/// Sends the browser on; with GET, whatever it came with.
pub(crate) fn redirect(to: &str) -> Answer {
    let Ok(to) = HeaderValue::try_from(to) else { return our_fault() };
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, to);
    harden(answer.headers_mut());
    answer
}

/// What keeps a page from being framed, cached, sniffed, or heard of elsewhere.
pub(crate) fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Lets the forms of a page be sent, to this server.
pub(crate) fn allow_forms(headers: &mut HeaderMap) {
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

/// Was a form sent by a page of ours? Browsers say so, other programs need not.
pub(crate) fn is_own(headers: &HeaderMap, ours: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes() == b"same-origin");
    // A page without a referrer has the origin `null`.
    let origin = headers
        .get(header::ORIGIN)
        .filter(|origin| origin.as_bytes() != b"null")
        .map(|origin| origin.as_bytes() == ours.as_bytes());
    site.unwrap_or(true) && origin.unwrap_or(true)
}

/// A page of this title.
pub(crate) fn page(status: StatusCode, title: &str, body: &Markup) -> Answer {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body { main { h1 { (title) } (body) } }
        }
    };
    answer(status, "text/html; charset=utf-8", html.into_string())
}

pub(crate) fn connected(
    provider: &str,
    scopes: &[(String, &str)],
    withheld: &[String],
    has_accounts: bool,
) -> Answer {
    let title = format!("{provider} is connected");
    page(
        StatusCode::OK,
        &title,
        &html! {
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
                    " If you change your mind: " a href=(accounts::PATH) { "your accounts" } "."
                }
            }
        },
    )
}

pub(crate) fn disconnected(provider: &str, taken: TakenBack) -> Answer {
    page(
        StatusCode::OK,
        &format!("{provider} is disconnected"),
        &html! {
            p {
                @match taken {
                    TakenBack::Nothing => { "It was not connected to this server." }
                    TakenBack::Revoked => {
                        (provider) " has revoked the access, and this server has forgotten it."
                    }
                    TakenBack::Forgotten => {
                        "This server has forgotten the access. " (provider) " cannot be told so: take it back in your settings there as well."
                    }
                    TakenBack::NotRevoked => {
                        "This server has forgotten the access, but " (provider) " did not confirm that it has revoked it: take it back in your settings there as well."
                    }
                }
            }
            p.next { "You can close this window." }
        },
    )
}

pub(crate) fn foreign_form() -> Answer {
    page(
        StatusCode::FORBIDDEN,
        "Nothing was changed",
        &html! {
            p { "What was sent does not come from a page that this browser was just shown." }
            p.next { "Open " a href=(accounts::PATH) { "your accounts" } " and try again." }
        },
    )
}

pub(crate) fn refused(provider: &str, reason: &str) -> Answer {
    let title = format!("{provider} is not connected");
    page(
        StatusCode::OK,
        &title,
        &html! {
            p { (provider) ": " (reason) "." }
            p.next { "Nothing was changed. You can close this window; to try again, go back to your conversation and ask for it." }
        },
    )
}

/// Nothing that the person did or could do.
pub(crate) fn not_the_person(provider: &str, reason: &str) -> Answer {
    let title = format!("{provider} is not connected");
    page(
        StatusCode::BAD_GATEWAY,
        &title,
        &html! {
            p { (provider) ": " (reason) "." }
            p.next { "You did nothing wrong, and trying again will not help. Tell whoever runs this server; its log says more." }
        },
    )
}

pub(crate) fn expired() -> Answer {
    page(
        StatusCode::GONE,
        "This link is no longer good",
        &html! {
            p { "It was used already, or is more than ten minutes old." }
            p.next { "Go back to your conversation and ask again: you will get a new one." }
        },
    )
}

pub(crate) fn not_signed_in(reason: &str) -> Answer {
    page(
        StatusCode::FORBIDDEN,
        "You are not signed in",
        &html! {
            p { "Only the person who got the link may open it, and who you are was not said: " (reason) "." }
            p.next { "No account was connected. To try again, open the link once more." }
        },
    )
}

pub(crate) fn other_browser() -> Answer {
    page(
        StatusCode::FORBIDDEN,
        "This is not the browser that started",
        &html! {
            p { "Whoever connects an account must do it in one browser, from the link to the end." }
            p.next { "Open the link from your conversation in this browser." }
        },
    )
}

pub(crate) fn other_person() -> Answer {
    page(
        StatusCode::FORBIDDEN,
        "This link is for somebody else",
        &html! {
            p { "It connects an account for the person who got it in a conversation, and you are signed in as another." }
            p.next { "If somebody sent you this link, do not go on. If it is yours, sign in as yourself and open it again." }
        },
    )
}

pub(crate) fn not_ours() -> Answer {
    page(
        StatusCode::BAD_REQUEST,
        "This answer belongs to nothing",
        &html! { p { "No account was connected. Open the link from your conversation." } },
    )
}

pub(crate) fn our_fault() -> Answer {
    page(
        StatusCode::INTERNAL_SERVER_ERROR,
        "This server failed",
        &html! { p { "No account was connected. Its operator's log has the details; try again later." } },
    )
}
