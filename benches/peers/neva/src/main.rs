//! neva, without authorization.

use std::{env, error::Error};

use neva::prelude::*;

const TEXT: &str = "This is a simple text response for testing.";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: peer-neva PORT [TOOLS]")?.parse()?;
    let tools: usize = arguments.next().map_or(Ok(1), |tools| tools.parse())?;
    let workers = env::var("WORKERS").map_or(Ok(1), |workers| workers.parse())?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(workers).enable_all().build()?.block_on(serve(port, tools));
    Ok(())
}

async fn serve(port: u16, tools: usize) {
    let address = format!("127.0.0.1:{port}");
    let mut app = App::new().with_options(|options| options.with_http(|http| http.bind(&address)));
    app.map_tool("test_simple_text", || async { TEXT });
    for other in 1..tools {
        app.map_tool(format!("other_{other:02}"), || async { TEXT });
    }
    app.run().await;
}
