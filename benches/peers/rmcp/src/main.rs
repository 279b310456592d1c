//! Bare rmcp, as a careful user writes it: its own macros, the router built once, no Nagle, JSON
//! replies, without authorization.

use std::{env, error::Error, sync::Arc};

use axum::{Router, serve::ListenerExt};
use rmcp::{
    ServerHandler,
    handler::server::router::tool::ToolRouter,
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::net::TcpListener;

const TEXT: &str = "This is a simple text response for testing.";

#[derive(Clone)]
struct Tools {
    // Shared: the service clones the handler for each request.
    router: Arc<ToolRouter<Self>>,
}

macro_rules! tools {
    ($($name:ident)*) => {
        #[tool_router]
        impl Tools {
            $(
                #[tool(description = "Returns a simple text.")]
                async fn $name(&self) -> String {
                    TEXT.to_owned()
                }
            )*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

tools! {
    test_simple_text other_01 other_02 other_03 other_04 other_05 other_06 other_07 other_08
    other_09 other_10 other_11 other_12 other_13 other_14 other_15 other_16 other_17 other_18
    other_19 other_20 other_21 other_22 other_23 other_24 other_25 other_26 other_27 other_28
    other_29 other_30 other_31 other_32 other_33 other_34 other_35 other_36 other_37 other_38
    other_39 other_40 other_41 other_42 other_43 other_44 other_45 other_46 other_47 other_48
    other_49 other_50 other_51 other_52 other_53 other_54 other_55 other_56 other_57 other_58
    other_59 other_60 other_61 other_62 other_63 other_64 other_65 other_66 other_67 other_68
    other_69 other_70 other_71 other_72 other_73 other_74 other_75 other_76 other_77 other_78
    other_79 other_80 other_81 other_82 other_83 other_84 other_85 other_86 other_87 other_88
    other_89 other_90 other_91 other_92 other_93 other_94 other_95 other_96 other_97 other_98
    other_99
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: peer-rmcp PORT [TOOLS]")?.parse()?;
    let tools: usize = arguments.next().map_or(Ok(1), |tools| tools.parse())?;
    let workers = env::var("WORKERS").map_or(Ok(1), |workers| workers.parse())?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(workers).enable_all().build()?.block_on(serve(port, tools))
}

async fn serve(port: u16, tools: usize) -> Result<(), Box<dyn Error>> {
    let mut router = Tools::tool_router();
    for name in NAMES.iter().skip(tools) {
        router.remove_route(name);
    }
    let tools = Tools { router: Arc::new(router) };
    let service = StreamableHttpService::new(
        move || Ok(tools.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default().with_json_response(true),
    );
    let listener = TcpListener::bind(("127.0.0.1", port)).await?.tap_io(|stream| {
        // Without it an SSE reply waits for the client's delayed acknowledgement.
        stream.set_nodelay(true).expect("a connected socket takes the option");
    });
    Ok(axum::serve(listener, Router::new().route_service("/mcp", service)).await?)
}
