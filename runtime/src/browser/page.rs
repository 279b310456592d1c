//! The shell of every page that a person sees: plain HTML, no script, nothing from other sites.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::site::Site;

/// The path of the stylesheet.
pub(crate) const STYLE_PATH: &str = "/connect.css";

const STYLE: &str = include_str!("page.css");

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
    /// The page without the name of its server, which [`on_site`] adds.
    pub(crate) fn into_response(self) -> Response {
        let status = self.status;
        let content = self.into_content();
        let mut response = content.write(Response::new(()), None).map(Body::from);
        *response.status_mut() = status;
        response.extensions_mut().insert(content);
        response
    }

    /// The page with the name of its server.
    pub(crate) fn into_response_of(self, site: &Site) -> Response<String> {
        let status = self.status;
        let mut response = self.into_content().write(Response::new(()), Some(site));
        *response.status_mut() = status;
        response
    }

    fn into_content(self) -> Content {
        Content {
            title: self.title.to_owned(),
            body: self.body.into_string(),
            stylesheet: self.stylesheet.to_owned(),
            form_action: self.form_action,
        }
    }
}

/// Response extension: what a page consists of.
#[derive(Clone)]
pub(crate) struct Content {
    title: String,
    /// Markup.
    body: String,
    stylesheet: String,
    form_action: FormAction,
}

impl Content {
    /// The same page below the path of its server's URL.
    fn below(mut self, root: &str) -> Self {
        if !root.is_empty() {
            self.body = links_below(&self.body, root);
            if lacks_root(&self.stylesheet, root) {
                self.stylesheet.insert_str(0, root);
            }
        }
        self
    }

    /// Writes the page as the body of a response, with the name of its server if it is known.
    fn write<B>(&self, response: Response<B>, site: Option<&Site>) -> Response<String> {
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) @if let Some(site) = site { " · " (site.name()) } }
                    link rel="stylesheet" href=(self.stylesheet);
                    @if let Some(site) = site { (site.favicon()) }
                }
                body {
                    @if let Some(site) = site { (site.header()) }
                    main { h1 { (self.title) } (PreEscaped(&self.body)) }
                }
            }
        };
        let mut response = response.map(|_| html.into_string());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        harden(headers, &self.form_action, site.and_then(Site::image_sources));
        response
    }
}

/// The links and the forms of a page, with `root` before the paths that lack it. In text a quotation
/// mark is escaped, so these are attributes.
fn links_below(html: &str, root: &str) -> String {
    let mut html = html.to_owned();
    for attribute in [" href=\"", " action=\""] {
        let mut parts = html.split(attribute);
        let mut below = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            below.push_str(attribute);
            if lacks_root(part, root) {
                below.push_str(root);
            }
            below.push_str(part);
        }
        html = below;
    }
    html
}

/// Whether a text begins with a path of this server that does not begin with `root`.
fn lacks_root(text: &str, root: &str) -> bool {
    let has_root = text
        .strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '"', '?']));
    text.starts_with('/') && !text.starts_with("//") && !has_root
}

/// Adds the name and the icon of the server to all pages of a router, and puts their links, and
/// redirects within the server, below `root`: the path of the server's URL, without a slash at its end.
pub(crate) fn on_site(site: &Arc<Site>, root: &str, pages: Router) -> Router {
    pages.layer(middleware::from_fn_with_state((Arc::clone(site), Arc::from(root)), add_site))
}

async fn add_site(
    State((site, root)): State<(Arc<Site>, Arc<str>)>,
    request: Request,
    next: Next,
) -> Response {
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    if let Some(path) = location.filter(|path| lacks_root(path, &root))
        && let Ok(path) = HeaderValue::try_from(format!("{root}{path}"))
    {
        response.headers_mut().insert(header::LOCATION, path);
    }
    let Some(content) = response.extensions_mut().remove::<Content>() else { return response };
    let content = content.below(&root);
    // The length was that of the page without a name.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    let response = content.write(response, Some(&site)).map(Body::from);
    if is_head { response.map(|_| Body::empty()) } else { response }
}

/// A page without a form.
pub(crate) fn page(status: StatusCode, title: &str, body: Markup) -> Response {
    Page { status, title, body, stylesheet: STYLE_PATH, form_action: FormAction::None }
        .into_response()
}

/// The stylesheet of all pages.
pub(crate) fn stylesheet() -> Response {
    respond(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

/// A reason in plain text, where there is no page.
pub(crate) fn text(status: StatusCode, reason: &str) -> Response {
    respond(status, "text/plain; charset=utf-8", reason.to_owned())
}

/// Redirects the browser to `url`, which it requests with GET (RFC 9700 §4.12).
pub(crate) fn redirect(url: &str) -> Response {
    let Ok(url) = HeaderValue::try_from(url) else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "this server cannot redirect there");
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, url);
    harden(response.headers_mut(), &FormAction::None, None);
    response
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    harden(response.headers_mut(), &FormAction::None, None);
    response
}

/// Headers that keep a page from being framed, cached, sniffed, or named to other sites.
fn harden(headers: &mut HeaderMap, form_action: &FormAction, images: Option<&str>) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src {}; base-uri 'none'; form-action {}; frame-ancestors 'none'",
        images.unwrap_or("'none'"),
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
    fn links_and_forms_lead_below_the_path_of_the_server() {
        let page = r#"<a href="/accounts">x</a> <form method="post" action="/oauth/consent?a"><a href="/tools/b"> <a href="https://a.example/c"> <a href="//a.example/d"> &quot; href=&quot;/e"#;
        let below = links_below(page, "/tools");
        assert_eq!(
            below,
            r#"<a href="/tools/accounts">x</a> <form method="post" action="/tools/oauth/consent?a"><a href="/tools/b"> <a href="https://a.example/c"> <a href="//a.example/d"> &quot; href=&quot;/e"#
        );
        assert_eq!(links_below(&below, "/tools"), below);
        assert!(lacks_root("/toolsmith", "/tools") && !lacks_root("/tools", "/tools"));
    }

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
