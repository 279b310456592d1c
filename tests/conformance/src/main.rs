//! The server that the MCP conformance suite judges.
//!
//! What a tool of ours can do is in `tools`; the rest of MCP is a hand-written fallback handler
//! with rmcp, as in an application that mounts both.

mod fallback;
mod input;
mod prompts;
mod resources;
mod tools;

use fallback::ErasedHandler;
use toolgate::{
    gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait},
    tools,
};
use tools::{
    test_audio_content, test_elicitation, test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums, test_embedded_resource, test_error_handling,
    test_image_content, test_logging_tool, test_multiple_content_types, test_sampling,
    test_simple_text, test_tool_with_logging, test_tool_with_progress, test_trigger_prompt_change,
    test_trigger_tool_change,
};

/// Knows one token.
struct OneToken(String);

#[async_trait]
impl Verifier for OneToken {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        if presented.credentials.token() == self.0 {
            return Ok(Claims::new("https://login.example", "judge"));
        }
        Err(AuthError::Invalid)
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

#[tokio::main]
async fn main() -> toolgate::Result<()> {
    let fallback = ErasedHandler::default();
    let server = toolgate::server!();
    // With a token it is tested as a server that refuses other callers.
    let server = match std::env::var("CONFORMANCE_TOKEN") {
        Ok(token) => server.gate(Gate::new(OneToken(token))),
        Err(_) => server,
    };
    server
        .state(fallback.changes.clone())
        .tools(tools![test_simple_text, test_image_content, test_audio_content])
        .tools(tools![test_embedded_resource, test_multiple_content_types, test_error_handling])
        .tools(tools![test_tool_with_progress, test_tool_with_logging, test_logging_tool])
        .tools(tools![test_sampling, test_elicitation, test_elicitation_sep1034_defaults])
        .tools(tools![test_elicitation_sep1330_enums])
        .tools(tools![test_trigger_tool_change, test_trigger_prompt_change])
        .fallback(fallback)
        .serve()
        .await
}
