//! Running a saved call, and comparing what came of it with what was expected.

use serde_json::{Value, json};

use super::{
    saved_calls::{LastRun, SavedCall},
    send::Sent,
    state::Inspector,
};

/// The version of the protocol in which calls are run.
const ERA: &str = "2026-07-28";

impl Inspector {
    /// Runs a saved call, and keeps how it ended.
    pub(super) async fn run_saved_call(&self, name: &str) -> Result<(), String> {
        let call = self.0.calls.get(name)?;
        let exchange = self.send(&message(&call)).await?;
        let outcome = outcome(exchange.status, &exchange.response);
        let last = compare(&call, &outcome);
        self.0.calls.set_last(name, last);
        Ok(())
    }
}

fn message(call: &SavedCall) -> Sent {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": ERA,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
    });
    let tool = Value::from(&*call.tool);
    // The arguments as they are.
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":{tool},"arguments":{},"_meta":{meta}}}}}"#,
        call.arguments
    );
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = vec![
        header("mcp-protocol-version", ERA),
        header("mcp-method", "tools/call"),
        header("mcp-name", &call.tool),
    ];
    Sent { person: call.person.clone(), era: ERA.to_owned(), body, headers }
}

/// `result`, `error`, `asks`, or the status of a refusal.
fn outcome(status: u16, body: &str) -> String {
    let of_event = || body.lines().rev().find_map(|line| line.strip_prefix("data:"));
    let answer = serde_json::from_str::<Value>(body).ok();
    let answer = answer.or_else(|| serde_json::from_str(of_event()?).ok()).unwrap_or_default();
    let (result, error) = (&answer["result"], &answer["error"]);
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let has_link = text.contains("/connect/") || text.contains("/oauth/step-up/");
    let outcome = if result["resultType"] == "input_required" || error["code"] == -32042 {
        "asks"
    } else if result["isError"] == true {
        if has_link { "asks" } else { "error" }
    } else if result.is_object() {
        "result"
    } else if error.is_object() && status < 400 {
        "error"
    } else {
        return status.to_string();
    };
    outcome.to_owned()
}

fn compare(call: &SavedCall, outcome: &str) -> LastRun {
    let expected = &*call.expect.outcome;
    let passed = expected == outcome;
    let note = if passed {
        String::new()
    } else {
        format!("{} was expected, and {} came.", describe(expected), describe(outcome))
    };
    LastRun { passed, note }
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
    use super::*;

    #[test]
    fn an_outcome_has_one_name() {
        for (status, body, expected) in [
            (200, r#"{"result":{"content":[]}}"#, "result"),
            (200, "event: message\ndata: {\"result\":{\"content\":[]}}\n\n", "result"),
            (
                200,
                r#"{"result":{"isError":true,"content":[{"type":"text","text":"no"}]}}"#,
                "error",
            ),
            (
                200,
                r#"{"result":{"isError":true,"content":[{"type":"text","text":"open http://a/connect/b"}]}}"#,
                "asks",
            ),
            (200, r#"{"result":{"resultType":"input_required"}}"#, "asks"),
            (200, r#"{"error":{"code":-32042}}"#, "asks"),
            (200, r#"{"error":{"code":-32602}}"#, "error"),
            (403, r#"{"error":{"code":-32001}}"#, "403"),
            (401, "", "401"),
        ] {
            assert_eq!(outcome(status, body), expected, "{body}");
        }
    }
}
