//! Serving HTTP on an address, from the startup message to graceful shutdown.

use std::{fmt::Write as _, net::SocketAddr, sync::Arc};

use futures::future::BoxFuture;
use tokio::net::TcpListener;

use super::{builder::Server, output::print};
#[cfg(feature = "inspector")]
use super::{
    inspection::{self, Inspection},
    offer,
};
use crate::{
    error::{ConfigError, Result},
    support::background,
};
use crate::{
    http::{Connection, listen},
    mcp::fallback::ErasedHandler,
};

/// Serves `server` on `address`. Boxed, so that the programs that call it do not compile it.
pub(crate) fn serve_http(
    server: Server<ErasedHandler>,
    address: SocketAddr,
) -> BoxFuture<'static, Result<()>> {
    Box::pin(run(server, address))
}

async fn run(server: Server<ErasedHandler>, address: SocketAddr) -> Result<()> {
    if !address.ip().to_canonical().is_loopback() && !server.allows_remote() {
        let error = ConfigError::new(format!("{address} is not an address of this machine alone"));
        let help = if server.gate.is_some() {
            "name the URL at which others reach the server, which is the audience of their tokens: `Gate::resource(\"https://tools.example/mcp\")`; with a broker, `.gate(Gate::for_broker().resource(..))`"
        } else {
            "callers are not verified, so everyone who reaches the server could act as you; listen on 127.0.0.1, or add `.gate(..)` with its `resource`"
        };
        return Err(error.help(help).into());
    }
    if server.lacks_trusted_proxy() {
        tracing::warn!(
            target: "toolgate::server",
            "the server's URL is https and this listener is not, so a proxy stands before it; as it is not a trusted one, all clients count as one address in every limit: name it with `--trusted-proxy ADDRESS` or `Server::trusted_proxies`",
        );
    }
    let (name, version) = server.name_and_version();
    let listener = TcpListener::bind(address).await.map_err(|error| {
        ConfigError::new(format!("{address} cannot be listened on: {error}"))
            .help("`--http 127.0.0.1:0` takes a free port")
    })?;
    let address = listener.local_addr()?;
    let server = server.default_public_url(format!("http://{address}/"));
    #[cfg(feature = "inspector")]
    let (server, inspection) = Inspection::begin(server, address)?;
    #[cfg(feature = "dev")]
    let hint = server.dev.as_ref().map(|dev| dev.hint(&format!("http://{address}")));
    let has_landing_page = server.landing_page;
    #[cfg_attr(not(feature = "inspector"), expect(unused_mut))]
    let mut app = server.build_for(None).await?;
    #[cfg(feature = "inspector")]
    if let Some(inspection) = inspection {
        let inspector = inspection.attach(&mut app).await?;
        offer::announce(&inspector.link());
    }
    #[cfg(feature = "inspector")]
    let has_inspector = app.inspector.is_some();
    #[cfg(not(feature = "inspector"))]
    let has_inspector = false;
    announce((&name, &version), address, (has_landing_page, has_inspector));
    #[cfg(feature = "dev")]
    if let Some(hint) = hint {
        print(&hint);
    }
    #[cfg(feature = "dev")]
    for stand_in in &app.stand_ins {
        print(&stand_in.hint());
    }

    let app = Arc::new(app);
    let (service, ended) = (app.service(), Arc::clone(&app));
    #[cfg(feature = "inspector")]
    let service = inspection::inspected(&app, service);
    listen(listener, service, async move {
        shutdown_signal().await;
        background::spawn(async move { ended.drain().await });
    })
    .await;
    #[cfg(feature = "inspector")]
    if let Some(inspector) = &app.inspector {
        inspector.set_service(None);
    }
    Ok(())
}

/// Completes when the process receives an interrupt or a termination signal.
async fn shutdown_signal() {
    let interrupt = async {
        // Without a handler for the signal the process can only be killed.
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

fn announce(
    (name, version): (&str, &str),
    address: SocketAddr,
    (has_landing_page, has_inspector): (bool, bool),
) {
    let url = format!("http://{address}/mcp");
    let mut summary = Connection::new(name, url.as_str()).summary(!has_inspector);
    if has_landing_page {
        let _ = writeln!(summary, "  Other hosts   open http://{address} in a browser");
    }
    print(&format!("{name} {version} listens on {url}\n\n{summary}"));
}
