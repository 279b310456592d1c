//! Outcome of a call, and how it is printed.

use std::fmt::Write as _;

use serde_json::Value;
use url::Url;

use crate::remote::text::{visible, visible_json};

/// What a server has answered to a call.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// The result, which may be an error of the tool.
    Result(Value),
    /// An error of the protocol.
    Error(Value),
    /// The user has to open these links first.
    Consent(Vec<Url>),
}

impl Outcome {
    /// Reads a response of JSON-RPC.
    pub(super) fn of(mut message: Value) -> Self {
        if message["error"].is_null() {
            let result = message["result"].take();
            return match links_of_result(&result) {
                links if links.is_empty() => Self::Result(result),
                links => Self::Consent(links),
            };
        }
        let error = message["error"].take();
        let elicitations = error["data"]["elicitations"].as_array().into_iter().flatten();
        let links: Vec<_> = elicitations.filter_map(link).collect();
        if error["code"] == -32042 && !links.is_empty() {
            Self::Consent(links)
        } else {
            Self::Error(error)
        }
    }

    /// Whether the tool has done what it was called for.
    pub(super) fn is_success(&self) -> bool {
        matches!(self, Self::Result(result) if result["isError"] != true)
    }

    /// The text for the terminal, or the JSON.
    pub(super) fn print(&self, json: bool) -> String {
        match self {
            Self::Result(value) | Self::Error(value) if json => visible_json(value) + "\n",
            Self::Result(result) => text(result),
            Self::Error(error) => {
                let message = visible(error["message"].as_str().unwrap_or_default());
                format!("error {}: {message}\n", visible_json(&error["code"]))
            }
            Self::Consent(_) => String::new(),
        }
    }
}

fn link(elicitation: &Value) -> Option<Url> {
    let is_url = elicitation["mode"] == "url";
    elicitation["url"].as_str().filter(|_| is_url).and_then(|url| Url::parse(url).ok())
}

/// The links of a round of 2026-07-28, `input_required`.
fn links_of_result(result: &Value) -> Vec<Url> {
    if result["resultType"] != "input_required" {
        return Vec::new();
    }
    let requests = result["inputRequests"].as_object().into_iter().flatten();
    requests.filter_map(|(_, request)| link(&request["params"])).collect()
}

/// The blocks of a result, as text.
fn text(result: &Value) -> String {
    let mut text = String::new();
    for block in result["content"].as_array().into_iter().flatten() {
        let kind = block["type"].as_str().unwrap_or_default();
        let _ = match block["text"].as_str() {
            Some(block) => writeln!(text, "{}", visible(block.trim_end())),
            None => writeln!(text, "[{}]", visible(kind)),
        };
    }
    if text.is_empty() && !result["structuredContent"].is_null() {
        let _ = writeln!(text, "{}", visible_json(&result["structuredContent"]));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_are_told_apart() {
        let error = json!({ "error": { "code": -32042, "message": "m", "data": {
            "elicitations": [{ "mode": "url", "url": "https://a.example/connect/x" }],
        } } });
        let link = Url::parse("https://a.example/connect/x").unwrap();
        assert_eq!(Outcome::of(error), Outcome::Consent(vec![link]));
        let failed = Outcome::of(json!({ "result": { "isError": true, "content": [] } }));
        assert!(!failed.is_success());
        let refused =
            Outcome::of(json!({ "error": { "code": -32602, "message": "No \u{1b}[1mtool" } }));
        assert!(!refused.is_success());
        assert_eq!(refused.print(false), "error -32602: No \\u{1b}[1mtool\n");
        let result =
            json!({ "content": [{ "type": "text", "text": "a\nb" }, { "type": "image" }] });
        let found = Outcome::of(json!({ "result": result }));
        assert!(found.is_success());
        assert_eq!(found.print(false), "a\nb\n[image]\n");
        assert_eq!(found.print(true), format!("{result:#}\n"));
    }
}
