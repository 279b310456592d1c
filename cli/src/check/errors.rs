//! Shapes of errors, and internal details in them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{examination::Examination, protocol::Spoken, rules::protocol};
use crate::remote::{
    http::{Answer, Failure, Read},
    mcp::{self, SESSION, VERSION},
};

/// Texts that are in stack traces and in paths of servers.
const DETAILS: [&str; 7] = [
    "Traceback (most recent call last)",
    "    at ",
    "node_modules/",
    "site-packages/",
    ".rs:",
    "panicked at",
    "/home/",
];

pub(super) async fn examine(exam: &mut Examination, spoken: &Spoken) {
    let parse = parse(exam, spoken).await;
    let seen = match &parse {
        Ok(answer) if answer.status < 500 && is_error(answer) => Ok(answer.status.to_string()),
        Ok(answer) => Err(answer.summary()),
        Err(failure) => Err(failure.to_string()),
    };
    exam.report.judge(&protocol::PARSE_ERROR, seen);
    let method = ask(exam, spoken, "toolgate/check", json!({})).await;
    let seen = match &method {
        Ok(answer) if answer.status < 500 && is_error(answer) => Ok(code(answer)),
        Ok(answer) => Err(answer.summary()),
        Err(failure) => Err(failure.to_string()),
    };
    exam.report.judge(&protocol::METHOD_ERROR, seen);
    let call = json!({ "name": "toolgate_check_no_such_tool", "arguments": {} });
    let tool = ask(exam, spoken, "tools/call", call).await;
    let seen = match &tool {
        Ok(answer) if matches!(answer.status, 401 | 403 | 500..) => Err(answer.summary()),
        Ok(answer) if is_error(answer) => Ok(code(answer)),
        Ok(answer)
            if answer.message().is_some_and(|message| message["result"]["isError"] == true) =>
        {
            Ok("isError".to_owned())
        }
        Ok(answer) => Err(answer.summary()),
        Err(failure) => Err(failure.to_string()),
    };
    exam.report.judge(&protocol::TOOL_ERROR, seen);
    let leak = [parse, method, tool].into_iter().flatten().find_map(|answer| detail(&answer));
    exam.report.judge(&protocol::DETAILS, leak.map_or_else(|| Ok("none".to_owned()), Err));
}

async fn ask(
    exam: &Examination,
    spoken: &Spoken,
    method: &str,
    params: Value,
) -> Result<Answer, Failure> {
    match &spoken.legacy {
        Some(remote) => remote.send(&mcp::request(5, method, params)).await,
        None => {
            let message = mcp::modern_request(5, method, params);
            exam.http.send(exam.authorized().modern(&message), Read::Message).await
        }
    }
}

/// A body that is no JSON.
async fn parse(exam: &Examination, spoken: &Spoken) -> Result<Answer, Failure> {
    let remote = spoken.legacy.clone().unwrap_or_else(|| exam.authorized());
    let mut request = mcp::message_headers(remote.plain(Method::POST));
    for (name, value) in [(SESSION, &remote.session), (VERSION, &remote.version)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    exam.http.send(request.body(r#"{"jsonrpc":"2.0","#), Read::Message).await
}

fn is_error(answer: &Answer) -> bool {
    answer.message().is_some_and(|message| message["error"]["code"].is_i64())
}

fn code(answer: &Answer) -> String {
    answer.message().unwrap_or_default()["error"]["code"].to_string()
}

/// The internal details in an answer.
fn detail(answer: &Answer) -> Option<String> {
    let text = String::from_utf8_lossy(&answer.body).replace("\\n", "\n");
    let at = DETAILS.iter().find_map(|detail| text.find(detail))?;
    Some(text[at..].chars().take(80).collect())
}
