//! Running a saved call, and comparing what came of it with what was expected.

use serde_json::{Value, json};

use super::{
    saved_calls::{LastRun, SavedCall},
    send::Sent,
    state::Inspector,
};
use crate::mcp::saved_call::outcome;

/// The version of the protocol in which calls are run.
const ERA: &str = "2026-07-28";

impl Inspector {
    /// Runs a saved call, and keeps how it ended.
    pub(super) async fn run_saved_call(&self, name: &str) -> Result<(), String> {
        let call = self.0.calls.get(name)?;
        let exchange = self.send(&message(&call)).await?;
        let outcome = outcome(exchange.status, &answer(&exchange.response));
        let checked = call.expect.check(&outcome);
        let last = LastRun { passed: checked.is_ok(), note: checked.err().unwrap_or_default() };
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

/// The answer in a body, which is JSON or a stream whose last event has it.
fn answer(body: &str) -> Value {
    let of_event = || body.lines().rev().find_map(|line| line.strip_prefix("data:"));
    let whole = serde_json::from_str(body).ok();
    whole.or_else(|| serde_json::from_str(of_event()?).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_from_json_and_from_a_stream() {
        let expected = json!({ "result": {} });
        assert_eq!(answer(r#"{"result":{}}"#), expected);
        assert_eq!(answer("data: {}\n\nevent: message\ndata: {\"result\":{}}\n\n"), expected);
        assert_eq!(answer("no JSON"), Value::Null);
    }
}
