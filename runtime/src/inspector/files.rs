//! Files of the page, compressed as they are sent.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

use crate::support::escape::{MAX_LOGGED_CHARS, escape_to};

/// A file by its name, as it is sent.
pub(super) struct File {
    content_type: &'static str,
    gzip: &'static [u8],
}

/// The script that shows a widget's console in the page.
pub(super) const HOOK: File =
    File { content_type: SCRIPT, gzip: include_bytes!("../../inspector/hook.js.gz") };

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The file at a path below that of the page.
pub(super) fn find(name: &str) -> Option<File> {
    let file = |content_type, gzip: &'static [u8]| Some(File { content_type, gzip });
    match name {
        "" | "index.html" => {
            file("text/html; charset=utf-8", include_bytes!("../../inspector/index.html.gz"))
        }
        "inspector.js" => file(SCRIPT, include_bytes!("../../inspector/inspector.js.gz")),
        "inspector.css" => {
            file("text/css; charset=utf-8", include_bytes!("../../inspector/inspector.css.gz"))
        }
        "bridge.js" => file(SCRIPT, include_bytes!("../../inspector/bridge.js.gz")),
        _ => None,
    }
}

impl File {
    /// The response. Every browser of this century takes gzip.
    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.gzip));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    }
}

/// The policy of the page: its own files, and the frame of widgets, which are at `widget_origin`.
pub(super) fn policy(widget_origin: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src {widget_origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Adds what every response of the page has.
pub(super) fn secure(response: &mut Response, policy: &str) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// A response of one sentence. It may name what a token or a request says, which is escaped.
pub(super) fn sentence(status: StatusCode, text: &str) -> Response {
    let text = escape_to(text, MAX_LOGGED_CHARS);
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_compressed_and_no_others_are_found() {
        for name in ["", "index.html", "inspector.js", "inspector.css", "bridge.js"] {
            let file = find(name).unwrap();
            assert_eq!(file.gzip[..2], [0x1f, 0x8b], "{name}");
        }
        assert_eq!(HOOK.gzip[..2], [0x1f, 0x8b]);
        for name in ["hook.js", "../Cargo.toml", "index.html.gz", "api", "/", "%2e%2e/a"] {
            assert!(find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_policy_has_nothing_unsafe() {
        let policy = policy("http://localhost:1");
        assert!(!policy.contains("unsafe"));
        assert!(policy.contains("frame-ancestors 'none'"));
    }
}
