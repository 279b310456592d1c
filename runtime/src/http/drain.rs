//! Drain of a listener, before its process ends.
//!
//! A load balancer sends requests until it has seen that the server is not ready, and on connections
//! that it keeps open it may send one at any time. So a drain has two steps. For a stated time the
//! server says that it is not ready, and answers everything; each response over HTTP/1.1 says that its
//! connection ends. Then no connection is accepted, those that are idle are closed, and the calls
//! under way end.

use tokio::sync::watch;

/// How far the end of a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DrainPhase {
    /// Requests are served.
    Serving,
    /// The server is not ready for further requests, and serves those that come.
    NotReady,
    /// No connection is accepted, and calls under way end.
    Ending,
}

/// The phase of a process, which all of its tasks share.
#[derive(Debug)]
pub(crate) struct Drain(watch::Sender<DrainPhase>);

impl Default for Drain {
    fn default() -> Self {
        Self(watch::Sender::new(DrainPhase::Serving))
    }
}

impl Drain {
    /// Whether the process has been asked to end.
    pub(crate) fn is_draining(&self) -> bool {
        *self.0.borrow() != DrainPhase::Serving
    }

    /// Goes on to a phase. It never goes back.
    pub(crate) fn advance(&self, phase: DrainPhase) {
        self.0.send_if_modified(|now| {
            let advances = *now < phase;
            *now = phase.max(*now);
            advances
        });
    }

    /// Waits until a phase is reached.
    pub(crate) async fn reached(&self, phase: DrainPhase) {
        // It lives as long as this borrow of its sender.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_does_not_go_back() {
        let drain = Drain::default();
        assert!(!drain.is_draining());
        drain.advance(DrainPhase::NotReady);
        assert!(drain.is_draining());
        drain.advance(DrainPhase::Ending);
        drain.advance(DrainPhase::NotReady);
        drain.reached(DrainPhase::Ending).await;
    }
}
