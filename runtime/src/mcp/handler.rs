//! Server handler: the tools of this server, and the fallback handler for everything else.
#![allow(deprecated, reason = "methods of clients of 2025 are forwarded")]

use std::{borrow::Cow, sync::Arc};

use rmcp::{
    ErrorData, RoleServer, ServerHandler, model,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult,
        DiscoverResult, ErrorCode, Implementation, InitializeRequestParams, InitializeResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
        SubscriptionFilter, ToolsCapability,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::{
    dispatch,
    dispatch::Dispatch,
    fallback::NoFallback,
    methods::{forward, server_handler_methods},
    panic,
    request::{CallContext, CallRequest},
    tool_changes::ToolChanges,
    traced::OperationRecord,
};
use crate::{
    support::escape::escape,
    trace::{EventKind, Found, Operation},
};

/// Answers for the tools of the server, and passes everything else to the fallback handler.
///
/// It is an [`rmcp::ServerHandler`], so every transport of rmcp takes it.
pub struct Handler<H = NoFallback> {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) fallback: Arc<H>,
}

impl<H> Clone for Handler<H> {
    fn clone(&self) -> Self {
        Self { dispatch: Arc::clone(&self.dispatch), fallback: Arc::clone(&self.fallback) }
    }
}

impl<H> std::fmt::Debug for Handler<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

impl<H: ServerHandler> Handler<H> {
    /// Begins the record of a request that the handler's method `name` answers. A call of a tool is
    /// reported where it ends.
    pub(super) fn begin_operation(
        &self,
        context: &mut RequestContext<RoleServer>,
        name: &str,
    ) -> OperationRecord {
        if !self.dispatch.tracer.is_observed() {
            return OperationRecord::default();
        }
        let span = self.dispatch.span(context);
        context.extensions.insert(span.clone());
        match Operation::of_handler(name) {
            Operation::ToolsCall => OperationRecord::default(),
            operation => OperationRecord::of(span, operation),
        }
    }

    fn identity(&self) -> Implementation {
        self.dispatch.identity.clone()
    }

    fn instructions(&self, of_fallback: Option<String>) -> Option<String> {
        self.dispatch.instructions.clone().or(of_fallback)
    }

    /// Adds tools and widgets to the capabilities of the fallback.
    fn capabilities(&self, mut of_fallback: ServerCapabilities) -> ServerCapabilities {
        let tools = of_fallback.tools.get_or_insert_with(ToolsCapability::default);
        if self.dispatch.tool_changes.is_some() {
            tools.list_changed = Some(true);
        }
        self.dispatch.widgets.declare(&mut of_fallback);
        of_fallback
    }

    /// Puts this server's identity into the fallback's answer to `initialize`.
    fn introduce(&self, mut result: InitializeResult) -> InitializeResult {
        result.capabilities = self.capabilities(result.capabilities);
        result.instructions = self.instructions(result.instructions);
        result.server_info = self.identity();
        result
    }
}

impl<H: ServerHandler> ServerHandler for Handler<H> {
    // A request whose handler panics gets an error: rmcp would send no response.
    server_handler_methods!(forward fallback(panic::catch_request));

    fn get_info(&self) -> ServerConfig {
        self.introduce(self.fallback.get_info())
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.fallback.negotiate_initialize(request).map(|result| self.introduce(result))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.fallback.initialize(request, context).await.map(|result| self.introduce(result))
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let discovered = self.fallback.discover(context).await?;
        let capabilities = self.capabilities(discovered.capabilities);
        let mut result = DiscoverResult::new(discovered.supported_versions, capabilities);
        result.instructions = self.instructions(discovered.instructions);
        result.ttl_ms = discovered.ttl_ms;
        result.cache_scope = discovered.cache_scope;
        result.meta = discovered.meta;
        Ok(result.with_server_info(self.identity()))
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let of_fallback = self.fallback.accepted_subscription_filter(requested);
        let own = || self.dispatch.tool_changes.as_ref().map(|_| ToolChanges::accept(requested));
        of_fallback.or_else(own)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        match &self.dispatch.tool_changes {
            // The fallback handler accepted nothing.
            Some(changes)
                if self.fallback.accepted_subscription_filter(context.accepted()).is_none() =>
            {
                changes.serve(&context).await
            }
            _ => self.fallback.listen(context).await,
        }
    }

    fn get_tool(&self, name: &str) -> Option<model::Tool> {
        self.dispatch
            .tool(name)
            .map(|tool| tool.registered.definition.clone())
            .or_else(|| self.fallback.get_tool(name))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        // The tools of this server are on the first page; every cursor is of the fallback.
        let first = request.as_ref().is_none_or(|request| request.cursor.is_none());
        let caller = self.dispatch.caller(&context)?;
        let mut result = match panic::catch_request(self.fallback.list_tools(request, context))
            .await
        {
            Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => ListToolsResult::default(),
            other => other?,
        };
        result.tools.retain(|tool| self.dispatch.tool(&tool.name).is_none());
        if first {
            let listed = self.dispatch.listed(caller.as_ref()).cloned();
            result.tools.splice(0..0, listed);
        }
        if self
            .dispatch
            .resource_server
            .as_ref()
            .is_some_and(|server| server.hides_unauthorized_tools())
        {
            result.cache_scope = Some(CacheScope::Private);
        }
        Ok(result)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let first = request.as_ref().is_none_or(|request| request.cursor.is_none());
        let widgets = &self.dispatch.widgets;
        let mut result =
            match panic::catch_request(self.fallback.list_resources(request, context)).await {
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
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        match panic::catch_request(self.fallback.list_resource_templates(request, context)).await {
            // Clients request the templates of every server that has resources.
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
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match self.dispatch.widgets.read(&request.uri) {
            Some(page) => {
                let live = page.ttl_ms == Some(0);
                let uri = Found::new(&request.uri);
                self.dispatch.span(&context).emit(|| EventKind::WidgetPageRead { uri, live });
                Ok(page.into())
            }
            None => panic::catch_request(self.fallback.read_resource(request, context)).await,
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match self.dispatch.tool(&request.name) {
            Some(tool) => {
                let call = CallRequest {
                    arguments: &dispatch::arguments(&request, &context)?,
                    caller: self.dispatch.caller(&context)?,
                    retry: request.request_state.is_some().then_some(&request),
                    context: CallContext::Sdk(&context),
                    span: self.dispatch.span(&context),
                };
                panic::catch_request(self.dispatch.call(tool, None, call)).await
            }
            None => {
                let tool = OperationRecord::of(self.dispatch.span(&context), Operation::ToolsCall);
                let unknown = format!("unknown tool `{}`", escape(&request.name));
                let called = panic::catch_request(self.fallback.call_tool(request, context)).await;
                let called = called.map_err(|error| match error.code {
                    // The code of the specification for an unknown tool.
                    ErrorCode::METHOD_NOT_FOUND => ErrorData::invalid_params(unknown, None),
                    _ => error,
                });
                tool.end(called.as_ref().err());
                called
            }
        }
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // rmcp distinguishes requests by their shape, so a call with invalid parameters arrives here.
        if request.method == "tools/call" {
            return Err(ErrorData::invalid_params(
                "`tools/call` wants `name`, a string, and `arguments`, an object",
                None,
            ));
        }
        panic::catch_request(self.fallback.on_custom_request(request, context)).await
    }
}
