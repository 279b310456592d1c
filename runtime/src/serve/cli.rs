//! The command line of a server, and what it prints.

use std::{net::SocketAddr, sync::Arc};

use rmcp::{ServerHandler, ServiceExt};
use tokio::net::TcpListener;
use tracing_subscriber::{filter::Targets, prelude::*};

use super::{
    flags::{self, Form, Wanted},
    listen::listen,
    loopback::{self, Loopback},
    server::Server,
    stdio::Lines,
};
use crate::error::{ConfigError, Error, Result};

pub(super) async fn serve<H: ServerHandler>(server: Server<H>) -> Result<()> {
    let (name, version) = server.name_and_version();
    match Wanted::of_process() {
        Ok(Wanted::Help) => say(&flags::help(&name)),
        Ok(Wanted::Version) => say(&format!("{name} {version}")),
        Ok(Wanted::Describe(form, address)) => {
            let description = named(server, address).build().await?.describe();
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

pub(super) async fn serve_stdio<H: ServerHandler>(server: Server<H>, port: u16) -> Result<()> {
    let loopback = Arc::new(Loopback::new(port));
    let app = server.build_for(Some(loopback)).await?;
    let lines = Lines::new(tokio::io::stdin(), tokio::io::stdout());
    let running = app.handler().serve(lines).await.map_err(Error::internal)?;
    running.waiting().await.map_err(Error::internal)?;
    app.drain().await;
    Ok(())
}

pub(super) async fn serve_http<H: ServerHandler>(
    server: Server<H>,
    address: SocketAddr,
) -> Result<()> {
    if !address.ip().to_canonical().is_loopback() && !server.may_face_others() {
        let fault = ConfigError::new(format!("{address} is not an address of this machine alone"));
        let help = if server.gate.is_some() {
            "name the URL by which others reach the server, which their tokens are made for: `Gate::resource(\"https://tools.example/mcp\")`; with a broker, `.gate(Gate::by_broker().resource(..))`"
        } else {
            "callers are not verified, so whoever reached it would act as you; listen on 127.0.0.1, or add `.gate(..)` with its `resource`"
        };
        return Err(fault.help(help).into());
    }
    let (name, version) = server.name_and_version();
    let listener = TcpListener::bind(address).await.map_err(|error| {
        ConfigError::new(format!("{address} cannot be listened on: {error}"))
            .help("`--http 127.0.0.1:0` takes a free port")
    })?;
    let address = listener.local_addr()?;
    let server = named(server, address);
    #[cfg(feature = "dev")]
    let hint = server.dev.as_ref().map(|dev| dev.hint(&format!("http://{address}")));
    let app = server.build().await?;
    greet(&name, &version, address);
    #[cfg(feature = "dev")]
    if let Some(hint) = hint {
        say(&hint);
    }

    let app = Arc::new(app);
    let (front, ended) = (app.front(), Arc::clone(&app));
    listen(listener, front, async move {
        told_to_end().await;
        tokio::spawn(async move { ended.drain().await });
    })
    .await;
    Ok(())
}

/// The server under the URL of `address`, unless it has another.
fn named<H: ServerHandler>(server: Server<H>, address: SocketAddr) -> Server<H> {
    if server.knows_its_name() { server } else { server.public_url(loopback::base(address)) }
}

/// Completes when the process is asked to end.
async fn told_to_end() {
    let interrupt = async {
        // Without a handler nobody can tell us so; then only a kill does.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

fn greet(name: &str, version: &str, address: SocketAddr) {
    let url = format!("http://{address}/mcp");
    say(&format!(
        "{name} {version} listens on {url}

  Claude Code   claude mcp add --transport http {name} {url}
  Cursor        ~/.cursor/mcp.json: {{ \"mcpServers\": {{ \"{name}\": {{ \"url\": \"{url}\" }} }} }}
  VS Code       code --add-mcp '{{\"name\":\"{name}\",\"type\":\"http\",\"url\":\"{url}\"}}'
  Inspector     npx @modelcontextprotocol/inspector --transport http --server-url {url}
"
    ));
}

#[allow(clippy::print_stdout, reason = "this is what the command is for")]
fn say(text: &str) {
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
