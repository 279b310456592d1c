//! Challenge to a request without a token (RFC 6750 §3, RFC 9728 §5.1).

use url::Url;

use super::{
    examination::{Access, Examination},
    rules::{access, protocol},
};
use crate::remote::{
    challenge::{Challenge, challenges},
    http::Answer,
    text::quoted,
    well_known,
};

/// Which callers get an answer; `None` if nothing there speaks MCP.
pub(super) async fn examine(exam: &mut Examination, first: &Answer) -> Option<Access> {
    let is_message = first.message().is_some_and(|message| message["jsonrpc"] == "2.0");
    match first.status {
        401 => exam.report.ok(&access::CHALLENGE_STATUS, "401"),
        200..300 => {
            exam.report.skipped(&access::CHALLENGE_STATUS, "no token is asked for");
            return Some(Access::Open);
        }
        status => {
            let is_nowhere = matches!(status, 404 | 405 | 410);
            if is_nowhere || status != 403 && !has_metadata(exam).await {
                if is_message && (400..500).contains(&status) {
                    return Some(Access::Open);
                }
                let seen = first.summary();
                exam.report.violated(&protocol::INITIALIZE, &seen);
                exam.report.end(format!("nothing speaks MCP there: {seen}{}", hint(exam)));
                return None;
            }
            exam.report.violated(&access::CHALLENGE_STATUS, first.summary());
        }
    }
    let mut gated = Access::Gated { metadata: None, scope: None };
    let found = match challenges(&first.headers) {
        Err(header) => {
            exam.report.violated(&access::CHALLENGE_SYNTAX, header);
            return Some(gated);
        }
        Ok(found) => found,
    };
    let is_token = |challenge: &&Challenge| {
        ["bearer", "dpop"].contains(&challenge.scheme.to_ascii_lowercase().as_str())
    };
    let Some(challenge) = found.iter().find(is_token) else {
        if first.status == 401 {
            let schemes: Vec<_> = found.iter().map(|found| found.scheme.as_str()).collect();
            let seen = if schemes.is_empty() {
                "no WWW-Authenticate".to_owned()
            } else {
                format!("only {}", schemes.join(", "))
            };
            exam.report.violated(&access::CHALLENGE_BEARER, seen);
        }
        return Some(gated);
    };
    exam.report.ok(&access::CHALLENGE_BEARER, &challenge.scheme);
    let Access::Gated { metadata, scope } = &mut gated else { return Some(gated) };
    *scope = challenge.get("scope").filter(|scope| !scope.is_empty()).map(str::to_owned);
    if let Some(error) = challenge.get("error") {
        exam.report.violated(&access::CHALLENGE_ERROR, format!("error={}", quoted(error)));
    } else {
        exam.report.ok(&access::CHALLENGE_ERROR, "none");
    }
    match challenge.get("resource_metadata").map(|url| (url, Url::parse(url))) {
        Some((_, Ok(url))) => {
            exam.report.ok(&access::CHALLENGE_METADATA, url.as_str());
            *metadata = Some(url);
        }
        Some((url, Err(_))) => {
            exam.report.violated(&access::CHALLENGE_METADATA, format!("{url} is no URL"));
        }
        None => exam.report.violated(&access::CHALLENGE_METADATA, "none"),
    }
    Some(gated)
}

/// Whether there is metadata of a protected resource, so that a status is one of its gate.
async fn has_metadata(exam: &Examination) -> bool {
    for place in well_known::resource_places(&exam.endpoint) {
        let answer = exam.http.get(&place).await;
        let is_metadata = |answer: Answer| {
            answer.is_success()
                && answer.json().is_some_and(|json| json["authorization_servers"].is_array())
        };
        if answer.is_ok_and(is_metadata) {
            return true;
        }
    }
    false
}

/// Other addresses where it may be.
fn hint(exam: &Examination) -> &'static str {
    if exam.endpoint.path() == "/" { "; the endpoint is often /mcp" } else { "" }
}
