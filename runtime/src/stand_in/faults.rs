//! Switches that make a stand-in fail.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// What is to fail.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Faults {
    races: AtomicUsize,
    lost_answers: AtomicUsize,
    rate_limits: AtomicUsize,
    delay_ms: AtomicU64,
}

/// Takes one, if there is any.
fn take(count: &AtomicUsize) -> bool {
    count.fetch_update(SeqCst, SeqCst, |count| count.checked_sub(1)).is_ok()
}

impl Faults {
    /// What is to fail from now on.
    #[cfg(feature = "dev")]
    pub(super) fn replace(&self, faults: &Self) {
        for (to, from) in [
            (&self.races, &faults.races),
            (&self.lost_answers, &faults.lost_answers),
            (&self.rate_limits, &faults.rate_limits),
        ] {
            to.store(from.load(SeqCst), SeqCst);
        }
        self.delay_ms.store(faults.delay_ms.load(SeqCst), SeqCst);
    }

    pub(super) fn race(&self) {
        self.races.store(1, SeqCst);
    }

    pub(super) fn lose_answer(&self) {
        self.lost_answers.store(1, SeqCst);
    }

    pub(super) fn limit(&self, requests: usize) {
        self.rate_limits.store(requests, SeqCst);
    }

    pub(super) fn slow_down(&self, by: Duration) {
        self.delay_ms.store(by.as_millis().try_into().unwrap_or(u64::MAX), SeqCst);
    }

    pub(super) fn is_slow(&self) -> bool {
        self.delay_ms.load(SeqCst) > 0
    }

    pub(super) fn takes_race(&self) -> bool {
        take(&self.races)
    }

    pub(super) fn takes_lost_answer(&self) -> bool {
        take(&self.lost_answers)
    }

    pub(super) fn takes_rate_limit(&self) -> bool {
        take(&self.rate_limits)
    }

    pub(super) async fn delay(&self) {
        let delay = self.delay_ms.load(SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
    }
}
