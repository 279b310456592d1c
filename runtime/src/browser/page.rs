//! The shell of every page that a person sees: plain HTML, no script, nothing from other sites.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

/// The path of the stylesheet.
pub(crate) const STYLE_PATH: &str = "/connect.css";

const STYLE: &str = "
:root { color-scheme: light dark; background: Canvas; color: CanvasText; font: 1.05rem/1.5 system-ui, sans-serif }
a { color: #0b57d0 }
@media (prefers-color-scheme: dark) { a { color: #a8c7fa } }
body { max-width: 34rem; margin: 9vh auto 3rem; padding: 0 1.25rem }
h1 { font-size: 1.4rem; line-height: 1.25 }
h2 { font-size: 1.15rem; margin-bottom: 0 }
code { overflow-wrap: anywhere }
li { margin: .3rem 0 }
dt { opacity: .75; margin-top: .6rem }
dd { margin: 0; overflow-wrap: anywhere }
button { font: inherit; padding: .5rem 1.4rem; margin: 1rem .6rem 0 0; cursor: pointer }
button.main { font-weight: 600 }
.warning { border-left: .25rem solid #c80; padding: .1rem 0 .1rem .8rem }
.next { opacity: .9 }
";

/// Where the forms of a page may be sent: sources of the `form-action` directive (CSP3 §6.4.1).
/// Browsers hold the redirects after a form to it as well.
#[derive(Clone, Debug)]
pub(crate) enum FormAction {
    /// Nowhere: the page has no form.
    None,
    /// To this server.
    SameOrigin,
    /// To these sources.
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    Sources(String),
}

impl FormAction {
    fn sources(&self) -> &str {
        match self {
            Self::None => "'none'",
            Self::SameOrigin => "'self'",
            Self::Sources(sources) => sources,
        }
    }
}

/// A page with a title.
pub(crate) struct Page<'a> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'a str,
    pub(crate) body: Markup,
    /// The path of the stylesheet.
    pub(crate) stylesheet: &'a str,
    pub(crate) form_action: FormAction,
}

impl Page<'_> {
    pub(crate) fn into_response(self) -> Response {
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    link rel="stylesheet" href=(self.stylesheet);
                }
                body { main { h1 { (self.title) } (self.body) } }
            }
        };
        let html = html.into_string();
        respond(self.status, "text/html; charset=utf-8", html, &self.form_action)
    }
}

/// A page without a form.
pub(crate) fn page(status: StatusCode, title: &str, body: Markup) -> Response {
    Page { status, title, body, stylesheet: STYLE_PATH, form_action: FormAction::None }
        .into_response()
}

/// The stylesheet of all pages.
pub(crate) fn stylesheet() -> Response {
    respond(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned(), &FormAction::None)
}

/// A reason in plain text, where there is no page.
pub(crate) fn text(status: StatusCode, reason: &str) -> Response {
    respond(status, "text/plain; charset=utf-8", reason.to_owned(), &FormAction::None)
}

/// Redirects the browser to `url`, which it requests with GET (RFC 9700 §4.12).
pub(crate) fn redirect(url: &str) -> Response {
    let Ok(url) = HeaderValue::try_from(url) else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "this server cannot redirect there");
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, url);
    harden(response.headers_mut(), &FormAction::None);
    response
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: String,
    form_action: &FormAction,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    harden(response.headers_mut(), form_action);
    response
}

/// Headers that keep a page from being framed, cached, sniffed, or named to other sites.
fn harden(headers: &mut HeaderMap, form_action: &FormAction) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action {}; frame-ancestors 'none'",
        form_action.sources()
    );
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_hardened() {
        let body = html! { p { "text" } };
        let with_form = Page {
            status: StatusCode::OK,
            title: "t",
            body: body.clone(),
            stylesheet: STYLE_PATH,
            form_action: FormAction::Sources("'self' myapp:".to_owned()),
        };
        for (response, forms) in [
            (page(StatusCode::OK, "t", body), "form-action 'none';"),
            (with_form.into_response(), "form-action 'self' myapp:;"),
            (stylesheet(), "form-action 'none';"),
            (text(StatusCode::FORBIDDEN, "no"), "form-action 'none';"),
            (redirect("/accounts"), "form-action 'none';"),
            (redirect("/\n"), "form-action 'none';"),
        ] {
            let header = |name: &str| response.headers()[name].to_str().unwrap();
            let policy = header("content-security-policy");
            assert!(policy.contains(forms), "{policy}");
            assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
            assert_eq!(header("x-frame-options"), "DENY");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("referrer-policy"), "no-referrer");
        }
    }
}
