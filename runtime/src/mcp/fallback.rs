//! Fallback handler: the user's own [`ServerHandler`], behind a trait object.
//!
//! A server is generic over the type of its fallback. Everything that serves it is not, and is compiled
//! once with this crate instead of in every program that uses it.
#![allow(deprecated, reason = "methods of clients of 2025 are forwarded")]

use std::{any::TypeId, borrow::Cow, sync::Arc};

use futures::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, model,
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::methods::{forward, server_handler_methods, ungrouped};

/// The fallback of a server that has none: it implements no method.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFallback;

impl ServerHandler for NoFallback {}

/// A handler of any type.
pub(crate) struct ErasedHandler {
    handler: Arc<dyn DynHandler>,
    /// Whether it is [`NoFallback`].
    pub(crate) is_none: bool,
}

impl ErasedHandler {
    pub(crate) fn new<H: ServerHandler>(handler: Arc<H>) -> Self {
        Self { handler, is_none: TypeId::of::<H>() == TypeId::of::<NoFallback>() }
    }
}

/// Defines `DynHandler`, the object-safe form of [`ServerHandler`], implements it for every handler,
/// and implements `ServerHandler` for [`ErasedHandler`].
macro_rules! dyn_handler {
    (
        requests { $($request:ident($($param:ident: $param_ty:ty),*) -> $result:ty;)* }
        notifications { $($notification:ident($($sent:ident: $sent_ty:ty),*);)* }
        getters { $($getter:ident($($arg:ident: $arg_ty:ty),*) -> $value:ty;)* }
    ) => {
        trait DynHandler: Send + Sync + 'static {
            $(fn $request(
                &self,
                $($param: $param_ty,)*
                context: RequestContext<RoleServer>,
            ) -> BoxFuture<'_, Result<$result, ErrorData>>;)*
            $(fn $notification(
                &self,
                $($sent: $sent_ty,)*
                context: NotificationContext<RoleServer>,
            ) -> BoxFuture<'_, ()>;)*
            $(fn $getter(&self, $($arg: $arg_ty),*) -> $value;)*
            fn listen(&self, context: SubscriptionContext) -> BoxFuture<'_, Result<(), ErrorData>>;
        }

        impl<H: ServerHandler> DynHandler for H {
            $(fn $request(
                &self,
                $($param: $param_ty,)*
                context: RequestContext<RoleServer>,
            ) -> BoxFuture<'_, Result<$result, ErrorData>> {
                Box::pin(ServerHandler::$request(self, $($param,)* context))
            })*
            $(fn $notification(
                &self,
                $($sent: $sent_ty,)*
                context: NotificationContext<RoleServer>,
            ) -> BoxFuture<'_, ()> {
                Box::pin(ServerHandler::$notification(self, $($sent,)* context))
            })*
            $(fn $getter(&self, $($arg: $arg_ty),*) -> $value {
                ServerHandler::$getter(self, $($arg),*)
            })*
            fn listen(&self, context: SubscriptionContext) -> BoxFuture<'_, Result<(), ErrorData>> {
                Box::pin(ServerHandler::listen(self, context))
            }
        }

        impl ServerHandler for ErasedHandler {
            forward! {
                handler(std::convert::identity)
                requests { $($request($($param: $param_ty),*) -> $result;)* }
                notifications { $($notification($($sent: $sent_ty),*);)* }
                getters { $($getter($($arg: $arg_ty),*) -> $value;)* }
            }
        }
    };
}

server_handler_methods!(ungrouped dyn_handler);
