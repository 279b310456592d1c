//! Signals that end the process.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a process that ends by a signal, before the number of the signal.
const EXIT_CODE: i32 = 128;

/// What `SIGINT` and `SIGTERM` are numbered on all platforms.
const INTERRUPT: i32 = 2;
#[cfg(unix)]
const TERMINATE: i32 = 15;

/// `SIGINT` and `SIGTERM`, from the moment when this is made.
pub(super) struct Signals {
    #[cfg(unix)]
    signals: [(Option<Signal>, i32); 2],
}

impl Signals {
    /// Takes over the signals, which have no other effect from now on. A signal that cannot be taken
    /// keeps its effect.
    pub(super) fn take() -> Self {
        Self {
            #[cfg(unix)]
            signals: [(SignalKind::interrupt(), INTERRUPT), (SignalKind::terminate(), TERMINATE)]
                .map(|(kind, number)| (signal(kind).ok(), number)),
        }
    }

    /// Waits for the next signal, and returns its number.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> i32 {
        let received = self.signals.iter_mut().map(|(signal, number)| {
            Box::pin(async move {
                match signal {
                    Some(signal) => drop(signal.recv().await),
                    None => std::future::pending().await,
                }
                *number
            })
        });
        futures::future::select_all(received).await.0
    }

    /// Waits for the next interrupt, and returns its number.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }

    /// Ends the process at the next signal, without waiting for anything.
    pub(super) async fn end_at_next(mut self) {
        let number = self.next().await;
        tracing::warn!(target: "toolgate::server", "a second signal: the process ends at once, and calls under way are broken off");
        std::process::exit(EXIT_CODE + number)
    }
}
