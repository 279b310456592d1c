//! Serving HTTP on an address, from the startup message to graceful shutdown.

use std::{fmt::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    app::Assembled,
    builder::Server,
    dev_channel::{Built, DevChannel, Served},
    inherited::Inherited,
    notify, open_files,
    output::print,
    tunnel,
};
#[cfg(feature = "inspector")]
use super::{
    inspection::{self, Inspection},
    offer,
};
#[cfg(feature = "dev")]
use crate::dev::stand_ins::StartedStandIn;
use crate::{
    error::{ConfigError, Result},
    support::background,
};
use crate::{
    http::{Connection, Handover, listen},
    mcp::fallback::ErasedHandler,
};

/// How long the last changes may take to reach the program that took over.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves `server` on `address`. Boxed, so that the programs that call it do not compile it.
pub(crate) fn serve_http(
    server: Server<ErasedHandler>,
    address: SocketAddr,
) -> BoxFuture<'static, Result<()>> {
    Box::pin(run(server, address))
}

async fn run(server: Server<ErasedHandler>, address: SocketAddr) -> Result<()> {
    open_files::raise_limit();
    let server = tunnel::prepare(server)?;
    let Inherited { http, spares } = Inherited::take()?;
    let inherited = http.map(TcpListener::from_std).transpose()?;
    let address = inherited.as_ref().map_or(Ok(address), TcpListener::local_addr)?;
    if !address.ip().to_canonical().is_loopback() && !server.allows_remote() {
        let error = ConfigError::new(format!("{address} can be reached from other machines"));
        let help = if server.gate.is_some() {
            "name the URL at which others reach the server, which is the audience of their tokens: write `Gate::resource(\"https://tools.example/mcp\")`, with a broker `.gate(Gate::for_broker().resource(..))`; a program that calls `Server::serve` also reads `TOOLGATE_PUBLIC_URL=https://tools.example`"
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
    if server.repeats_endpoint() {
        tracing::warn!(
            target: "toolgate::server",
            "the public URL ends in `/mcp`, so clients find the endpoint at `/mcp/mcp`: name the URL of the server, without the `/mcp` of its endpoint",
        );
    }
    let (name, version) = server.name_and_version();
    let connected = DevChannel::connect(&name, spares).await;
    let listener = match inherited {
        Some(listener) => listener,
        None => TcpListener::bind(address).await.map_err(|error| {
            ConfigError::new(format!("{address} cannot be listened on: {error}"))
                .help("`--http 127.0.0.1:0` takes a free port")
        })?,
    };
    let address = listener.local_addr()?;
    let mut server = server.default_public_url(format!("http://{address}/"));
    let mut channel = None;
    if let Some((connected, identity)) = connected {
        channel = Some(connected);
        server.dev_identity = Some(Box::new(identity));
        #[cfg(feature = "dev")]
        server.share_issuer_key();
    }
    #[cfg(feature = "inspector")]
    let (server, inspection) = Inspection::begin(server, address)?;
    #[cfg(feature = "dev")]
    let hint = server.dev.as_ref().map(|dev| dev.hint(&format!("http://{address}")));
    let has_landing_page = server.landing_page;
    #[cfg_attr(not(feature = "inspector"), expect(unused_mut))]
    let mut app = server.build_for(None).await?;
    #[cfg(feature = "inspector")]
    let link = match inspection {
        Some(inspection) => Some(inspection.attach(&mut app).await?.link()),
        None => None,
    };
    #[cfg(not(feature = "inspector"))]
    let link: Option<String> = None;
    if let Some(channel) = &mut channel {
        take_turn(channel, &app, link.as_deref()).await?;
    }
    if channel.as_ref().is_none_or(|channel| channel.announces) {
        #[cfg(feature = "inspector")]
        if let Some(link) = &link {
            offer::announce(link);
        }
        announce((&name, &version), address, (has_landing_page, link.is_some()));
        #[cfg(feature = "dev")]
        if let Some(hint) = hint {
            print(&hint);
        }
        #[cfg(feature = "dev")]
        for stand_in in &app.stand_ins {
            print(&stand_in.hint());
        }
    }

    serve_app(app, channel, listener).await
}

/// Serves until a signal ends the process, or another program has taken over.
async fn serve_app(
    mut app: Assembled,
    channel: Option<DevChannel>,
    listener: TcpListener,
) -> Result<()> {
    let states = std::mem::take(&mut app.states);
    let app = Arc::new(app);
    // Until the last call has ended: probes see that the server is shutting down.
    let _management = app.manage(channel.is_some()).await?;
    let (service, ended) = (app.service(), Arc::clone(&app));
    #[cfg(feature = "inspector")]
    let service = inspection::inspected(&app, service);
    let (mut lost, mut handover, left) = (None, None, CancellationToken::new());
    if let Some(channel) = channel {
        let of_channel = Handover::new(channel.accepting());
        lost = Some(channel.lost());
        handover = Some(Arc::clone(&of_channel));
        let (app, left) = (Arc::clone(&app), left.clone());
        let served = Served { app, handover: of_channel, states, left };
        background::spawn(channel.follow(served));
    }
    notify::ready();
    // Without the one who started this program, nothing would end it.
    let lost = async move {
        match lost {
            Some(lost) => CancellationToken::cancelled_owned(lost).await,
            None => std::future::pending().await,
        }
    };
    let ending = background::spawn(async move { ended.drain_at_signal(lost).await });
    let drain = (Arc::clone(&app.drain), app.drain_limits.timeout);
    listen(listener, service, handover.clone(), drain).await;
    app.end_refreshes().await;
    if handover.is_some_and(|handover| handover.is_leaving()) {
        let _ = tokio::time::timeout(LEAVE_TIMEOUT, left.cancelled()).await;
    }
    ending.abort();
    #[cfg(feature = "inspector")]
    if let Some(inspector) = &app.inspector {
        inspector.set_service(None);
    }
    Ok(())
}

/// Waits until it is the turn of this program.
async fn take_turn(
    channel: &mut DevChannel,
    app: &Assembled,
    inspector: Option<&str>,
) -> Result<()> {
    let Some(identity) = app.dev_identity.as_deref() else { return Ok(()) };
    #[cfg(feature = "inspector")]
    let tools = crate::inspector::tools::all(&app.handler.dispatch);
    #[cfg(not(feature = "inspector"))]
    let tools = Vec::new();
    #[cfg(feature = "dev")]
    let stand_ins = app.stand_ins.iter().map(StartedStandIn::place).collect();
    #[cfg(not(feature = "dev"))]
    let stand_ins = Vec::new();
    let (url, states) = (&*app.endpoint_url(), &*app.states);
    channel.take_turn(Built { identity, url, tools, stand_ins, states, inspector }).await
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
