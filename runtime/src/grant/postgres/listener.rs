//! Notifications of other processes: which records have changed (`LISTEN` and `NOTIFY`).

use std::{
    future::poll_fn,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client};

use super::{
    connect::{Connector, Driver},
    errors::describe,
};
use crate::{
    grant::watchers::{RecordId, Watch, Watchers},
    support::{background as task, crypto::base64url},
};

/// The channel of notifications.
pub(super) const CHANNEL: &str = "toolgate";

/// How often a waiter reads the record while notifications arrive, in case one was lost.
const SLOW_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The wait after a connection that failed.
const RECONNECT_WAIT: Duration = Duration::from_secs(2);

/// The text of a notification.
pub(super) fn announcement(id: &RecordId) -> String {
    base64url(id)
}

fn announced(text: &str) -> Option<RecordId> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The connection for notifications. It is opened for the first waiter.
pub(super) struct Listener {
    shared: Arc<Shared>,
    started: AtomicBool,
}

struct Shared {
    watchers: Watchers,
    /// Whether notifications arrive.
    is_connected: AtomicBool,
    connector: Arc<Connector>,
}

impl Listener {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        let (watchers, is_connected) = (Watchers::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { watchers, is_connected, connector });
        Self { shared, started: AtomicBool::new(false) }
    }

    /// Waits from now on for a change of the record.
    pub(super) fn watch(&self, id: RecordId, poll_interval: Duration) -> Watch {
        if !self.started.swap(true, Ordering::Relaxed) {
            task::spawn(listen(Arc::downgrade(&self.shared)));
        }
        let is_connected = self.shared.is_connected.load(Ordering::Relaxed);
        let at_most =
            if is_connected { poll_interval.max(SLOW_POLL_INTERVAL) } else { poll_interval };
        self.shared.watchers.watch(id, at_most)
    }

    /// Wakes those in this process who wait for the record.
    pub(super) fn wake(&self, id: &RecordId) {
        self.shared.watchers.wake(id);
    }
}

/// Listens until the store is dropped.
async fn listen(shared: Weak<Shared>) {
    while let Some(alive) = shared.upgrade() {
        let connector = Arc::clone(&alive.connector);
        drop(alive);
        if let Err(error) = listen_once(&shared, &connector).await {
            tracing::warn!(target: "toolgate::grant", error, "changes of records are not announced; waiting calls look for them");
        }
        if let Some(alive) = shared.upgrade() {
            alive.is_connected.store(false, Ordering::Relaxed);
            alive.watchers.wake_all();
        }
        sleep(RECONNECT_WAIT).await;
    }
}

/// Listens until the connection or the store ends.
async fn listen_once(shared: &Weak<Shared>, connector: &Connector) -> Result<(), String> {
    let listen = async |client: Client, connection: Driver| {
        let (sender, received) = mpsc::channel(64);
        // The connection ends when the client is dropped.
        let driver = task::spawn(forward(connection, sender));
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        Ok((client, driver, received))
    };
    let connected = connector.connect(listen).await.map_err(|error| error.to_string())?;
    let (_client, driver, mut received) = connected;
    if let Some(alive) = shared.upgrade() {
        alive.is_connected.store(true, Ordering::Relaxed);
        // Earlier changes are not announced again.
        alive.watchers.wake_all();
    }
    let ended = loop {
        let next = timeout(SLOW_POLL_INTERVAL, received.recv()).await;
        let Some(alive) = shared.upgrade() else { break Ok(()) };
        match next {
            Ok(Some(Ok(payload))) => {
                if let Some(id) = announced(&payload) {
                    alive.watchers.wake(&id);
                }
            }
            Ok(Some(Err(error))) => break Err(error),
            Ok(None) => break Err("the connection has ended".to_owned()),
            Err(_) => {}
        }
    };
    driver.abort();
    ended
}

/// Drives the connection, and sends the text of each notification on.
async fn forward(mut connection: Driver, sender: mpsc::Sender<Result<String, String>>) {
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notification(notification))) => {
                if sender.send(Ok(notification.payload().to_owned())).await.is_err() {
                    return;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let _ = sender.send(Err(describe(&error))).await;
                return;
            }
            None => return,
        }
    }
}
