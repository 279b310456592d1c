//! Lease that this process holds, and until when it may act on it.
//!
//! A process may be paused at any point for longer than its lease: by SIGSTOP, by a hypervisor, by a
//! laptop's lid. The deadline is of the monotonic clock, so that it notices when it goes on.

use std::time::Duration;

use tokio::time::Instant;

use super::state::RefreshState;
use crate::grant::{
    model::{GrantKey, Revision},
    store::Lease,
    store_error::StoreError,
};

/// How long one request may take, and the right to renew lasts, at one provider.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) timeout: Duration,
    pub(super) lease: Duration,
}

/// A lease and its end.
pub(super) struct HeldLease {
    pub(super) lease: Lease,
    bounds: Bounds,
    until: Instant,
}

impl HeldLease {
    /// The last moment at which a request may be sent: it ends before another process can have the
    /// lease.
    pub(super) fn last_sending(&self) -> Instant {
        self.until.checked_sub(self.bounds.timeout).unwrap_or(self.until)
    }

    pub(super) fn timeout(&self) -> Duration {
        self.bounds.timeout
    }

    /// Whether it is too late to send a request.
    pub(super) fn has_lapsed(&self) -> bool {
        Instant::now() > self.last_sending()
    }
}

impl RefreshState {
    /// Takes the lease, or returns `None` while another process has it.
    pub(super) async fn take_lease(
        &self,
        key: &GrantKey,
        bounds: Bounds,
    ) -> Result<Option<HeldLease>, StoreError> {
        // Before the store reads its clock: the lease ends here no later than there.
        let until = Instant::now() + bounds.lease;
        let lease = self.store.lease(key, self.holder, bounds.lease).await?;
        Ok(lease.map(|lease| HeldLease { lease, bounds, until }))
    }

    /// Prolongs a lease of which too little is left. `false`: another process has or had it in the
    /// meantime, or the row has changed.
    pub(super) async fn prolong(
        &self,
        key: &GrantKey,
        held: &mut HeldLease,
        revision: Revision,
    ) -> Result<bool, StoreError> {
        let Some(again) = self.take_lease(key, held.bounds).await? else { return Ok(false) };
        *held = again;
        // Every process that takes a lease over changes the row before it sends the token.
        Ok(self.store.load(key).await?.is_some_and(|row| row.revision == revision))
    }
}
