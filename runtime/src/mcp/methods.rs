//! Method list: the methods of [`rmcp::ServerHandler`], once, and the macro that forwards them.

/// Calls a macro with its arguments and the methods of `ServerHandler`: those that `Handler` forwards
/// untouched, and those that it answers itself or changes. `listen`, whose context has another type,
/// is left out.
macro_rules! server_handler_methods {
    ($macro:ident $($arguments:tt)*) => {
        $macro! {
            $($arguments)*
            forwarded_requests {
                ping() -> ();
                complete(request: model::CompleteRequestParams) -> model::CompleteResult;
                set_level(request: model::SetLevelRequestParams) -> ();
                get_prompt(request: model::GetPromptRequestParams) -> model::GetPromptResponse;
                list_prompts(request: Option<model::PaginatedRequestParams>)
                    -> model::ListPromptsResult;
                subscribe(request: model::SubscribeRequestParams) -> ();
                unsubscribe(request: model::UnsubscribeRequestParams) -> ();
                get_task(request: model::GetTaskParams) -> model::GetTaskResult;
                update_task(request: model::UpdateTaskParams) -> ();
                cancel_task(request: model::CancelTaskParams) -> ();
                list_skills(request: Option<model::PaginatedRequestParams>)
                    -> model::ListSkillsResult;
                get_skill(request: model::GetSkillRequestParams) -> model::GetSkillResult;
                read_resource_directory(request: model::ReadResourceDirectoryRequestParams)
                    -> model::ReadResourceDirectoryResult;
            }
            own_requests {
                initialize(request: model::InitializeRequestParams) -> model::InitializeResult;
                discover() -> model::DiscoverResult;
                list_resources(request: Option<model::PaginatedRequestParams>)
                    -> model::ListResourcesResult;
                list_resource_templates(request: Option<model::PaginatedRequestParams>)
                    -> model::ListResourceTemplatesResult;
                read_resource(request: model::ReadResourceRequestParams)
                    -> model::ReadResourceResponse;
                call_tool(request: model::CallToolRequestParams) -> model::CallToolResponse;
                list_tools(request: Option<model::PaginatedRequestParams>)
                    -> model::ListToolsResult;
                on_custom_request(request: model::CustomRequest) -> model::CustomResult;
            }
            notifications {
                on_cancelled(notification: model::CancelledNotificationParam);
                on_progress(notification: model::ProgressNotificationParam);
                on_initialized();
                on_roots_list_changed();
                on_custom_notification(notification: model::CustomNotification);
            }
            forwarded_getters {
                supported_protocol_versions() -> Cow<'static, [model::ProtocolVersion]>;
            }
            own_getters {
                accepted_subscription_filter(requested: &model::SubscriptionFilter)
                    -> Option<model::SubscriptionFilter>;
                get_info() -> model::ServerConfig;
                get_tool(name: &str) -> Option<model::Tool>;
                negotiate_initialize(request: &model::InitializeRequestParams)
                    -> Result<model::InitializeResult, ErrorData>;
            }
        }
    };
}

/// Calls a macro with the methods of the list, those that `Handler` forwards together with its own.
macro_rules! ungrouped {
    (
        $macro:ident
        forwarded_requests { $($forwarded:tt)* }
        own_requests { $($own:tt)* }
        notifications { $($notifications:tt)* }
        forwarded_getters { $($forwarded_getters:tt)* }
        own_getters { $($own_getters:tt)* }
    ) => {
        $macro! {
            requests { $($forwarded)* $($own)* }
            notifications { $($notifications)* }
            getters { $($forwarded_getters)* $($own_getters)* }
        }
    };
}

/// Writes methods of `ServerHandler` that call those of a field. `$wrap` takes the future of each
/// request. From the whole list it takes those that `Handler` forwards untouched.
macro_rules! forward {
    (
        $field:ident($wrap:path)
        forwarded_requests { $($requests:tt)* }
        own_requests { $($own_requests:tt)* }
        notifications { $($notifications:tt)* }
        forwarded_getters { $($getters:tt)* }
        own_getters { $($own_getters:tt)* }
    ) => {
        forward! {
            untouched $field($wrap)
            requests { $($requests)* }
            notifications { $($notifications)* }
            getters { $($getters)* }
        }
    };
    ($field:ident($wrap:path) $($methods:tt)*) => {
        forward! { untouched $field($wrap) $($methods)* }

        fn listen(
            &self,
            context: SubscriptionContext,
        ) -> impl Future<Output = Result<(), ErrorData>> + Send + '_ {
            self.$field.listen(context)
        }
    };
    (
        untouched $field:ident($wrap:path)
        requests { $($request:ident($($param:ident: $param_ty:ty),*) -> $result:ty;)* }
        notifications { $($notification:ident($($sent:ident: $sent_ty:ty),*);)* }
        getters { $($getter:ident($($arg:ident: $arg_ty:ty),*) -> $value:ty;)* }
    ) => {
        $(fn $request(
            &self,
            $($param: $param_ty,)*
            context: RequestContext<RoleServer>,
        ) -> impl Future<Output = Result<$result, ErrorData>> + Send + '_ {
            $wrap(self.$field.$request($($param,)* context))
        })*
        $(fn $notification(
            &self,
            $($sent: $sent_ty,)*
            context: NotificationContext<RoleServer>,
        ) -> impl Future<Output = ()> + Send + '_ {
            self.$field.$notification($($sent,)* context)
        })*
        $(fn $getter(&self, $($arg: $arg_ty),*) -> $value {
            self.$field.$getter($($arg),*)
        })*
    };
}

pub(super) use {forward, server_handler_methods, ungrouped};
