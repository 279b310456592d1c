//! Tools that wait until a test lets them go, and show what became of them.
//!
//! Each comes in two: a plain one, whose calls take the fast path, and one that may speak while it
//! runs, whose calls go by rmcp if they bring a progress token.
#![allow(clippy::missing_errors_doc, reason = "what a tool fails with is what its test looks at")]

use std::time::Duration;

use tokio::{sync::watch, time::timeout};
use toolgate::prelude::*;

use crate::tools::Forge;

/// How long a test waits for what has to happen. It is for what hangs, and not for what is slow.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Waits for what has to happen, and not for ever.
///
/// # Panics
///
/// It does not happen within a minute.
pub async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(MAX_WAIT, event).await.expect("it happens")
}

/// Where calls wait.
#[derive(Clone, Debug, Default)]
pub struct Room {
    open: watch::Sender<bool>,
    came: watch::Sender<usize>,
    left: watch::Sender<usize>,
}

/// A call in the room; it leaves when the tool ends or is dropped.
#[derive(Debug)]
pub struct Guest<'a>(&'a Room);

impl Room {
    /// One more call.
    pub fn enter(&self) -> Guest<'_> {
        self.came.send_modify(|came| *came += 1);
        Guest(self)
    }

    /// Lets all of them go.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Lets none go from now on.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Waits until they may go.
    pub async fn opened(&self) {
        // The senders live in `self`.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }

    /// Waits until so many calls came.
    pub async fn came(&self, calls: usize) {
        let _ = self.came.subscribe().wait_for(|came| *came >= calls).await;
    }

    /// Waits until so many calls left.
    pub async fn left(&self, calls: usize) {
        let _ = self.left.subscribe().wait_for(|left| *left >= calls).await;
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.0.left.send_modify(|left| *left += 1);
    }
}

/// Waits.
#[tool]
pub async fn wait(room: State<Room>) -> String {
    let _guest = room.enter();
    room.opened().await;
    "waited".to_owned()
}

/// Waits, and could speak.
#[tool]
pub async fn wait_aloud(context: Context, room: State<Room>) -> String {
    let _guest = room.enter();
    room.opened().await;
    drop(context);
    "waited".to_owned()
}

/// Asks the forge about a user.
#[tool(scopes = "repo:read")]
pub async fn visit(forge: AuthedClient<Forge>, room: State<Room>) -> Result<String> {
    let _guest = room.enter();
    forge.get("/user").send().await?.text().await
}

/// Asks the forge about a user, and could speak.
#[tool(scopes = "repo:read")]
pub async fn visit_aloud(
    context: Context,
    forge: AuthedClient<Forge>,
    room: State<Room>,
) -> Result<String> {
    let _guest = room.enter();
    let user = forge.get("/user").send().await?.text().await;
    drop(context);
    user
}

/// Speaks, so many times.
#[tool]
pub async fn talk(context: Context, room: State<Room>, times: u32) -> String {
    let _guest = room.enter();
    for n in 0..times {
        context.progress(n.into(), None, "I was about to say").await;
    }
    "said".to_owned()
}

/// Returns when so many calls wait.
#[tool]
pub async fn until(room: State<Room>, calls: usize) -> String {
    room.came(calls).await;
    "they wait".to_owned()
}

/// Lets those go that wait.
#[tool]
pub async fn release(room: State<Room>) -> String {
    room.open();
    "they go".to_owned()
}

/// Takes so long.
#[tool]
pub async fn take(#[arg(range(0..=300))] seconds: u32) -> String {
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    format!("it took {seconds} s")
}

/// Returns so much text.
#[tool]
pub async fn bulk(#[arg(range(0..=4096))] kilobytes: u32) -> String {
    "0123456789abcdef".repeat(kilobytes as usize * 64)
}
