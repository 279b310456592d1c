//! The command line of a server, and what it prints.

use std::{
    io::IsTerminal,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use rmcp::{ServerHandler, ServiceExt};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::{
    listen::listen,
    loopback::{self, Loopback},
    server::Server,
    stdio::Lines,
};
use crate::error::{ConfigError, Error, Result};

/// Where a server listens if nobody says.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8765);

/// The flags; each has a variable.
#[derive(Parser, Debug)]
struct Flags {
    /// Speak to one client over standard input and output.
    #[arg(long, env = "TOOLGATE_STDIO", conflicts_with = "describe")]
    stdio: bool,

    /// Listen for HTTP on this address of this machine.
    #[arg(long, value_name = "ADDRESS", env = "TOOLGATE_HTTP", default_value_t = ADDRESS)]
    http: SocketAddr,

    /// With --stdio: the port for the browser's return, where a provider wants a fixed one.
    #[arg(long, value_name = "PORT", env = "TOOLGATE_CALLBACK_PORT", default_value_t = 0)]
    callback_port: u16,

    /// Print every tool with its scopes, and end.
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, default_missing_value = "table")]
    describe: Option<Form>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Table,
    Json,
    Typescript,
}

pub(super) async fn serve<H: ServerHandler>(server: Server<H>) -> Result<()> {
    let (name, version) = server.name_and_version();
    let command = Flags::command().name(name).version(version);
    let flags = match Flags::from_arg_matches(&command.get_matches()) {
        Ok(flags) => flags,
        Err(error) => error.exit(),
    };
    if let Some(form) = flags.describe {
        let description = named(server, flags.http).build().await?.describe();
        let text = match form {
            Form::Table => description.to_string(),
            Form::Json => serde_json::to_string_pretty(&description)?,
            Form::Typescript => description.typescript(),
        };
        say(&text);
        return Ok(());
    }
    log();
    if flags.stdio {
        return serve_stdio(server, flags.callback_port).await;
    }
    serve_http(server, flags.http).await
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

/// Logs to standard error, unless the application has set up a log of its own.
fn log() {
    // rmcp logs three lines a call at `info`, and whole requests at `debug`.
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
