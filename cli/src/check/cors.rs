//! Pages of other origins: which may send messages, and what they may read.

use reqwest::{
    Method,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, AsHeaderName, HOST, ORIGIN,
    },
};
use serde_json::json;

use super::{examination::Examination, rules::protocol};
use crate::remote::{
    http::{Answer, Read},
    mcp,
    well_known::is_loopback,
};

/// The origin of the official inspector.
const INSPECTOR: &str = "http://localhost:6274";

/// The origin of a page that does not exist (RFC 6761 §6.4).
const FOREIGN: &str = "https://toolgate-check.invalid";

/// The request headers of pages.
const SENT: [&str; 4] = ["authorization", "content-type", "mcp-protocol-version", "mcp-session-id"];

/// The response headers that pages read.
const READ: [&str; 2] = ["mcp-session-id", "www-authenticate"];

pub(super) async fn examine(exam: &mut Examination, first: &Answer) {
    let Some(preflight) = preflight(exam, INSPECTOR).await else {
        return exam
            .report
            .skipped(&protocol::CORS_HEADERS, "no page of another origin is allowed");
    };
    exam.has_cors = true;
    let is_sent = |answer: &Answer| {
        answer.header(ACCESS_CONTROL_ALLOW_CREDENTIALS) == Some("true")
            && answer.header(ACCESS_CONTROL_ALLOW_ORIGIN).is_some()
    };
    let foreign = self::preflight(exam, FOREIGN).await;
    let seen = if foreign.is_some_and(|answer| is_sent(&answer)) {
        Err(format!("with cookies from {FOREIGN}"))
    } else {
        Ok("without cookies".to_owned())
    };
    exam.report.judge(&protocol::CORS_CREDENTIALS, seen);
    let mut missing = missing(&preflight, ACCESS_CONTROL_ALLOW_HEADERS, &SENT);
    if let Some(answer) = from_page(exam).await {
        let read = if first.status == 401 { &READ[..] } else { &READ[..1] };
        missing.extend(self::missing(&answer, ACCESS_CONTROL_EXPOSE_HEADERS, read));
    }
    let seen = if missing.is_empty() {
        Ok("all of them".to_owned())
    } else {
        Err(format!("without {}", missing.join(", ")))
    };
    exam.report.judge(&protocol::CORS_HEADERS, seen);
}

/// The answer before a message of a page, if it allows the page.
async fn preflight(exam: &Examination, origin: &str) -> Option<Answer> {
    let request = exam
        .http
        .request(Method::OPTIONS, &exam.endpoint)
        .header(ORIGIN, origin)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, SENT.join(","));
    let answer = exam.http.send(request, Read::Headers).await.ok()?;
    let allowed = answer.header(ACCESS_CONTROL_ALLOW_ORIGIN)?;
    (answer.is_success() && (allowed == "*" || allowed == origin)).then_some(answer)
}

/// The answer to a message of a page without a token.
async fn from_page(exam: &Examination) -> Option<Answer> {
    let message = mcp::initialize(mcp::LEGACY, &json!({}));
    let request = exam.remote(None).post(&message).header(ORIGIN, INSPECTOR);
    exam.http.send(request, Read::Headers).await.ok()
}

fn missing(answer: &Answer, header: impl AsHeaderName, names: &[&str]) -> Vec<String> {
    let listed = answer.header(header).unwrap_or_default().to_ascii_lowercase();
    let has = |name: &&str| {
        listed.split(',').any(|item| matches!(item.trim(), "*") || item.trim() == *name)
    };
    names.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect()
}

/// Messages of foreign pages, and of pages whose name resolves to this machine.
pub(super) async fn origins(exam: &mut Examination, is_open: bool) {
    let message = mcp::initialize(mcp::LEGACY, &json!({}));
    let remote = exam.authorized();
    let mut is_rebindable = false;
    if is_open && is_loopback(&exam.endpoint) {
        let request = remote.post(&message).header(HOST, "toolgate-check.invalid");
        match exam.http.send(request, Read::Headers).await {
            Ok(answer) if answer.is_success() => {
                is_rebindable = true;
                let seen = format!("{} for toolgate-check.invalid", answer.status);
                exam.report.violated(&protocol::HOST, seen);
            }
            Ok(answer) => exam.report.ok(&protocol::HOST, answer.status.to_string()),
            Err(failure) => exam.report.skipped(&protocol::HOST, failure.to_string()),
        }
    } else {
        exam.report.skipped(&protocol::HOST, "it matters on this machine, without a gate");
    }
    let request = remote.post(&message).header(ORIGIN, FOREIGN);
    match exam.http.send(request, Read::Headers).await {
        Ok(answer) if answer.is_success() => {
            let seen = format!("{} for {FOREIGN}", answer.status);
            // At other servers, a foreign page has no token, or its browser does not send its JSON.
            if is_open && (exam.has_cors || is_rebindable) {
                exam.report.violated(&protocol::ORIGIN, seen);
            } else {
                exam.report.warning(&protocol::ORIGIN, seen);
            }
        }
        Ok(answer) => exam.report.ok(&protocol::ORIGIN, answer.status.to_string()),
        Err(failure) => exam.report.skipped(&protocol::ORIGIN, failure.to_string()),
    }
}
