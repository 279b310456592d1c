//! The server's handler as transports serve it: its results name the server.
#![allow(deprecated, reason = "methods of clients of 2025 are forwarded")]

use std::borrow::Cow;

use rmcp::{
    ErrorData, RoleServer, ServerHandler, model,
    model::ProtocolVersion,
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::{
    fallback::ErasedHandler,
    handler::Handler,
    methods::{server_handler_methods, ungrouped},
    request::SessionLink,
    server_info::ServerInfo,
};

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
        requests { $($request:ident($($param:ident: $param_ty:ty),*) -> $result:ty;)* }
        notifications { $($notification:ident($($sent:ident: $sent_ty:ty),*);)* }
        getters { $($getter:ident($($arg:ident: $arg_ty:ty),*) -> $value:ty;)* }
    ) => {
        impl ServerHandler for NamedHandler {
            $(async fn $request(
                &self,
                $($param: $param_ty,)*
                mut context: RequestContext<RoleServer>,
            ) -> Result<$result, ErrorData> {
                let info = self.info(&context);
                let operation = self.0.begin_operation(&mut context, stringify!($request));
                let result = self.0.$request($($param,)* context).await;
                operation.end(result.as_ref().err());
                #[allow(clippy::let_unit_value, reason = "some results are empty")]
                let mut result = result?;
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
                // The first one says that the client is ready.
                if let Some(link) = SessionLink::of(&context.extensions) {
                    link.peers.set(&link.session, context.peer.clone());
                    if let Some(changes) = &self.0.dispatch.tool_changes {
                        changes.add(&link.session, &context.peer);
                    }
                }
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

server_handler_methods!(ungrouped named);
