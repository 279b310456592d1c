//! Hand-over of a store in memory: the revisions that the next program knows, and the wait for it.

use std::{collections::HashMap, time::Duration};

use tokio::sync::watch;

use super::model::{GrantKey, Revision};

/// The namespace of pending authorizations. No namespace of records has this name.
pub(super) const PENDING: &str = "";

/// How long a write waits until the next program knows it: as long as that one may take to serve.
const PASS_ON_TIMEOUT: Duration = Duration::from_secs(10);

/// What the next program knows.
pub(super) struct HandedOver {
    /// The revision of the last write.
    pub(super) revision: u64,
    pub(super) grants: HashMap<GrantKey, Revision>,
    /// Those of records, by namespace and key.
    pub(super) records: HashMap<String, HashMap<String, Revision>>,
}

/// The revision up to which no write has to wait for the next program.
pub(super) struct PassedOn(watch::Sender<u64>);

impl Default for PassedOn {
    fn default() -> Self {
        Self(watch::Sender::new(u64::MAX))
    }
}

impl PassedOn {
    pub(super) fn set(&self, revision: u64) {
        self.0.send_replace(revision);
    }

    /// Waits until the next program knows the write with this revision, because what a caller was told
    /// about may be asked for there at once.
    pub(super) async fn reaches(&self, revision: u64) {
        let mut passed_on = self.0.subscribe();
        let reaches = passed_on.wait_for(|passed_on| *passed_on >= revision);
        let _ = tokio::time::timeout(PASS_ON_TIMEOUT, reaches).await;
    }
}
