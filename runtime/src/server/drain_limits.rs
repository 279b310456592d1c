//! How long the parts of a drain may take.

use std::time::Duration;

/// How long calls may take to end, by default.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the parts of a drain take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrainLimits {
    /// How long the server says that it is not ready, before it accepts no more connections.
    pub(crate) delay: Duration,
    /// How long the calls under way may take to end after that.
    pub(crate) timeout: Duration,
}

impl Default for DrainLimits {
    fn default() -> Self {
        Self { delay: Duration::ZERO, timeout: DRAIN_TIMEOUT }
    }
}
