//! Signals that end the command: Ctrl-C, and SIGTERM of a service manager.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// The signals, from now on.
#[cfg(unix)]
pub(crate) struct Signals(Signal, Signal);

/// Ctrl-C, from now on.
#[cfg(windows)]
pub(crate) struct Signals(CtrlC);

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(windows)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(ctrl_c()?))
    }

    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}
