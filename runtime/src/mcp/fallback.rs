//! The handler beside the tools, whatever its type.
//!
//! A server is generic over it. Were what serves it generic too, all of that would be compiled anew
//! in every program, whenever the program is.
#![allow(deprecated, reason = "what clients of 2025 may ask for is passed on")]

use std::{any::TypeId, borrow::Cow, sync::Arc};

use futures::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
        CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
        DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
        GetSkillResult, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult,
        ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
        ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
        ReadResourceResponse, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

/// The fallback of a server that has none: it implements no method.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFallback;

impl ServerHandler for NoFallback {}

/// A handler of some type.
pub(crate) struct ErasedHandler {
    handler: Arc<dyn AnyHandler>,
    /// It is [`NoFallback`].
    pub(crate) nothing: bool,
}

impl ErasedHandler {
    pub(crate) fn of<H: ServerHandler>(handler: Arc<H>) -> Self {
        Self { handler, nothing: TypeId::of::<H>() == TypeId::of::<NoFallback>() }
    }
}

type Answer<T> = Result<T, ErrorData>;
type Cx = RequestContext<RoleServer>;
type Notified = NotificationContext<RoleServer>;

/// Writes the object-safe half of [`ServerHandler`], its implementation for every handler, and the
/// way back.
macro_rules! any_handler {
    (
        requests { $($request:ident($($ask:ident: $asked:ty),*) -> $answer:ty;)* }
        notifications { $($notification:ident($($tell:ident: $told:ty),*);)* }
        plain { $($plain:ident($($with:ident: $given:ty),*) -> $said:ty;)* }
    ) => {
        trait AnyHandler: Send + Sync + 'static {
            $(fn $request(&self, $($ask: $asked,)* context: Cx) -> BoxFuture<'_, Answer<$answer>>;)*
            $(fn $notification(&self, $($tell: $told,)* context: Notified) -> BoxFuture<'_, ()>;)*
            $(fn $plain(&self, $($with: $given),*) -> $said;)*
            fn listen(&self, context: SubscriptionContext) -> BoxFuture<'_, Answer<()>>;
            fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]>;
        }

        impl<H: ServerHandler> AnyHandler for H {
            $(fn $request(&self, $($ask: $asked,)* context: Cx) -> BoxFuture<'_, Answer<$answer>> {
                Box::pin(ServerHandler::$request(self, $($ask,)* context))
            })*
            $(fn $notification(&self, $($tell: $told,)* context: Notified) -> BoxFuture<'_, ()> {
                Box::pin(ServerHandler::$notification(self, $($tell,)* context))
            })*
            $(fn $plain(&self, $($with: $given),*) -> $said {
                ServerHandler::$plain(self, $($with),*)
            })*
            fn listen(&self, context: SubscriptionContext) -> BoxFuture<'_, Answer<()>> {
                Box::pin(ServerHandler::listen(self, context))
            }
            fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
                ServerHandler::supported_protocol_versions(self)
            }
        }

        impl ServerHandler for ErasedHandler {
            $(fn $request(
                &self,
                $($ask: $asked,)*
                context: Cx,
            ) -> impl Future<Output = Answer<$answer>> + Send + '_ {
                self.handler.$request($($ask,)* context)
            })*
            $(fn $notification(
                &self,
                $($tell: $told,)*
                context: Notified,
            ) -> impl Future<Output = ()> + Send + '_ {
                self.handler.$notification($($tell,)* context)
            })*
            $(fn $plain(&self, $($with: $given),*) -> $said {
                self.handler.$plain($($with),*)
            })*
            fn listen(
                &self,
                context: SubscriptionContext,
            ) -> impl Future<Output = Answer<()>> + Send + '_ {
                self.handler.listen(context)
            }
            fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
                self.handler.supported_protocol_versions()
            }
        }
    };
}

any_handler! {
    requests {
        ping() -> ();
        initialize(request: InitializeRequestParams) -> InitializeResult;
        discover() -> DiscoverResult;
        complete(request: CompleteRequestParams) -> CompleteResult;
        set_level(request: SetLevelRequestParams) -> ();
        get_prompt(request: GetPromptRequestParams) -> GetPromptResponse;
        list_prompts(request: Option<PaginatedRequestParams>) -> ListPromptsResult;
        list_resources(request: Option<PaginatedRequestParams>) -> ListResourcesResult;
        list_resource_templates(request: Option<PaginatedRequestParams>)
            -> ListResourceTemplatesResult;
        read_resource(request: ReadResourceRequestParams) -> ReadResourceResponse;
        subscribe(request: SubscribeRequestParams) -> ();
        unsubscribe(request: UnsubscribeRequestParams) -> ();
        call_tool(request: CallToolRequestParams) -> CallToolResponse;
        list_tools(request: Option<PaginatedRequestParams>) -> ListToolsResult;
        get_task(request: GetTaskParams) -> GetTaskResult;
        update_task(request: UpdateTaskParams) -> ();
        cancel_task(request: CancelTaskParams) -> ();
        list_skills(request: Option<PaginatedRequestParams>) -> ListSkillsResult;
        get_skill(request: GetSkillRequestParams) -> GetSkillResult;
        read_resource_directory(request: ReadResourceDirectoryRequestParams)
            -> ReadResourceDirectoryResult;
        on_custom_request(request: CustomRequest) -> CustomResult;
    }
    notifications {
        on_cancelled(notification: CancelledNotificationParam);
        on_progress(notification: ProgressNotificationParam);
        on_initialized();
        on_roots_list_changed();
        on_custom_notification(notification: CustomNotification);
    }
    plain {
        get_info() -> ServerConfig;
        get_tool(name: &str) -> Option<Tool>;
        negotiate_initialize(request: &InitializeRequestParams) -> Answer<InitializeResult>;
        accepted_subscription_filter(requested: &SubscriptionFilter) -> Option<SubscriptionFilter>;
    }
}
