//! Information about the server in the results of its requests (MCP 2026-07-28, `_meta`).
//!
//! rmcp puts it into the result of `server/discover` alone. The revision wants it in every result, for
//! logs and displays of clients without a session.
#![allow(deprecated, reason = "methods of clients of 2025 are forwarded")]

use std::borrow::Cow;

use rmcp::{
    ErrorData, RoleServer, ServerHandler, model,
    model::{Implementation, MetaObject, ProtocolVersion},
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};

use super::{fallback::ErasedHandler, handler::Handler, methods::server_handler_methods};

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

/// The server's handler, whose results name the server.
#[derive(Clone)]
pub(crate) struct NamedHandler(pub(crate) Handler<ErasedHandler>);

impl NamedHandler {
    /// The information for a client of this request; `None` before 2026-07-28.
    fn info(&self, context: &RequestContext<RoleServer>) -> Option<&ServerInfo> {
        let version = context.protocol_version()?;
        (version >= ProtocolVersion::V_2026_07_28).then_some(&self.0.dispatch.server_info)
    }
}

/// Implements `ServerHandler` by the handler within.
macro_rules! named {
    (
        forwarded_requests { $($forwarded:tt)* }
        own_requests { $($own:tt)* }
        notifications { $($notifications:tt)* }
        forwarded_getters { $($forwarded_getters:tt)* }
        own_getters { $($own_getters:tt)* }
    ) => {
        named! {
            requests { $($forwarded)* $($own)* }
            notifications { $($notifications)* }
            getters { $($forwarded_getters)* $($own_getters)* }
        }
    };
    (
        requests { $($request:ident($($param:ident: $param_ty:ty),*) -> $result:ty;)* }
        notifications { $($notification:ident($($sent:ident: $sent_ty:ty),*);)* }
        getters { $($getter:ident($($arg:ident: $arg_ty:ty),*) -> $value:ty;)* }
    ) => {
        impl ServerHandler for NamedHandler {
            $(async fn $request(
                &self,
                $($param: $param_ty,)*
                context: RequestContext<RoleServer>,
            ) -> Result<$result, ErrorData> {
                let info = self.info(&context);
                #[allow(clippy::let_unit_value, reason = "some results are empty")]
                let mut result = self.0.$request($($param,)* context).await?;
                if let Some(info) = info {
                    info.add_to(&mut result);
                }
                Ok(result)
            })*
            $(fn $notification(
                &self,
                $($sent: $sent_ty,)*
                context: NotificationContext<RoleServer>,
            ) -> impl Future<Output = ()> + Send + '_ {
                self.0.$notification($($sent,)* context)
            })*
            $(fn $getter(&self, $($arg: $arg_ty),*) -> $value {
                self.0.$getter($($arg),*)
            })*
            fn listen(
                &self,
                context: SubscriptionContext,
            ) -> impl Future<Output = Result<(), ErrorData>> + Send + '_ {
                self.0.listen(context)
            }
        }
    };
}

server_handler_methods!(named);

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
