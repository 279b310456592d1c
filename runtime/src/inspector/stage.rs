//! Stage of widgets: an origin of its own, where a widget's page runs as in a host.
//!
//! A page of a widget must not reach what the inspector's page may do, so it is served by another
//! listener, under another name of this machine.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use http::{HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    event_log::EventLog,
    files::{self, sentence},
};
use crate::{
    browser::{form, local_request},
    http::{GatedListener, RemoteAddress},
    support::{background, crypto, escape::escape},
};

/// The most pages that wait to be shown.
const MAX_PAGES: usize = 16;

/// The largest report of a browser, in bytes.
const MAX_REPORT_BYTES: usize = 64 << 10;

/// The most origins of one list.
const MAX_ORIGINS: usize = 32;

/// The origins that a page may reach (MCP Apps, `McpUiResourceCsp`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StageCsp {
    #[serde(rename = "connectDomains")]
    connect: Vec<String>,
    #[serde(rename = "resourceDomains")]
    resource: Vec<String>,
    #[serde(rename = "frameDomains")]
    frame: Vec<String>,
    #[serde(rename = "baseUriDomains")]
    base_uri: Vec<String>,
}

struct StagedPage {
    name: String,
    html: String,
    policy: String,
}

/// The pages, and their origin. Clones share them.
#[derive(Clone)]
pub(crate) struct Stage(Arc<StageState>);

struct StageState {
    port: u16,
    /// The port of the inspector's page, which may show them.
    page_port: u16,
    pages: Mutex<VecDeque<StagedPage>>,
    log: Arc<EventLog>,
}

impl Stage {
    /// Listens until `shutdown`. `page_port`: that of the inspector.
    pub(crate) fn listen(
        listener: GatedListener,
        page_port: u16,
        log: Arc<EventLog>,
        shutdown: CancellationToken,
    ) -> io::Result<Self> {
        let port = listener.address()?.port();
        let stage = Self(Arc::new(StageState { port, page_port, pages: Mutex::default(), log }));
        let router = Router::new().fallback(respond).with_state(stage.clone());
        let service = router.into_make_service_with_connect_info::<RemoteAddress>();
        background::spawn(async move {
            let serve = axum::serve(listener, service);
            let _ = serve.with_graceful_shutdown(shutdown.cancelled_owned()).await;
        });
        Ok(stage)
    }

    /// The origin of the pages.
    pub(super) fn origin(&self) -> String {
        format!("http://localhost:{}", self.0.port)
    }

    /// Keeps a page until it is shown, and returns its URL.
    pub(super) fn stage(&self, html: &str, csp: &StageCsp) -> String {
        let name = crypto::random_token();
        let url = format!("{}/{name}", self.origin());
        let page = StagedPage { name, html: with_hook(html), policy: self.policy(csp) };
        let mut pages = self.0.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= MAX_PAGES {
            pages.pop_front();
        }
        pages.push_back(page);
        url
    }

    fn policy(&self, csp: &StageCsp) -> String {
        let (origin, page_port) = (self.origin(), self.0.page_port);
        let resources = sources(&csp.resource);
        let or_none = |list: &[String]| match sources(list) {
            none if none.is_empty() => " 'none'".to_owned(),
            listed => listed,
        };
        let (connect, frame, base) =
            (or_none(&csp.connect), or_none(&csp.frame), or_none(&csp.base_uri));
        format!(
            "default-src 'none'; script-src 'unsafe-inline' {origin}{resources}; style-src 'unsafe-inline'{resources}; img-src data:{resources}; font-src data:{resources}; media-src data:{resources}; connect-src{connect}; frame-src{frame}; base-uri{base}; form-action 'none'; object-src 'none'; frame-ancestors http://127.0.0.1:{page_port} http://localhost:{page_port}; report-uri {origin}/report"
        )
    }

    fn take(&self, name: &str) -> Option<StagedPage> {
        let mut pages = self.0.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pages.iter().position(|page| page.name == name)?;
        pages.remove(at)
    }
}

/// The origins as sources of a directive, without those that are none.
fn sources(list: &[String]) -> String {
    let is_source = |text: &&String| {
        let rest = ["https://", "http://", "wss://", "ws://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:*/[]".contains(&b))
        })
    };
    list.iter().filter(is_source).take(MAX_ORIGINS).flat_map(|text| [" ", &**text]).collect()
}

/// The page with the script that shows its console, before all others.
fn with_hook(html: &str) -> String {
    const HOOK: &str = "<script src=\"/hook.js\"></script>";
    let lower = html.to_ascii_lowercase();
    let end_of = |tag: &str| {
        let start = lower.find(tag)?;
        let after = lower[start + tag.len()..].chars().next()?;
        let is_tag = after == '>' || after.is_ascii_whitespace();
        is_tag.then(|| lower[start..].find('>').map(|end| start + end + 1)).flatten()
    };
    let at = end_of("<head").or_else(|| end_of("<html")).or_else(|| end_of("<!doctype"));
    let (before, after) = html.split_at(at.unwrap_or(0));
    format!("{before}{HOOK}{after}")
}

async fn respond(State(stage): State<Stage>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<RemoteAddress>>();
    let is_local = peer.is_some_and(|peer| peer.0.0.ip().to_canonical().is_loopback());
    // The origin does not count: a page in a sandbox has none, and reports what it may not do.
    if !is_local || local_request::has_passed_proxy(&parts.headers) {
        return sentence(StatusCode::FORBIDDEN, "Only this machine is answered.");
    }
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if host != Some(&*format!("localhost:{}", stage.0.port)) {
        return sentence(StatusCode::FORBIDDEN, "The `Host` is not that of this server.");
    }
    match (&parts.method, parts.uri.path()) {
        (&Method::POST, "/report") => {
            if let Ok(body) = form::read_body(body, MAX_REPORT_BYTES).await
                && let Some(note) = note(&body)
            {
                stage.0.log.add_widget_note(&note);
            }
            empty(StatusCode::NO_CONTENT)
        }
        (&Method::GET, "/hook.js") => files::HOOK.into_response(),
        (&Method::GET, path) => match stage.take(path.trim_start_matches('/')) {
            Some(page) => page.into_response(),
            None => sentence(StatusCode::NOT_FOUND, "There is nothing here."),
        },
        _ => sentence(StatusCode::METHOD_NOT_ALLOWED, "There is nothing here."),
    }
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// What a report of a violation says, for the page.
fn note(report: &[u8]) -> Option<Value> {
    let report: Value = serde_json::from_slice(report).ok()?;
    let report = report.get("csp-report")?;
    let text = |member: &str| escape(report[member].as_str().unwrap_or_default()).into_owned();
    Some(json!({
        "kind": "csp",
        "directive": text("violated-directive"),
        "blocked": text("blocked-uri"),
    }))
}

impl StagedPage {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.html));
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        match HeaderValue::try_from(self.policy) {
            Ok(policy) => {
                headers.insert(header::CONTENT_SECURITY_POLICY, policy);
                response
            }
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage() -> Stage {
        let (port, page_port) = (9, 8765);
        Stage(Arc::new(StageState {
            port,
            page_port,
            pages: Mutex::default(),
            log: Arc::default(),
        }))
    }

    #[test]
    fn the_hook_is_the_first_script() {
        const HOOK: &str = "<script src=\"/hook.js\"></script>";
        for (html, before) in [
            ("<!doctype html><html><head><script>1</script>", "<!doctype html><html><head>"),
            ("<HTML lang=en><HEAD data-a=\"b\"><title>", "<HTML lang=en><HEAD data-a=\"b\">"),
            ("<html><header>a", "<html>"),
            ("<!doctype html><p>", "<!doctype html>"),
            ("<p>Grüße", ""),
        ] {
            assert!(with_hook(html).starts_with(&format!("{before}{HOOK}")), "{html}");
        }
    }

    #[test]
    fn a_page_is_shown_once_under_its_policy() {
        let stage = stage();
        let csp: StageCsp = serde_json::from_value(json!({
            "connectDomains": ["https://api.example", "https://a.example; script-src *", "'self'"],
        }))
        .unwrap();
        let url = stage.stage("<p>", &csp);
        let name = url.rsplit('/').next().unwrap();
        let page = stage.take(name).unwrap();
        assert!(page.policy.contains("connect-src https://api.example; frame-src 'none'"));
        assert!(!page.policy.contains("script-src *"), "{}", page.policy);
        assert!(stage.take(name).is_none());
    }

    #[test]
    fn pages_that_wait_are_bounded() {
        let stage = stage();
        for _ in 0..MAX_PAGES * 2 {
            stage.stage("<p>", &StageCsp::default());
        }
        assert_eq!(stage.0.pages.lock().unwrap().len(), MAX_PAGES);
    }

    #[test]
    fn a_report_is_shown_without_its_page() {
        let report = br#"{"csp-report":{"violated-directive":"connect-src","blocked-uri":"https://a.example/x","document-uri":"http://localhost:9/secret"}}"#;
        let expected =
            json!({ "kind": "csp", "directive": "connect-src", "blocked": "https://a.example/x" });
        assert_eq!(note(report), Some(expected));
        assert_eq!(note(b"{}"), None);
    }
}
