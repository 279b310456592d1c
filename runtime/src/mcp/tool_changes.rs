//! Changes of the tools while clients are connected. In development, a program is replaced by another
//! one, which may have other tools.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use rmcp::{ErrorData, Peer, RoleServer, model::SubscriptionFilter, service::SubscriptionContext};
use tokio::sync::watch;

/// The most clients that are notified.
const MAX_PEERS: usize = 1000;

/// How long clients may take to receive the notification.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(1);

/// Notifies clients that the tools have changed: `notifications/tools/list_changed`.
pub(crate) struct ToolChanges {
    changes: watch::Sender<()>,
    /// The clients that are connected, by their sessions.
    peers: Mutex<HashMap<Arc<str>, Peer<RoleServer>>>,
}

impl ToolChanges {
    pub(crate) fn new() -> Self {
        Self { changes: watch::Sender::new(()), peers: Mutex::default() }
    }

    /// Notifies the client of a session as well.
    pub(super) fn add(&self, session: &Arc<str>, peer: &Peer<RoleServer>) {
        let mut peers = self.peers();
        if peers.len() >= MAX_PEERS {
            peers.retain(|_, peer| !peer.is_transport_closed());
        }
        if peers.len() < MAX_PEERS {
            peers.insert(Arc::clone(session), peer.clone());
        }
    }

    /// What is accepted of a filter: changes of the tools.
    pub(super) fn accept(requested: &SubscriptionFilter) -> SubscriptionFilter {
        let mut accepted = SubscriptionFilter::default();
        accepted.tools_list_changed = requested.tools_list_changed;
        accepted
    }

    /// Serves a subscription until it is cancelled.
    pub(super) async fn serve(&self, context: &SubscriptionContext) -> Result<(), ErrorData> {
        let mut announced = self.changes.subscribe();
        let is_accepted = context.accepted().tools_list_changed == Some(true);
        loop {
            let goes_on = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = announced.changed() => change.is_ok(),
            };
            if !goes_on || is_accepted && context.sink().notify_tool_list_changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Notifies the client of a connection, as long as it takes notifications.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) async fn follow(&self, peer: &Peer<RoleServer>) {
        let mut announced = self.changes.subscribe();
        while announced.changed().await.is_ok() && peer.notify_tool_list_changed().await.is_ok() {}
    }

    /// Notifies all clients that are connected.
    pub(crate) async fn announce(&self) {
        self.changes.send_replace(());
        let peers: Vec<_> = self.peers().values().cloned().collect();
        let notified = peers.iter().map(Peer::notify_tool_list_changed);
        let _ = tokio::time::timeout(NOTIFICATION_TIMEOUT, join_all(notified)).await;
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Arc<str>, Peer<RoleServer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
