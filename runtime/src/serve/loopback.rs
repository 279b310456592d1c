//! A listener for the browser, where the server itself speaks over standard input and output. It
//! is there only while a consent is open (RFC 8252 §7.3).

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, sync::Mutex};
use url::Url;

use super::http;
use crate::consent::Consents;

/// Listens on 127.0.0.1, on `port` or, if that is 0, on one that is free.
pub(super) struct Loopback {
    port: u16,
    listening: Mutex<bool>,
}

impl Loopback {
    pub(super) fn new(port: u16) -> Self {
        Self { port, listening: Mutex::new(false) }
    }

    /// Listens from now on, until no consent is open any more.
    pub(super) async fn listen(self: &std::sync::Arc<Self>, consents: &Consents) -> io::Result<()> {
        let mut listening = self.listening.lock().await;
        if *listening {
            return Ok(());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        consents.set_base(base(listener.local_addr()?));
        *listening = true;
        let (this, consents) = (std::sync::Arc::clone(self), consents.clone());
        tokio::spawn(async move {
            let router = http::local_only(consents.router());
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let done = {
                let this = std::sync::Arc::clone(&this);
                async move {
                    // The last page of a consent is still to be read, hence the breath.
                    loop {
                        tokio::time::sleep(Duration::from_secs(5)).await;
                        let mut listening = this.listening.lock().await;
                        if !consents.any_open() {
                            *listening = false;
                            return;
                        }
                    }
                }
            };
            let _ = axum::serve(listener, service).with_graceful_shutdown(done).await;
        });
        Ok(())
    }
}

/// The URL of a listener on this machine.
pub(super) fn base(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}/")).expect("an address is the host of a URL")
}
