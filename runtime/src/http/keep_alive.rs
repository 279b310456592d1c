//! Comments that keep a stream of events alive while there is nothing to send.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// The longest silence of a stream. nginx, the strictest of the usual gateways with their defaults,
/// closes a connection after 60 s of it.
pub(super) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// When the comments of a stream are due: at once, and then each [`KEEP_ALIVE_INTERVAL`]. A reader that
/// stalled gets one for all that it missed.
pub(super) fn keep_alive() -> Interval {
    let mut due = interval(KEEP_ALIVE_INTERVAL);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due
}
