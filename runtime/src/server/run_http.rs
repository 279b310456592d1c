//! Serving HTTP at an address, from the first line that is printed to the end of the last call.

use std::{net::SocketAddr, sync::Arc};

use futures::future::BoxFuture;
use tokio::net::TcpListener;

use super::{
    builder::Server,
    command_line::{named, say},
};
use crate::{
    error::{ConfigError, Result},
    support::background as task,
};
use crate::{http::listen, mcp::fallback::ErasedHandler};

pub(crate) fn serve_http(
    server: Server<ErasedHandler>,
    address: SocketAddr,
) -> BoxFuture<'static, Result<()>> {
    Box::pin(over_http(server, address))
}

async fn over_http(server: Server<ErasedHandler>, address: SocketAddr) -> Result<()> {
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
    let app = server.build_for(None).await?;
    greet(&name, &version, address);
    #[cfg(feature = "dev")]
    if let Some(hint) = hint {
        say(&hint);
    }

    let app = Arc::new(app);
    let (service, ended) = (app.service(), Arc::clone(&app));
    listen(listener, service, async move {
        told_to_end().await;
        task::spawn(async move { ended.drain().await });
    })
    .await;
    Ok(())
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
