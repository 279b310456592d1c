//! Configuration of the audit: whether it is kept, and for how long.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use std::time::SystemTime;
use std::{sync::Arc, time::Duration};

use crate::grant::{Clock, GrantStore, audit::AuditTrail};

/// For how long entries are kept by default.
const DEFAULT_RETENTION: Duration = Duration::from_hours(24 * 90);

/// The configuration of the audit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuditConfig {
    /// For how long; zero: nothing is kept.
    pub(super) retention: Duration,
    /// Whether a command of an operator does what is recorded.
    pub(crate) is_by_operator: bool,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { retention: DEFAULT_RETENTION, is_by_operator: false }
    }
}

impl AuditConfig {
    /// Until when an entry of this time is kept. `None`: none is.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn until(self, now: SystemTime) -> Option<SystemTime> {
        now.checked_add(self.retention).filter(|until| *until > now)
    }

    /// The audit in a store, if it is a database. A store in memory ends with the process, so its audit
    /// could not be exported.
    pub(crate) fn trail(self, store: &Arc<dyn GrantStore>, clock: &Arc<dyn Clock>) -> AuditTrail {
        let is_database = Arc::clone(store).inventory().is_some();
        let records = Arc::clone(store).records().filter(|_| is_database);
        match records {
            Some(records) if !self.retention.is_zero() => {
                AuditTrail::new(records, Arc::clone(clock), self.retention, self.is_by_operator)
            }
            _ => AuditTrail::default(),
        }
    }
}
