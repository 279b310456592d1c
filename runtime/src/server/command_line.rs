//! Command line of a server: the commands, and their output.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use rmcp::{ServiceExt, service::ServerInitializeError};
use tracing_subscriber::{filter::Targets, prelude::*};

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use super::admin;
use super::{
    args::{Command, OutputFormat},
    builder::Server,
    core_dumps,
    json_log::{JsonEvent, JsonFields},
    output::print,
    print_config::print_config,
    run_http::serve_http,
    signals::Signals,
    usage,
};
#[cfg(feature = "opentelemetry")]
use crate::telemetry::OpenTelemetry;
use crate::{
    env,
    error::{Error, Result},
    mcp::{fallback::ErasedHandler, named_handler::NamedHandler, transport::ServerTransport},
    stdio::{loopback::Loopback, transport::StdioTransport},
    support::background,
    trace::{EventKind, SessionTransport},
};

/// How long the last answers may take to be written, after a signal.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

const LOG_FORMAT: &str = "TOOLGATE_LOG_FORMAT";

/// The URL at which others reach the server.
const PUBLIC_URL: &str = "TOOLGATE_PUBLIC_URL";

/// Runs the command that the process was started with. Boxed, so that the programs that call it do
/// not compile it.
pub(crate) fn serve(server: Server<ErasedHandler>) -> BoxFuture<'static, Result<()>> {
    Box::pin(run(server))
}

#[cfg(feature = "opentelemetry")]
async fn run(mut server: Server<ErasedHandler>) -> Result<()> {
    let Some(telemetry) = OpenTelemetry::if_configured(&server.identity.name)? else {
        return exit(run_command(server).await?);
    };
    server.observers.push(Arc::new(telemetry.clone()));
    let exit_code = run_command(server).await;
    telemetry.shutdown().await;
    exit(exit_code?)
}

#[cfg(not(feature = "opentelemetry"))]
async fn run(server: Server<ErasedHandler>) -> Result<()> {
    exit(run_command(server).await?)
}

/// The code that the process ends with at once, or `None` where the program goes on.
type ExitCode = Option<i32>;

fn exit(code: ExitCode) -> Result<()> {
    code.map_or(Ok(()), |code| std::process::exit(code))
}

async fn run_command(server: Server<ErasedHandler>) -> Result<ExitCode> {
    let (name, version) = server.name_and_version();
    env::load_config_file()?;
    let ids: Vec<_> = server.providers.iter().map(|provider| provider.id).collect();
    let placeholders = server.providers.iter().map(|provider| {
        let names = provider.dialect.placeholders.iter().map(|placeholder| placeholder.name);
        (provider.id, names.collect())
    });
    env::config_file::check_providers(&placeholders.collect::<Vec<_>>())?;
    match Command::from_env() {
        Ok(Command::Help) => print(&usage::help(&name)),
        Ok(Command::PrintConfig) => {
            core_dumps::forbid();
            print(&print_config(&ids));
        }
        Ok(Command::Version) => print(&format!("{name} {version}")),
        #[cfg(any(feature = "postgres", feature = "sqlite"))]
        Ok(Command::AdminHelp) => print(admin::arguments::HELP),
        #[cfg(any(feature = "postgres", feature = "sqlite"))]
        Ok(Command::Admin(arguments)) => {
            init_log(&ids);
            core_dumps::forbid();
            let server =
                server.replace_public_url(env::var(PUBLIC_URL)).replace_audit_retention()?;
            let server = server.default_public_url("http://127.0.0.1/");
            return Ok((!admin::run(server, arguments).await?).then_some(1));
        }
        Ok(Command::Describe(format, address)) => {
            core_dumps::forbid();
            let description = server
                .replace_public_url(env::var(PUBLIC_URL))
                .default_public_url(format!("http://{address}/"))
                .build_for(None)
                .await?
                .describe();
            print(&match format {
                OutputFormat::Table => description.to_string(),
                OutputFormat::Json => serde_json::to_string_pretty(&description)?,
            });
        }
        Ok(Command::Stdio(port)) => {
            init_log(&ids);
            core_dumps::forbid();
            if env::is_file_left_out() {
                tracing::warn!(target: "toolgate::server", "the file `.env` of the working directory is not read with `--stdio`, because a host may start this program in a repository whose files are not trusted: set the variables in the configuration of the host");
            }
            let server = server.replace_drain_limits()?.replace_audit_retention()?;
            return run_stdio(server, port).await;
        }
        Ok(Command::Http(address, proxies, inspector, management)) => {
            init_log(&ids);
            core_dumps::forbid();
            let server = server.replace_public_url(env::var(PUBLIC_URL)).replace_drain_limits()?;
            let server = server.replace_audit_retention()?;
            let server = server.replace_trusted_proxies(proxies).replace_inspector(inspector);
            let server = server.replace_management(management);
            serve_http(server, address).await?;
        }
        #[cfg(feature = "inspector")]
        Ok(Command::Doctor(format, address)) => {
            init_log(&ids);
            core_dumps::forbid();
            let server = server.replace_public_url(env::var(PUBLIC_URL));
            return Ok((!super::inspection::examine(server, address, format).await?).then_some(1));
        }
        #[cfg(not(feature = "inspector"))]
        Ok(Command::Doctor(..)) => {}
        Err(error) => exit_with_usage(&name, &error),
    }
    Ok(None)
}

/// Serves one client over standard input and output, with `port` for OAuth callbacks.
pub(crate) fn serve_stdio(
    server: Server<ErasedHandler>,
    port: u16,
) -> BoxFuture<'static, Result<()>> {
    Box::pin(async move { exit(run_stdio(server, port).await?) })
}

/// At a signal it returns an exit code: the read of the input does not end with the runtime.
async fn run_stdio(server: Server<ErasedHandler>, port: u16) -> Result<ExitCode> {
    let loopback = Arc::new(Loopback::new(port));
    let app = server.build_for(Some(loopback)).await?;
    let stdio =
        StdioTransport::new(tokio::io::stdin(), tokio::io::stdout(), app.drain_limits.timeout);
    // A call begins as soon as its message is read, so signals are taken before that.
    let mut signals = Signals::take();
    let serving =
        NamedHandler(app.handler.clone()).serve(ServerTransport::Messages(Box::new(stdio)));
    let connected = tokio::select! {
        biased;
        connected = serving => connected,
        // No call has begun.
        _ = signals.next() => return Ok(Some(0)),
    };
    let running = match connected {
        Ok(running) => running,
        // The input ended before a client introduced itself.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(None),
        Err(error) => return Err(Error::internal(error)),
    };
    let (tracer, begun) = (app.handler.dispatch.tracer.clone(), Instant::now());
    let ending = running.cancellation_token();
    let mut ended = std::pin::pin!(running.waiting());
    let signal = tokio::select! {
        ended = &mut ended => {
            ended.map_err(Error::internal)?;
            None
        }
        signal = signals.next() => Some(signal),
    };
    background::spawn(signals.end_at_next());
    tracer.span().emit(|| EventKind::SessionEnded {
        transport: SessionTransport::Stdio,
        ms: begun.elapsed().into(),
    });
    app.end_calls().await;
    app.end_refreshes().await;
    if signal.is_some() {
        // What was answered is written.
        ending.cancel();
        let _ = tokio::time::timeout(WRITE_TIMEOUT, ended).await;
        return Ok(Some(0));
    }
    Ok(None)
}

#[allow(clippy::print_stderr, reason = "the log is not set up yet")]
fn exit_with_usage(name: &str, error: &str) -> ! {
    eprintln!("error: {error}\n\n{}", usage::help(name));
    std::process::exit(2)
}

/// Sets up a log on standard error, filtered by `RUST_LOG`, unless the application has set one up.
///
/// It begins with the variables that are probably misspelt. `providers`: the IDs of the server's providers.
fn init_log(providers: &[&str]) {
    // rmcp logs three lines a call at `info`, and whole requests at `debug`.
    const DEFAULT_FILTER: &str = "info,rmcp=warn";
    let default = || DEFAULT_FILTER.parse().expect("targets with levels");
    let filter = env::var("RUST_LOG");
    let (targets, error) = match filter.map(|filter| filter.parse::<Targets>()) {
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (default(), Some(error)),
        None => (default(), None),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let format = env::found(LOG_FORMAT, Some("--log-format")).map(|(format, _)| format);
    let is_json = format.as_deref() == Some("json");
    let _ = if is_json {
        let layer = layer.fmt_fields(JsonFields).event_format(JsonEvent).with_filter(targets);
        tracing_subscriber::registry().with(layer).try_init()
    } else {
        tracing_subscriber::registry().with(layer.with_filter(targets)).try_init()
    };
    if !is_json && format.is_some_and(|format| format != "text") {
        tracing::warn!(target: "toolgate", "`{LOG_FORMAT}` is neither `text` nor `json`, so the log is text");
    }
    if let Some(error) = error {
        tracing::warn!(target: "toolgate", %error, "`RUST_LOG` is not understood, so the filter is `{DEFAULT_FILTER}`");
    }
    for warning in env::misspelt(providers) {
        tracing::warn!(target: "toolgate::env", "{warning}");
    }
}
