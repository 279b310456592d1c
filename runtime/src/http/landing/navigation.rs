//! Which requests to the endpoint come from a person with a browser.

use http::{HeaderMap, HeaderName, Method, header, request::Parts};

use crate::http::headers::{METHOD, SESSION, VERSION};

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Whether a browser navigates to the endpoint: it asks for HTML, and nothing in the request is of
/// a client, which asks for a stream of events.
pub(super) fn is_navigation(request: &Parts) -> bool {
    let headers = &request.headers;
    let has_token = || {
        request.uri.query().is_some_and(|query| {
            url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
        })
    };
    // Only clients of the protocol send them.
    let of_clients = [
        &header::AUTHORIZATION,
        &SESSION,
        &VERSION,
        &METHOD,
        &HeaderName::from_static("last-event-id"),
    ];
    matches!(request.method, Method::GET | Method::HEAD)
        && prefers_html(headers)
        && !of_clients.into_iter().any(|name| headers.contains_key(name))
        && headers.get(SEC_FETCH_DEST).is_none_or(|destination| destination == "document")
        && !has_token()
}

/// Whether `Accept` names HTML with at least the weight of JSON, and no stream of events
/// (RFC 9110 §12.5.1).
fn prefers_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (0.0_f32, 0.0_f32);
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1.0, |(_, weight)| weight.trim().parse().unwrap_or(0.0));
        match &*kind {
            "text/event-stream" => return false,
            "text/html" | "application/xhtml+xml" => html = html.max(weight),
            "application/json" => json = json.max(weight),
            _ => {}
        }
    }
    html > 0.0 && html >= json
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const CHROME: &str =
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    const SAFARI: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    fn navigates(method: Method, uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_navigation(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn browsers_navigate() {
        for accept in [
            CHROME,
            SAFARI,
            "text/html",
            "TEXT/HTML;q=0.5",
            "application/json;q=0.1, text/html;q=0.9",
        ] {
            for method in [Method::GET, Method::HEAD] {
                assert!(navigates(method, "/mcp", &[("accept", accept)]), "{accept}");
            }
        }
        let document = [("accept", CHROME), ("sec-fetch-dest", "document"), ("cookie", "a=b")];
        assert!(navigates(Method::GET, "/mcp?utm=1", &document));
    }

    #[test]
    fn clients_do_not() {
        for accept in [
            "text/event-stream",
            "application/json, text/event-stream",
            "text/html, text/event-stream",
            "text/html;q=0.9, text/event-stream;q=0.1",
            "application/json",
            "application/json, text/html;q=0.9",
            "text/html;q=0",
            "text/html;q=x",
            "text/*",
            "*/*",
            "",
        ] {
            assert!(!navigates(Method::GET, "/mcp", &[("accept", accept)]), "{accept}");
        }
        assert!(!navigates(Method::GET, "/mcp", &[]));
        for method in [Method::POST, Method::DELETE, Method::OPTIONS, Method::PUT] {
            assert!(!navigates(method, "/mcp", &[("accept", CHROME)]));
        }
        for (name, value) in [
            ("authorization", "Bearer x"),
            (SESSION.as_str(), "1"),
            (VERSION.as_str(), "2025-11-25"),
            ("mcp-method", "ping"),
            ("last-event-id", "0"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-dest", "iframe"),
            ("sec-fetch-dest", "script"),
        ] {
            assert!(
                !navigates(Method::GET, "/mcp", &[("accept", CHROME), (name, value)]),
                "{name}"
            );
        }
        for query in ["access_token=x", "a=b&access_token=x", "acc%65ss_token="] {
            assert!(!navigates(Method::GET, &format!("/mcp?{query}"), &[("accept", CHROME)]));
        }
    }
}
