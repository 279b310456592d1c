//! Method list: the methods of [`rmcp::ServerHandler`], once, for the macros that forward them.

/// Calls a macro with the methods of `ServerHandler`: those that `Handler` forwards untouched, and those
/// that it answers itself or changes. `listen`, whose context has another type, is left out.
macro_rules! server_handler_methods {
    ($macro:ident) => {
        $macro! {
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
                accepted_subscription_filter(requested: &model::SubscriptionFilter)
                    -> Option<model::SubscriptionFilter>;
            }
            own_getters {
                get_info() -> model::ServerConfig;
                get_tool(name: &str) -> Option<model::Tool>;
                negotiate_initialize(request: &model::InitializeRequestParams)
                    -> Result<model::InitializeResult, ErrorData>;
            }
        }
    };
}

pub(super) use server_handler_methods;
