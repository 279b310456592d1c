//! The command line of a server, and what it prints.

use std::{net::SocketAddr, sync::Arc};

use futures::future::BoxFuture;
use rmcp::ServiceExt;
use tracing_subscriber::{filter::Targets, prelude::*};

use super::run_http::serve_http;
use super::{
    args as flags,
    args::{Form, Wanted},
    builder::Server,
};
use crate::error::{Error, Result};
use crate::{
    mcp::fallback::ErasedHandler,
    stdio::{
        loopback,
        loopback::Loopback,
        transport::{ServerTransport, StdioTransport},
    },
};

pub(crate) fn serve(server: Server<ErasedHandler>) -> BoxFuture<'static, Result<()>> {
    Box::pin(as_told(server))
}

async fn as_told(server: Server<ErasedHandler>) -> Result<()> {
    let (name, version) = server.name_and_version();
    match Wanted::of_process() {
        Ok(Wanted::Help) => say(&flags::help(&name)),
        Ok(Wanted::Version) => say(&format!("{name} {version}")),
        Ok(Wanted::Describe(form, address)) => {
            let description = named(server, address).build_for(None).await?.describe();
            say(&match form {
                Form::Table => description.to_string(),
                Form::Json => serde_json::to_string_pretty(&description)?,
                Form::Typescript => description.typescript(),
            });
        }
        Ok(Wanted::Stdio(port)) => {
            log();
            return serve_stdio(server, port).await;
        }
        Ok(Wanted::Http(address)) => {
            log();
            return serve_http(server, address).await;
        }
        Err(fault) => misused(&name, &fault),
    }
    Ok(())
}

pub(crate) fn serve_stdio(
    server: Server<ErasedHandler>,
    port: u16,
) -> BoxFuture<'static, Result<()>> {
    Box::pin(over_stdio(server, port))
}

async fn over_stdio(server: Server<ErasedHandler>, port: u16) -> Result<()> {
    let loopback = Arc::new(Loopback::new(port));
    let app = server.build_for(Some(loopback)).await?;
    let stdio = StdioTransport::new(tokio::io::stdin(), tokio::io::stdout());
    let running =
        app.handler.clone().serve(ServerTransport::Stdio(stdio)).await.map_err(Error::internal)?;
    running.waiting().await.map_err(Error::internal)?;
    app.drain().await;
    Ok(())
}

/// The server under the URL of `address`, unless it has another.
pub(crate) fn named(server: Server<ErasedHandler>, address: SocketAddr) -> Server<ErasedHandler> {
    if server.knows_its_name() { server } else { server.public_url(loopback::base(address)) }
}

#[allow(clippy::print_stdout, reason = "this is what the command is for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "whoever started it is told, and the log is not set up")]
fn misused(name: &str, fault: &str) -> ! {
    eprintln!("error: {fault}\n\n{}", flags::help(name));
    std::process::exit(2)
}

/// Logs to standard error what `RUST_LOG` asks for, unless the application has set up a log of its
/// own.
fn log() {
    // rmcp logs three lines a call at `info`, and whole requests at `debug`.
    const USUAL: &str = "info,rmcp=warn";
    let asked = std::env::var("RUST_LOG").ok().filter(|asked| !asked.is_empty());
    let understood = asked.map(|asked| asked.parse::<Targets>());
    let usual = || USUAL.parse().expect("targets with levels");
    let (targets, fault) = match understood {
        Some(Ok(targets)) => (targets, None),
        Some(Err(fault)) => (usual(), Some(fault)),
        None => (usual(), None),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
    if let Some(error) = fault {
        tracing::warn!(target: "toolgate", %error, "`RUST_LOG` is taken for `{USUAL}`: it names targets and levels");
    }
}
