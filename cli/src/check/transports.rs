//! Transports other than streamable HTTP.

use reqwest::{Method, header};
use url::Url;

use super::{examination::Examination, rules::protocol};
use crate::remote::http::Read;

pub(super) async fn examine(exam: &mut Examination, is_open: bool) {
    if let Some(url) = sibling(&exam.endpoint, "sse") {
        let request = exam.http.request(Method::GET, &url);
        let request = request.header(header::ACCEPT, "text/event-stream");
        let answer = exam.http.send(request, Read::Headers).await;
        match answer {
            Ok(answer) if answer.is_success() && answer.media_type() == "text/event-stream" => {
                if is_open {
                    exam.report.ok(&protocol::SSE, format!("{} is open, too", url.path()));
                } else {
                    exam.report.violated(&protocol::SSE, format!("{} asks for none", url.path()));
                }
            }
            Ok(answer) if answer.status == 401 => exam.report.ok(&protocol::SSE, "401"),
            _ => exam.report.skipped(&protocol::SSE, format!("there is none at {}", url.path())),
        }
    }
    websocket(exam, is_open).await;
}

async fn websocket(exam: &mut Examination, is_open: bool) {
    let Some(url) = sibling(&exam.endpoint, "ws") else { return };
    let request = exam
        .http
        .request(Method::GET, &url)
        .version(reqwest::Version::HTTP_11)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "mcp");
    match exam.http.send(request, Read::Headers).await {
        Ok(answer) if answer.status == 101 && is_open => {
            exam.report.ok(&protocol::WEBSOCKET, format!("{} is open, too", url.path()));
        }
        Ok(answer) if answer.status == 101 => {
            exam.report.violated(&protocol::WEBSOCKET, format!("{} asks for none", url.path()));
        }
        Ok(answer) if answer.status == 401 => exam.report.ok(&protocol::WEBSOCKET, "401"),
        _ => exam.report.skipped(&protocol::WEBSOCKET, format!("there is none at {}", url.path())),
    }
}

/// The URL in the same folder as the endpoint.
fn sibling(endpoint: &Url, name: &str) -> Option<Url> {
    let mut url = endpoint.clone();
    url.path_segments_mut().ok()?.pop_if_empty().pop().push(name);
    url.set_query(None);
    (url.path() != endpoint.path()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_transports_are_next_to_the_endpoint() {
        for (endpoint, expected) in [
            ("https://a.example/mcp", Some("https://a.example/sse")),
            ("https://a.example/tools/mcp/?x", Some("https://a.example/tools/sse")),
            ("https://a.example/", Some("https://a.example/sse")),
            ("https://a.example/sse", None),
        ] {
            let found = sibling(&Url::parse(endpoint).unwrap(), "sse");
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{endpoint}");
        }
    }
}
