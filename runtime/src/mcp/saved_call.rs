//! Saved calls: files of a project, each a call with the outcome that is expected of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// The end of the files' names.
pub(crate) const SUFFIX: &str = ".json";

/// A call as a file has it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct CallFile {
    pub(crate) tool: String,
    #[serde(default)]
    pub(crate) person: Option<String>,
    /// As it was typed: with all digits.
    pub(crate) arguments: Box<RawValue>,
    pub(crate) expect: Expectation,
}

/// What a call should come to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Expectation {
    /// `result`, `error`, `asks`, or a status.
    pub(crate) outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<String>,
}

impl Expectation {
    /// Compares what came with what was expected. The error is a sentence.
    pub(crate) fn check(&self, outcome: &str) -> Result<(), String> {
        if self.outcome == outcome {
            return Ok(());
        }
        Err(format!("{} was expected, and {} came.", describe(&self.outcome), describe(outcome)))
    }
}

/// What an answer came to: `result`, `error`, `asks`, or the status of a refusal.
pub(crate) fn outcome(status: u16, answer: &Value) -> String {
    let (result, error) = (&answer["result"], &answer["error"]);
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let has_link = text.contains("/connect/") || text.contains("/oauth/step-up/");
    let is_error = result["isError"] == true;
    let asks = result["resultType"] == "input_required" || error["code"] == -32042;
    let outcome = if asks || is_error && has_link {
        "asks"
    } else if is_error || error.is_object() && status < 400 {
        "error"
    } else if result.is_object() {
        "result"
    } else {
        return status.to_string();
    };
    outcome.to_owned()
}

fn describe(outcome: &str) -> String {
    match outcome {
        "result" => "a result".to_owned(),
        "error" => "an error".to_owned(),
        "asks" => "a question to the person".to_owned(),
        status => format!("status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_outcome_has_one_name() {
        let text = |text: &str| json!([{ "type": "text", "text": text }]);
        for (status, answer, expected) in [
            (200, json!({ "result": { "content": [] } }), "result"),
            (200, json!({ "result": { "isError": true, "content": text("no") } }), "error"),
            (
                200,
                json!({ "result": { "isError": true, "content": text("open http://a/connect/b") } }),
                "asks",
            ),
            (200, json!({ "result": { "resultType": "input_required" } }), "asks"),
            (200, json!({ "error": { "code": -32042 } }), "asks"),
            (200, json!({ "error": { "code": -32602 } }), "error"),
            (403, json!({ "error": { "code": -32001 } }), "403"),
            (401, Value::Null, "401"),
        ] {
            assert_eq!(outcome(status, &answer), expected, "{answer}");
        }
    }

    #[test]
    fn another_outcome_is_named() {
        let expectation = Expectation { outcome: "result".to_owned(), result: None };
        assert_eq!(expectation.check("result"), Ok(()));
        let error = expectation.check("403").unwrap_err();
        assert_eq!(error, "a result was expected, and status 403 came.");
    }
}
