//! Versions and shapes of messages, in both eras.

use reqwest::{Method, header::ACCEPT};
use serde_json::{Value, json};

use super::{examination::Examination, resource::texts, rules::protocol};
use crate::remote::{
    http::{Answer, Failure, Read},
    mcp::{self, Remote, SESSION, VERSION},
    text::{listed, quoted},
};

/// Older versions, which hosts still ask for.
const OLDER: [&str; 2] = ["2025-06-18", "2025-03-26"];

/// What the server speaks.
pub(super) struct Spoken {
    /// The remote with its session, if it speaks a version of 2025.
    pub(super) legacy: Option<Remote>,
}

pub(super) async fn examine(exam: &mut Examination) -> Option<Spoken> {
    let mut remote = exam.authorized();
    let initialized = remote.send(&mcp::initialize(mcp::LEGACY, &json!({}))).await;
    let versions = modern(exam, &remote).await;
    let answer = match initialized {
        Ok(answer) if is_result(&answer) => answer,
        other if versions.is_empty() => {
            let seen = other.map_or_else(|failure| failure.to_string(), |answer| answer.summary());
            exam.report.violated(&protocol::INITIALIZE, seen);
            return None;
        }
        _ => {
            exam.report.ok(&protocol::INITIALIZE, "server/discover");
            exam.report.violated(&protocol::LEGACY, listed(&versions));
            return Some(Spoken { legacy: None });
        }
    };
    remote.begin(&answer);
    exam.report.ok(&protocol::INITIALIZE, "initialize");
    shape(exam, &answer);
    notification(exam, &remote).await;
    let negotiated = negotiate(exam, remote.version.clone(), &versions).await;
    exam.report.ok(&protocol::LEGACY, listed(&negotiated));
    get(exam, &remote).await;
    Some(Spoken { legacy: Some(remote) })
}

fn is_result(answer: &Answer) -> bool {
    answer.is_success() && answer.message().is_some_and(|message| message["result"].is_object())
}

/// The versions that `server/discover` names.
async fn modern(exam: &mut Examination, remote: &Remote) -> Vec<String> {
    let message = mcp::modern_request(1, "server/discover", json!({}));
    let answer = exam.http.send(remote.modern(&message), Read::Message).await;
    let Some(answer) = answer.ok().filter(is_result) else { return Vec::new() };
    let result = answer.message().unwrap_or_default()["result"].clone();
    let versions = texts(&result["supportedVersions"]);
    let missing: Vec<_> = ["supportedVersions", "capabilities", "resultType"]
        .into_iter()
        .filter(|name| result[*name].is_null())
        .collect();
    let seen = if missing.is_empty() {
        Ok(listed(&versions))
    } else {
        Err(format!("no {}", missing.join(", ")))
    };
    exam.report.judge(&protocol::DISCOVER, seen);
    headers(exam, remote).await;
    cache(exam, remote).await;
    if versions.is_empty() { vec![mcp::MODERN.to_owned()] } else { versions }
}

/// A header that contradicts the body.
async fn headers(exam: &mut Examination, remote: &Remote) {
    let message = mcp::modern_request(2, "tools/list", json!({}));
    let request = mcp::message_headers(remote.plain(Method::POST))
        .header(VERSION, mcp::MODERN)
        .header("mcp-method", "prompts/list")
        .body(message.to_string());
    let seen = match exam.http.send(request, Read::Message).await {
        Ok(answer) if is_result(&answer) => {
            Err("the list, although the header says prompts/list".to_owned())
        }
        Ok(answer) => Ok(answer.status.to_string()),
        Err(failure) => return exam.report.skipped(&protocol::MODERN_HEADERS, failure.to_string()),
    };
    exam.report.judge(&protocol::MODERN_HEADERS, seen);
}

async fn cache(exam: &mut Examination, remote: &Remote) {
    let message = mcp::modern_request(3, "tools/list", json!({}));
    let answer = exam.http.send(remote.modern(&message), Read::Message).await;
    let Some(answer) = answer.ok().filter(is_result) else { return };
    let result = answer.message().unwrap_or_default()["result"].clone();
    let missing: Vec<_> =
        ["ttlMs", "cacheScope"].into_iter().filter(|name| result[*name].is_null()).collect();
    let seen = if missing.is_empty() {
        Ok(format!(
            "{} ms, {}",
            result["ttlMs"],
            quoted(result["cacheScope"].as_str().unwrap_or_default())
        ))
    } else {
        Err(format!("no {}", missing.join(", ")))
    };
    exam.report.judge(&protocol::CACHE, seen);
}

fn shape(exam: &mut Examination, answer: &Answer) {
    let kind = answer.media_type();
    let is_known = matches!(kind.as_str(), "application/json" | "text/event-stream");
    exam.report.judge(&protocol::CONTENT_TYPE, if is_known { Ok(kind) } else { Err(kind) });
    let message = answer.message().unwrap_or_default();
    let seen = match (message["id"] == 1, message["jsonrpc"] == "2.0") {
        (true, true) => Ok("1".to_owned()),
        (false, _) => Err(format!("id {} for the request 1", message["id"])),
        (_, false) => Err(format!("jsonrpc {}", message["jsonrpc"])),
    };
    exam.report.judge(&protocol::ID, seen);
    let result = &message["result"];
    let info = &result["serverInfo"];
    let missing: Vec<_> = [
        ("protocolVersion", result["protocolVersion"].is_string()),
        ("capabilities", result["capabilities"].is_object()),
        ("serverInfo.name", info["name"].is_string()),
        ("serverInfo.version", info["version"].is_string()),
    ]
    .into_iter()
    .filter_map(|(name, is_there)| (!is_there).then_some(name))
    .collect();
    let text = |value: &Value| quoted(value.as_str().unwrap_or_default());
    let seen = if missing.is_empty() {
        Ok(format!("{} {}", text(&info["name"]), text(&info["version"])))
    } else {
        Err(format!("no {}", missing.join(", ")))
    };
    exam.report.judge(&protocol::SERVER_INFO, seen);
}

async fn notification(exam: &mut Examination, remote: &Remote) {
    let seen = match remote.send(&mcp::initialized()).await {
        Ok(answer) if answer.status == 202 => Ok("202".to_owned()),
        Ok(answer) => Err(answer.summary()),
        Err(failure) => Err(failure.to_string()),
    };
    exam.report.judge(&protocol::NOTIFICATION, seen);
}

/// The versions that are agreed on, of those of 2025, and of what does not exist.
async fn negotiate(
    exam: &mut Examination,
    newest: Option<String>,
    modern: &[String],
) -> Vec<String> {
    let mut agreed: Vec<_> = newest.into_iter().collect();
    for version in OLDER {
        let (answer, found) = offer(exam, version).await;
        if answer.is_ok() && found.as_deref() == Some(version) {
            agreed.push(version.to_owned());
        }
    }
    let (answer, found) = offer(exam, "1999-01-01").await;
    let seen = match (found, answer) {
        (Some(version), _) if version != "1999-01-01" => Ok(version),
        (Some(version), _) => Err(format!("it agrees to {version}")),
        (None, Ok(answer)) => Err(answer.summary()),
        (None, Err(failure)) => Err(failure.to_string()),
    };
    exam.report.judge(&protocol::VERSION, seen);
    for version in modern {
        if !agreed.contains(version) {
            agreed.push(version.clone());
        }
    }
    agreed
}

/// Begins a session with this version, and ends it again.
async fn offer(exam: &Examination, version: &str) -> (Result<Answer, Failure>, Option<String>) {
    let mut remote = exam.authorized();
    let answer = remote.send(&mcp::initialize(version, &json!({}))).await;
    let Ok(answer) = answer else { return (answer, None) };
    remote.begin(&answer);
    let found = remote.version.clone();
    super::sessions::delete(&remote).await;
    (Ok(answer), found)
}

async fn get(exam: &mut Examination, remote: &Remote) {
    let mut request = remote.plain(Method::GET).header(ACCEPT, "text/event-stream");
    for (name, value) in [(SESSION, &remote.session), (VERSION, &remote.version)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let seen = match exam.http.send(request, Read::Headers).await {
        Ok(answer) if answer.status == 405 => Ok("405".to_owned()),
        Ok(answer) if answer.is_success() && answer.media_type() == "text/event-stream" => {
            Ok("a stream".to_owned())
        }
        Ok(answer) if answer.status == 400 && remote.session.is_none() => {
            Ok("400 without a session".to_owned())
        }
        Ok(answer) => Err(answer.summary()),
        Err(failure) => Err(failure.to_string()),
    };
    exam.report.judge(&protocol::GET, seen);
}
