//! Operations of the protocol and of the store, as events name them: closed sets.

use serde::Serialize;

/// Defines the methods, each with the name that the protocol gives it and that of its handler.
macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $handler:literal;)*) => {
        /// The method of a request. A method that the protocol does not have is
        /// [`Other`](Self::Other), so that no client adds to the set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
            /// Another one.
            #[serde(rename = "_OTHER")]
            Other,
        }

        impl Operation {
            /// Returns the name of the method, or `_OTHER`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other => "_OTHER",
                }
            }

            /// The operation of the handler's method with this name.
            pub(crate) fn of_handler(name: &str) -> Self {
                match name {
                    $($handler => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

methods! {
    /// `initialize`
    Initialize = "initialize", "initialize";
    /// `server/discover`
    Discover = "server/discover", "discover";
    /// `ping`
    Ping = "ping", "ping";
    /// `tools/list`
    ToolsList = "tools/list", "list_tools";
    /// `tools/call`
    ToolsCall = "tools/call", "call_tool";
    /// `prompts/list`
    PromptsList = "prompts/list", "list_prompts";
    /// `prompts/get`
    PromptsGet = "prompts/get", "get_prompt";
    /// `resources/list`
    ResourcesList = "resources/list", "list_resources";
    /// `resources/templates/list`
    ResourceTemplatesList = "resources/templates/list", "list_resource_templates";
    /// `resources/read`
    ResourcesRead = "resources/read", "read_resource";
    /// `resources/subscribe`
    ResourcesSubscribe = "resources/subscribe", "subscribe";
    /// `resources/unsubscribe`
    ResourcesUnsubscribe = "resources/unsubscribe", "unsubscribe";
    /// `completion/complete`
    Complete = "completion/complete", "complete";
    /// `logging/setLevel`
    SetLevel = "logging/setLevel", "set_level";
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperationOutcome {
    /// With a result.
    Done,
    /// With an error of the protocol.
    Failed,
    /// The client disconnected before the end.
    Left,
}

/// What was done with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreOperation {
    /// A grant was read.
    LoadGrant,
    /// A grant was written.
    SaveGrant,
    /// A grant was removed.
    RemoveGrant,
    /// The grants of a person were listed.
    ListGrants,
    /// The right to renew a grant was asked for.
    Lease,
    /// The right to renew a grant was given back.
    Release,
    /// The state of an authorization in a browser was written.
    PutPending,
    /// The state of an authorization in a browser was taken.
    TakePending,
    /// The state of an authorization in a browser was read.
    PeekPending,
    /// A record was read.
    ReadRecord,
    /// A record was written.
    WriteRecord,
    /// A record was taken.
    TakeRecord,
}

/// The outcome of a use of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreOutcome {
    /// It succeeded.
    Done,
    /// The row had been changed by another process or call.
    Conflict,
    /// There is no room.
    Full,
    /// It failed, or did not answer.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_one_name_everywhere() {
        for (operation, name) in [
            (Operation::ToolsCall, "tools/call"),
            (Operation::of_handler("discover"), "server/discover"),
            (Operation::of_handler("get_task"), "_OTHER"),
        ] {
            assert_eq!(operation.as_str(), name);
            assert_eq!(serde_json::to_string(&operation).unwrap(), format!("\"{name}\""));
        }
    }
}
