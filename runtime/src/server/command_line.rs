//! Command line of a server: the commands, and their output.

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::{ServiceExt, service::ServerInitializeError};
use tracing_subscriber::{filter::Targets, prelude::*};

use super::{
    app::DRAIN_TIMEOUT,
    args::{self, Command, DescribeFormat},
    builder::Server,
    output::print,
    run_http::serve_http,
};
use crate::{
    error::{Error, Result},
    mcp::{fallback::ErasedHandler, named_handler::NamedHandler, transport::ServerTransport},
    stdio::{loopback::Loopback, transport::StdioTransport},
};

/// Runs the command that the process was started with. Boxed, so that the programs that call it do
/// not compile it.
pub(crate) fn serve(server: Server<ErasedHandler>) -> BoxFuture<'static, Result<()>> {
    Box::pin(run(server))
}

async fn run(server: Server<ErasedHandler>) -> Result<()> {
    let (name, version) = server.name_and_version();
    match Command::from_env() {
        Ok(Command::Help) => print(&args::help(&name)),
        Ok(Command::Version) => print(&format!("{name} {version}")),
        Ok(Command::Describe(format, address)) => {
            let description = server
                .default_public_url(format!("http://{address}/"))
                .build_for(None)
                .await?
                .describe();
            print(&match format {
                DescribeFormat::Table => description.to_string(),
                DescribeFormat::Json => serde_json::to_string_pretty(&description)?,
                DescribeFormat::Typescript => description.typescript(),
            });
        }
        Ok(Command::Stdio(port)) => {
            init_log();
            return serve_stdio(server, port).await;
        }
        Ok(Command::Http(address, proxies, inspector)) => {
            init_log();
            let server = server.replace_trusted_proxies(proxies).replace_inspector(inspector);
            return serve_http(server, address).await;
        }
        #[cfg(feature = "inspector")]
        Ok(Command::Doctor(address)) => {
            init_log();
            if !super::inspection::examine(server, address).await? {
                std::process::exit(1);
            }
        }
        #[cfg(not(feature = "inspector"))]
        Ok(Command::Doctor(_)) => {}
        Err(error) => exit_with_usage(&name, &error),
    }
    Ok(())
}

/// Serves one client over standard input and output, with `port` for OAuth callbacks.
pub(crate) fn serve_stdio(
    server: Server<ErasedHandler>,
    port: u16,
) -> BoxFuture<'static, Result<()>> {
    Box::pin(run_stdio(server, port))
}

async fn run_stdio(server: Server<ErasedHandler>, port: u16) -> Result<()> {
    let loopback = Arc::new(Loopback::new(port));
    let app = server.build_for(Some(loopback)).await?;
    let stdio = StdioTransport::new(tokio::io::stdin(), tokio::io::stdout(), DRAIN_TIMEOUT);
    let connected =
        NamedHandler(app.handler.clone()).serve(ServerTransport::Messages(Box::new(stdio))).await;
    let running = match connected {
        Ok(running) => running,
        // The input ended before a client introduced itself.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(Error::internal(error)),
    };
    running.waiting().await.map_err(Error::internal)?;
    app.drain().await;
    Ok(())
}

#[allow(clippy::print_stderr, reason = "the log is not set up yet")]
fn exit_with_usage(name: &str, error: &str) -> ! {
    eprintln!("error: {error}\n\n{}", args::help(name));
    std::process::exit(2)
}

/// Sets up a log on standard error, filtered by `RUST_LOG`, unless the application has set one up.
fn init_log() {
    // rmcp logs three lines a call at `info`, and whole requests at `debug`.
    const DEFAULT_FILTER: &str = "info,rmcp=warn";
    let default = || DEFAULT_FILTER.parse().expect("targets with levels");
    let filter = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let (targets, error) = match filter.map(|filter| filter.parse::<Targets>()) {
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (default(), Some(error)),
        None => (default(), None),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
    if let Some(error) = error {
        tracing::warn!(target: "toolgate", %error, "`RUST_LOG` is not understood, so the filter is `{DEFAULT_FILTER}`");
    }
}
