//! One `ServerHandler` for both: our table of tools, and the handler that the user mounts beside it.
#![allow(deprecated, reason = "what clients of 2025 may ask for is passed on")]

use std::{borrow::Cow, future::Future, sync::Arc};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams,
        CancelledNotificationParam, CompleteRequestParams, CompleteResult, CustomNotification,
        CustomRequest, CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, GetSkillRequestParams, GetSkillResult, GetTaskParams, GetTaskResult,
        Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
        PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
        ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
        ReadResourceResponse, ServerCapabilities, ServerConfig, SetLevelRequestParams,
        SubscribeRequestParams, SubscriptionFilter, ToolsCapability, UnsubscribeRequestParams,
        UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::{
    dispatch,
    dispatch::Dispatch,
    fallback::NoFallback,
    panic,
    request::{CallContext, CallRequest},
};

/// Serves the tools of the table, and everything else from the handler beside it.
///
/// It is an [`rmcp::ServerHandler`], so it goes wherever rmcp takes one.
pub struct Handler<H = NoFallback> {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) beside: Arc<H>,
}

impl<H> Clone for Handler<H> {
    fn clone(&self) -> Self {
        Self { dispatch: Arc::clone(&self.dispatch), beside: Arc::clone(&self.beside) }
    }
}

impl<H> std::fmt::Debug for Handler<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

type Answer<T> = Result<T, ErrorData>;
type Cx = RequestContext<RoleServer>;
type Notified = NotificationContext<RoleServer>;

impl<H: ServerHandler> Handler<H> {
    fn identity(&self) -> Implementation {
        self.dispatch.identity.clone()
    }

    fn instructions(&self, beside: Option<String>) -> Option<String> {
        self.dispatch.instructions.clone().or(beside)
    }

    fn with_tools(&self, mut beside: ServerCapabilities) -> ServerCapabilities {
        beside.tools.get_or_insert_with(ToolsCapability::default);
        self.dispatch.widgets.declare(&mut beside);
        beside
    }

    fn introduce(&self, mut result: InitializeResult) -> InitializeResult {
        result.capabilities = self.with_tools(result.capabilities);
        result.instructions = self.instructions(result.instructions);
        result.server_info = self.identity();
        result
    }
}

/// Passes requests on, untouched. One whose handler panics is answered: rmcp would leave its client
/// waiting.
macro_rules! forward {
    ($($name:ident($($argument:ident: $ty:ty),*) -> $answer:ty;)*) => {$(
        fn $name(
            &self,
            $($argument: $ty,)*
            context: Cx,
        ) -> impl Future<Output = Answer<$answer>> + Send + '_ {
            panic::answered(self.beside.$name($($argument,)* context))
        }
    )*};
}

/// Passes notifications on, untouched.
macro_rules! notify {
    ($($name:ident($($argument:ident: $ty:ty),*);)*) => {$(
        fn $name(
            &self,
            $($argument: $ty,)*
            context: Notified,
        ) -> impl Future<Output = ()> + Send + '_ {
            self.beside.$name($($argument,)* context)
        }
    )*};
}

impl<H: ServerHandler> ServerHandler for Handler<H> {
    forward! {
        ping() -> ();
        complete(request: CompleteRequestParams) -> CompleteResult;
        set_level(request: SetLevelRequestParams) -> ();
        get_prompt(request: GetPromptRequestParams) -> GetPromptResponse;
        list_prompts(request: Option<PaginatedRequestParams>) -> ListPromptsResult;
        subscribe(request: SubscribeRequestParams) -> ();
        unsubscribe(request: UnsubscribeRequestParams) -> ();
        get_task(request: GetTaskParams) -> GetTaskResult;
        update_task(request: UpdateTaskParams) -> ();
        cancel_task(request: CancelTaskParams) -> ();
        list_skills(request: Option<PaginatedRequestParams>) -> ListSkillsResult;
        get_skill(request: GetSkillRequestParams) -> GetSkillResult;
        read_resource_directory(request: ReadResourceDirectoryRequestParams)
            -> ReadResourceDirectoryResult;
    }

    notify! {
        on_cancelled(notification: CancelledNotificationParam);
        on_progress(notification: ProgressNotificationParam);
        on_initialized();
        on_roots_list_changed();
        on_custom_notification(notification: CustomNotification);
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.beside.supported_protocol_versions()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.beside.accepted_subscription_filter(requested)
    }

    fn listen(&self, context: SubscriptionContext) -> impl Future<Output = Answer<()>> + Send + '_ {
        self.beside.listen(context)
    }

    fn get_info(&self) -> ServerConfig {
        self.introduce(self.beside.get_info())
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Answer<InitializeResult> {
        self.beside.negotiate_initialize(request).map(|result| self.introduce(result))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Cx,
    ) -> Answer<InitializeResult> {
        self.beside.initialize(request, context).await.map(|result| self.introduce(result))
    }

    async fn discover(&self, context: Cx) -> Answer<DiscoverResult> {
        let beside = self.beside.discover(context).await?;
        let capabilities = self.with_tools(beside.capabilities);
        let mut result = DiscoverResult::new(beside.supported_versions, capabilities);
        result.instructions = self.instructions(beside.instructions);
        result.ttl_ms = beside.ttl_ms;
        result.cache_scope = beside.cache_scope;
        result.meta = beside.meta;
        Ok(result.with_server_info(self.identity()))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        self.dispatch
            .tool(name)
            .map(|tool| tool.registered.definition.clone())
            .or_else(|| self.beside.get_tool(name))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Cx,
    ) -> Answer<ListToolsResult> {
        // Ours stand on the first page; every cursor is the other handler's.
        let first = request.as_ref().is_none_or(|request| request.cursor.is_none());
        let caller = self.dispatch.caller(&context)?;
        let mut result = match panic::answered(self.beside.list_tools(request, context)).await {
            Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => ListToolsResult::default(),
            other => other?,
        };
        result.tools.retain(|tool| self.dispatch.tool(&tool.name).is_none());
        if first {
            let listed = self.dispatch.listed(caller.as_ref()).cloned();
            result.tools.splice(0..0, listed);
        }
        if self.dispatch.admission.as_ref().is_some_and(|admission| admission.hides()) {
            result.cache_scope = Some(CacheScope::Private);
        }
        Ok(result)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Cx,
    ) -> Answer<ListResourcesResult> {
        let first = request.as_ref().is_none_or(|request| request.cursor.is_none());
        let widgets = &self.dispatch.widgets;
        let mut result = match panic::answered(self.beside.list_resources(request, context)).await {
            Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND && !widgets.is_empty() => {
                ListResourcesResult::default()
            }
            other => other?,
        };
        if first {
            result.resources.splice(0..0, widgets.list());
        }
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Cx,
    ) -> Answer<ListResourceTemplatesResult> {
        match panic::answered(self.beside.list_resource_templates(request, context)).await {
            // Clients ask a server with resources for both.
            Err(error)
                if error.code == ErrorCode::METHOD_NOT_FOUND
                    && !self.dispatch.widgets.is_empty() =>
            {
                Ok(ListResourceTemplatesResult::default())
            }
            other => other,
        }
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Cx,
    ) -> Answer<ReadResourceResponse> {
        match self.dispatch.widgets.read(&request.uri) {
            Some(page) => Ok(page.into()),
            None => panic::answered(self.beside.read_resource(request, context)).await,
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Cx,
    ) -> Answer<CallToolResponse> {
        match self.dispatch.tool(&request.name) {
            Some(tool) => {
                let call = CallRequest {
                    arguments: &dispatch::arguments(&request, &context)?,
                    caller: self.dispatch.caller(&context)?,
                    retry: request.request_state.is_some().then_some(&request),
                    context: CallContext::Sdk(&context),
                };
                panic::answered(self.dispatch.call(tool, None, call)).await
            }
            None => {
                let unknown = format!("unknown tool `{}`", request.name);
                match panic::answered(self.beside.call_tool(request, context)).await {
                    // The specification's code for a tool that is not there.
                    Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => {
                        Err(ErrorData::invalid_params(unknown, None))
                    }
                    other => other,
                }
            }
        }
    }

    async fn on_custom_request(&self, request: CustomRequest, context: Cx) -> Answer<CustomResult> {
        // A call whose parameters have the wrong shape arrives here, because rmcp tells requests
        // apart by their shape.
        if request.method == "tools/call" {
            return Err(ErrorData::invalid_params(
                "`tools/call` wants `name`, a string, and `arguments`, an object",
                None,
            ));
        }
        panic::answered(self.beside.on_custom_request(request, context)).await
    }
}
