//! Listener that accepts only while its program serves: another program may have it as well.

use std::{
    io,
    net::{self, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::handover::Accepting;

/// A listener of this machine. Connections that come while it does not accept wait.
#[cfg_attr(
    not(any(feature = "inspector", feature = "dev")),
    allow(dead_code, reason = "for development")
)]
pub(crate) struct GatedListener {
    listener: TcpListener,
    /// `None`: it always accepts.
    accepting: Option<watch::Receiver<Accepting>>,
}

/// The address and port of a client.
#[cfg_attr(
    not(any(feature = "inspector", feature = "testing")),
    allow(dead_code, reason = "for development")
)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemoteAddress(pub(crate) SocketAddr);

#[cfg_attr(
    not(any(feature = "inspector", feature = "dev")),
    allow(dead_code, reason = "for development")
)]
impl GatedListener {
    /// Listens on a free port of this machine.
    pub(crate) async fn local() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { listener, accepting: None })
    }

    /// A listener that was inherited.
    pub(crate) fn inherited(
        listener: net::TcpListener,
        accepting: watch::Receiver<Accepting>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: TcpListener::from_std(listener)?, accepting: Some(accepting) })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits until it accepts no more.
    async fn closed(accepting: &mut watch::Receiver<Accepting>) {
        if accepting.wait_for(|accepting| *accepting != Accepting::Open).await.is_err() {
            // The sender is gone, so the state does not change any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Listener for GatedListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let Some(accepting) = &mut self.accepting else {
                return Listener::accept(&mut self.listener).await;
            };
            if accepting.wait_for(|accepting| *accepting == Accepting::Open).await.is_err() {
                return std::future::pending().await;
            }
            tokio::select! {
                accepted = Listener::accept(&mut self.listener) => return accepted,
                () = Self::closed(accepting) => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address()
    }
}

impl Connected<IncomingStream<'_, GatedListener>> for RemoteAddress {
    fn connect_info(stream: IncomingStream<'_, GatedListener>) -> Self {
        Self(*stream.remote_addr())
    }
}
