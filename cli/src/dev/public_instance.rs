//! The program behind a tunnel.

use anyhow::Result;

use super::{instance::Instance, listeners::Listeners, process_group::Signal, tunnel::Tunnel};

/// The instance that a tunnel makes public.
pub(super) struct PublicInstance {
    tunnel: Tunnel,
    listeners: Option<Listeners>,
    /// `None`: the URL is not known yet.
    pub(super) instance: Option<Instance>,
}

/// What happens to a tunnel and to the program behind it.
pub(super) enum PublicEvent {
    /// The tunnel has this URL, or has ended.
    Tunnel(Result<String>),
    /// The program has ended.
    Ended(String),
}

impl PublicInstance {
    pub(super) fn new(command: &str, url: Option<&url::Url>) -> Result<Self> {
        let listeners = Listeners::of_tunnel()?;
        let tunnel = Tunnel::start(command, listeners.address().port(), url)?;
        Ok(Self { tunnel, listeners: Some(listeners), instance: None })
    }

    /// Serves its listener at this URL from now on.
    pub(super) fn begin(&mut self, url: &str) {
        if let Some(listeners) = self.listeners.take() {
            self.instance = Some(Instance::new(listeners).reached_at(url));
        }
    }

    /// Waits for what happens to it. Without an instance nothing does.
    pub(super) async fn next(public: Option<&mut Self>) -> PublicEvent {
        let Some(Self { tunnel, instance, .. }) = public else {
            return std::future::pending().await;
        };
        let ended = async {
            match instance {
                Some(instance) => instance.ended().await.0,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            url = tunnel.url() => PublicEvent::Tunnel(url),
            status = ended => PublicEvent::Ended(status),
        }
    }

    /// Ends the tunnel and the program.
    pub(super) async fn end(&mut self, signal: Signal) {
        self.tunnel.end().await;
        if let Some(instance) = &mut self.instance {
            instance.end(signal).await;
        }
    }
}
