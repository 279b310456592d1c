//! turbomcp, without authorization. Its macro sees an `impl` block as it is written, so
//! there is one tool.

use std::{env, error::Error, net::SocketAddr};

use turbomcp::{
    http::{HttpConfig, ServeHttp},
    prelude::*,
};

#[derive(Clone)]
struct Tools;

#[server(name = "turbomcp", version = "4.0.0-alpha.5")]
impl Tools {
    /// Returns a simple text.
    #[tool(description = "Returns a simple text.")]
    async fn test_simple_text(&self) -> McpResult<String> {
        Ok("This is a simple text response for testing.".to_owned())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::args().nth(1).ok_or("usage: peer-turbomcp PORT")?.parse()?;
    let workers = env::var("WORKERS").map_or(Ok(1), |workers| workers.parse())?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(workers).enable_all().build()?;
    Ok(runtime.block_on(Tools.into_server().run_http(address, HttpConfig::new()))?)
}
