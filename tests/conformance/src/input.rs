//! What asks its user before it answers: multi round-trip requests, SEP-2322.

use rmcp::{
    ErrorData,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputRequiredResult,
        InputResponses, RequestStateCodec,
    },
};
use serde_json::{Map, Value, json};

use crate::fallback::{Answer, ours};

/// Asks, and knows its own states again.
pub(crate) struct Input {
    codec: RequestStateCodec,
}

impl Default for Input {
    fn default() -> Self {
        // The states live as long as this process, and nobody else reads them.
        let codec = RequestStateCodec::try_new(b"a key for a server that is judged only")
            .expect("the key is long enough");
        Self { codec }
    }
}

impl Input {
    pub(crate) const PROMPT: &str = "test_input_required_result_prompt";
    pub(crate) const TOOLS: [&str; 8] = [
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_tampered_state",
        "test_input_required_result_capabilities",
    ];

    pub(crate) fn call(
        &self,
        request: &CallToolRequestParams,
        client: &ClientCapabilities,
    ) -> Answer<CallToolResponse> {
        let name = request.name.strip_prefix("test_input_required_result_").unwrap_or_default();
        let state = self.state(request.request_state.as_deref())?;
        let given = Given(request.input_responses.as_ref());
        let confirm = elicit("Please confirm", "ok", "boolean");
        let who = elicit("What is your name?", "name", "string");
        let answer = match (name, state.as_deref()) {
            ("elicitation", _) => match given.accepted("user_name") {
                Some(content) => done(&format!("Hello, {}!", content["name"])),
                None => return required(json!({ "user_name": who }), None),
            },
            ("sampling", _) => match given.object("capital_question") {
                Some(answer) => done(&format!("The model says: {}", answer["content"])),
                None => {
                    let ask = sample("What is the capital of France?", 100);
                    return required(json!({ "capital_question": ask }), None);
                }
            },
            ("list_roots", _) => match given.object("client_roots") {
                Some(answer) => done(&format!("The roots are {}", answer["roots"])),
                None => return required(json!({ "client_roots": roots() }), None),
            },
            ("request_state" | "tampered_state", Some("asked")) if given.has("confirm") => {
                done("state-ok")
            }
            ("request_state" | "tampered_state", _) => {
                return required(json!({ "confirm": confirm }), Some(self.seal("asked")));
            }
            ("multiple_inputs", Some("asked"))
                if ["user_name", "greeting", "client_roots"].iter().all(|key| given.has(key)) =>
            {
                done("all three are here")
            }
            ("multiple_inputs", _) => {
                let all = json!({
                    "user_name": who,
                    "greeting": sample("Generate a greeting", 50),
                    "client_roots": roots(),
                });
                return required(all, Some(self.seal("asked")));
            }
            ("multi_round", Some("second")) if given.has("step2") => done("both steps are done"),
            ("multi_round", Some("first")) if given.has("step1") => {
                let step = elicit("Step 2: What is your favorite color?", "color", "string");
                return required(json!({ "step2": step }), Some(self.seal("second")));
            }
            ("multi_round", _) => {
                let step = elicit("Step 1: What is your name?", "name", "string");
                return required(json!({ "step1": step }), Some(self.seal("first")));
            }
            _ => {
                let mut asks = Map::new();
                if client.sampling.is_some() {
                    asks.insert("greeting".into(), sample("Generate a greeting", 50));
                }
                if client.elicitation.is_some() {
                    asks.insert("user_name".into(), who);
                }
                if asks.keys().any(|key| !given.has(key)) {
                    return required(Value::Object(asks), None);
                }
                done("what the client can do was asked of it")
            }
        };
        Ok(answer.into())
    }

    /// Asks at once, so that the reply has nothing in it but what may be there.
    pub(crate) fn streaming(&self, request: &CallToolRequestParams) -> Answer<CallToolResponse> {
        let confirm = json!({ "confirm": elicit("Please confirm", "ok", "boolean") });
        if Given(request.input_responses.as_ref()).has("confirm") {
            return Ok(done("confirmed").into());
        }
        required(confirm, Some(self.seal("asked")))
    }

    pub(crate) fn prompt(request: &GetPromptRequestParams) -> Answer<GetPromptResponse> {
        let Some(content) = Given(request.input_responses.as_ref()).accepted("user_context") else {
            let ask = elicit("What context should the prompt use?", "context", "string");
            return required(json!({ "user_context": ask }), None);
        };
        let text = format!("Speak about {}", content["context"]);
        let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
        Ok(GetPromptResult::new(vec![ours(message)?]).into())
    }

    fn seal(&self, state: &str) -> String {
        self.codec.seal(state.as_bytes())
    }

    fn state(&self, sealed: Option<&str>) -> Answer<Option<String>> {
        let Some(sealed) = sealed else { return Ok(None) };
        let opened = self.codec.open(sealed).ok().and_then(|state| String::from_utf8(state).ok());
        opened.map(Some).ok_or_else(|| {
            ErrorData::invalid_params("the `requestState` is not one of this server's", None)
        })
    }
}

/// What the client answered.
struct Given<'a>(Option<&'a InputResponses>);

impl<'a> Given<'a> {
    fn object(&self, key: &str) -> Option<&'a Value> {
        self.0?.get(key).filter(|answer| answer.is_object())
    }

    fn accepted(&self, key: &str) -> Option<&'a Value> {
        self.object(key)?.get("content").filter(|content| content.is_object())
    }

    fn has(&self, key: &str) -> bool {
        self.object(key).is_some()
    }
}

fn elicit(message: &str, property: &str, of: &str) -> Value {
    let schema = json!({
        "type": "object",
        "properties": { property: { "type": of } },
        "required": [property],
    });
    let params = json!({ "mode": "form", "message": message, "requestedSchema": schema });
    json!({ "method": "elicitation/create", "params": params })
}

fn sample(prompt: &str, max_tokens: u32) -> Value {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    let params = json!({ "messages": [message], "maxTokens": max_tokens });
    json!({ "method": "sampling/createMessage", "params": params })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

fn done(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn required<T: From<InputRequiredResult>>(requests: Value, state: Option<String>) -> Answer<T> {
    Ok(InputRequiredResult::new(Some(ours(requests)?), state).into())
}
