//! A relay in front of a database, which falls silent, or cuts a connection at a statement.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::{Notify, watch},
};

/// What happens at the statement that a trap waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The relay falls silent, and the database does not see the statement.
    Silence,
    /// The connection is cut, and the database does not see the statement.
    CutBefore,
    /// The connection is cut once the database has answered, and the answer is lost.
    CutAfter,
}

/// A relay, which runs until the test ends.
#[derive(Clone, Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: SocketAddr,
    is_silent: watch::Sender<bool>,
    /// The text of a statement, how many with it pass before, and what happens then.
    trap: Mutex<Option<(&'static str, usize, Trap)>>,
    sprung: Notify,
    accepted: AtomicUsize,
}

impl Relay {
    /// Starts a relay to the database at this port of this machine.
    ///
    /// # Panics
    ///
    /// No port is free.
    pub async fn start(database: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            database: ([127, 0, 0, 1], database).into(),
            is_silent: watch::Sender::new(false),
            trap: Mutex::default(),
            sprung: Notify::new(),
            accepted: AtomicUsize::new(0),
        });
        let relay = Self { address, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(relay_one(client, Arc::clone(&shared)));
            }
        });
        relay
    }

    /// The URL of the database behind it.
    pub fn url(&self) -> String {
        format!("postgres://toolgate@{}/toolgate", self.address)
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Falls silent: connections stay open, new ones are accepted, and nothing passes.
    pub fn silence(&self) {
        self.shared.is_silent.send_replace(true);
    }

    /// Passes on what has come since.
    pub fn resume(&self) {
        self.shared.is_silent.send_replace(false);
    }

    /// Sets a trap for the next statement that holds `text`, once so many others have passed.
    pub fn set_trap(&self, text: &'static str, after: usize, trap: Trap) {
        *self.shared.trap() = Some((text, after, trap));
    }

    /// Waits until the trap was sprung.
    pub async fn sprung(&self) {
        self.shared.sprung.notified().await;
    }
}

impl Shared {
    fn trap(&self) -> std::sync::MutexGuard<'_, Option<(&'static str, usize, Trap)>> {
        self.trap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trap that these bytes spring.
    fn spring(&self, bytes: &[u8]) -> Option<Trap> {
        let mut set = self.trap();
        let (text, left, trap) = set.as_mut()?;
        if !bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            return None;
        }
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let trap = *trap;
        *set = None;
        self.sprung.notify_one();
        Some(trap)
    }

    async fn heard(&self) {
        let mut silent = self.is_silent.subscribe();
        // The sender is in `self`.
        let _ = silent.wait_for(|silent| !silent).await;
    }
}

async fn relay_one(client: TcpStream, shared: Arc<Shared>) {
    shared.heard().await;
    let Ok(database) = TcpStream::connect(shared.database).await else { return };
    let ((from_client, to_client), (from_database, to_database)) =
        (client.into_split(), database.into_split());
    let is_cut = watch::Sender::new(false);
    // The first that ends, ends both.
    tokio::select! {
        () = pass_statements(&shared, from_client, to_database, &is_cut) => {}
        () = pass_answers(&shared, from_database, to_client, &is_cut) => {}
    }
}

async fn pass_statements(
    shared: &Shared,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    is_cut: &watch::Sender<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        match shared.spring(&buffer[..count]) {
            Some(Trap::Silence) => drop(shared.is_silent.send_replace(true)),
            Some(Trap::CutBefore) => return,
            Some(Trap::CutAfter) => drop(is_cut.send_replace(true)),
            None => {}
        }
        shared.heard().await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn pass_answers(
    shared: &Shared,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    is_cut: &watch::Sender<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        shared.heard().await;
        if *is_cut.borrow() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
