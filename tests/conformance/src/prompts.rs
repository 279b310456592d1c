//! Prompts.

use rmcp::{
    ErrorData,
    model::{GetPromptRequestParams, GetPromptResult},
};
use serde_json::{Value, json};

use crate::{
    fallback::{Answer, ours},
    input::Input,
    tools::PNG,
};

pub(crate) fn listed() -> Value {
    let argument = |name: &str| json!({ "name": name, "required": true });
    json!([
        { "name": "test_simple_prompt", "description": "A text." },
        {
            "name": "test_prompt_with_arguments",
            "description": "A text with two arguments in it.",
            "arguments": [argument("arg1"), argument("arg2")],
        },
        {
            "name": "test_prompt_with_embedded_resource",
            "description": "A resource and a text.",
            "arguments": [argument("resourceUri")],
        },
        { "name": "test_prompt_with_image", "description": "An image and a text." },
        { "name": Input::PROMPT, "description": "A text about what the user says first." },
    ])
}

pub(crate) fn get(request: &GetPromptRequestParams) -> Answer<GetPromptResult> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
        value.ok_or_else(|| {
            ErrorData::invalid_params(format!("the prompt wants the argument `{name}`"), None)
        })
    };
    let text = |text: &str| json!({ "type": "text", "text": text });
    let contents = match request.name.as_str() {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            vec![text(&format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({
                "uri": argument("resourceUri")?,
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            });
            let embedded = json!({ "type": "resource", "resource": resource });
            vec![embedded, text("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => {
            let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
            vec![image, text("Please analyze the image above.")]
        }
        name => {
            return Err(ErrorData::invalid_params(format!("unknown prompt `{name}`"), None));
        }
    };
    let message = |content| ours(json!({ "role": "user", "content": content }));
    Ok(GetPromptResult::new(contents.into_iter().map(message).collect::<Answer<_>>()?))
}
