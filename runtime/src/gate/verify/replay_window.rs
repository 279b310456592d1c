//! Replay window: identifiers that were used within a fixed time, by their digest.
//!
//! It is not a cache of a library: a cache may evict a recent entry in favour of one that is used
//! more, and a proof whose identifier was evicted could be used again.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

type Digest = [u8; 32];

/// The identifiers that were used within the window. Beyond the maximum the oldest are forgotten
/// early.
pub(crate) struct ReplayWindow {
    max_entries: usize,
    window: Duration,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    digests: HashSet<Digest>,
    /// The same with the time at which they came, oldest first.
    by_age: VecDeque<(Instant, Digest)>,
}

impl ReplayWindow {
    pub(crate) fn new(max_entries: usize, window: Duration) -> Self {
        Self { max_entries, window, used: Mutex::default() }
    }

    /// Remembers the identifier with this digest, and says whether it was not used before.
    pub(crate) fn is_first_use(&self, digest: Digest) -> bool {
        self.is_first_use_at(Instant::now(), digest)
    }

    fn is_first_use_at(&self, now: Instant, digest: Digest) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((came, oldest)) = used.by_age.front().copied()
            && now.saturating_duration_since(came) >= self.window
        {
            used.by_age.pop_front();
            used.digests.remove(&oldest);
        }
        if !used.digests.insert(digest) {
            return false;
        }
        if used.by_age.len() >= self.max_entries
            && let Some((_, oldest)) = used.by_age.pop_front()
        {
            used.digests.remove(&oldest);
        }
        used.by_age.push_back((now, digest));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::crypto::sha256;

    const WINDOW: Duration = Duration::from_secs(180);

    #[test]
    fn an_identifier_is_used_once_within_the_window() {
        let (window, start) = (ReplayWindow::new(9, WINDOW), Instant::now());
        let digest = sha256(b"a");
        assert!(window.is_first_use_at(start, digest));
        assert!(!window.is_first_use_at(start, digest));
        assert!(!window.is_first_use_at(start + WINDOW * 9 / 10, digest));
        assert!(window.is_first_use_at(start + WINDOW, digest));
        let used = window.used.lock().unwrap();
        assert_eq!((used.digests.len(), used.by_age.len()), (1, 1));
    }

    #[test]
    fn the_newest_identifier_is_always_remembered() {
        let window = ReplayWindow::new(10, WINDOW);
        for n in 0..1000_u32 {
            assert!(window.is_first_use(sha256(&n.to_be_bytes())));
            assert!(!window.is_first_use(sha256(&n.to_be_bytes())));
        }
        let used = window.used.lock().unwrap();
        assert_eq!((used.digests.len(), used.by_age.len()), (10, 10));
    }
}
