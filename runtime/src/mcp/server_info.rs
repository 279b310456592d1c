//! Information about the server in the results of its requests (MCP 2026-07-28, `_meta`).
//!
//! rmcp puts it into the result of `server/discover` alone. The revision wants it in every result, for
//! logs and displays of clients without a session.

use rmcp::{
    model,
    model::{Implementation, MetaObject},
};
use serde_json::{Value, json};

/// The member of `_meta` that has it.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The name and the version of a server, as its results have them.
pub(crate) struct ServerInfo {
    value: Value,
    /// The text of `_meta` with nothing but this, and the comma before it.
    member: String,
}

impl ServerInfo {
    /// Icons and descriptions are left out: a client gets them when it begins.
    pub(crate) fn new(identity: &Implementation) -> Self {
        let mut value = json!({ "name": identity.name, "version": identity.version });
        if let Some(title) = &identity.title {
            value["title"] = json!(title);
        }
        let member = format!(",\"_meta\":{}", json!({ SERVER_INFO: value }));
        Self { value, member }
    }

    /// The JSON text of `_meta`, to be written before the last brace of a result without one.
    pub(crate) fn member(&self) -> &str {
        &self.member
    }

    /// The same as a value.
    pub(crate) fn meta(&self) -> Value {
        json!({ SERVER_INFO: self.value })
    }

    /// Adds it to a result, if the result can carry it.
    pub(crate) fn add_to(&self, result: &mut impl ResultMeta) {
        if let Some(meta) = result.meta_mut() {
            let meta = meta.get_or_insert_default();
            meta.insert(SERVER_INFO.to_owned(), self.value.clone());
        }
    }
}

/// A result that may have `_meta`.
pub(crate) trait ResultMeta {
    fn meta_mut(&mut self) -> Option<&mut Option<MetaObject>>;
}

macro_rules! with_meta {
    ($($result:ident)*) => {
        $(impl ResultMeta for model::$result {
            fn meta_mut(&mut self) -> Option<&mut Option<MetaObject>> {
                Some(&mut self.meta)
            }
        })*
    };
}

with_meta! {
    CompleteResult ListPromptsResult ListResourcesResult ListResourceTemplatesResult
    ListToolsResult ListSkillsResult GetSkillResult GetTaskResult
    CallToolResult GetPromptResult ReadResourceResult InputRequiredResult CreateTaskResult
}

macro_rules! without_meta {
    ($($result:ty)*) => {
        $(impl ResultMeta for $result {
            fn meta_mut(&mut self) -> Option<&mut Option<MetaObject>> {
                None
            }
        })*
    };
}

// An empty result, the two that introduce the server by themselves, and results of other shapes.
without_meta! {
    () model::InitializeResult model::DiscoverResult model::CustomResult
}

impl ResultMeta for model::CallToolResponse {
    fn meta_mut(&mut self) -> Option<&mut Option<MetaObject>> {
        match self {
            Self::Complete(result) => result.meta_mut(),
            Self::InputRequired(result) => result.meta_mut(),
            Self::Task(result) => result.meta_mut(),
            _ => None,
        }
    }
}

impl ResultMeta for model::GetPromptResponse {
    fn meta_mut(&mut self) -> Option<&mut Option<MetaObject>> {
        match self {
            Self::Complete(result) => result.meta_mut(),
            Self::InputRequired(result) => result.meta_mut(),
            _ => None,
        }
    }
}

impl ResultMeta for model::ReadResourceResponse {
    fn meta_mut(&mut self) -> Option<&mut Option<MetaObject>> {
        match self {
            Self::Complete(result) => result.meta_mut(),
            Self::InputRequired(result) => result.meta_mut(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_and_the_value_are_the_same() {
        let identity = Implementation::new("a \"server\"", "1.2.3");
        let info = ServerInfo::new(&identity);
        let text: Value = serde_json::from_str(&format!("{{\"a\":1{}}}", info.member())).unwrap();
        assert_eq!(text["_meta"], info.meta());
        let mut result = model::CallToolResult::success(Vec::new());
        info.add_to(&mut result);
        assert_eq!(serde_json::to_value(result).unwrap()["_meta"], info.meta());
        assert_eq!(info.meta()[SERVER_INFO], json!({ "name": "a \"server\"", "version": "1.2.3" }));
    }
}
