//! Replay window: identifiers that were used within a fixed time, by their digest.
//!
//! It is not a cache of a library: a cache may evict a recent entry in favour of one that is used
//! more, and a proof whose identifier was evicted could be used again.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

type Digest = [u8; 32];

/// How many owners it takes to fill the window.
const OWNERS_IN_ALL: usize = 4;

/// The identifiers that were used within the window. One owner has at most a quarter of them. Beyond
/// the maximum the oldest are forgotten early.
pub(crate) struct ReplayWindow {
    max_entries: usize,
    window: Duration,
    used: Mutex<Used>,
}

/// The owner of an identifier has used so many others that there is no room for this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyUses;

#[derive(Default)]
struct Used {
    digests: HashSet<Digest>,
    /// The same with the time at which they came and their owner, oldest first.
    by_age: VecDeque<(Instant, Digest, Digest)>,
    /// How many each owner has.
    by_owner: HashMap<Digest, usize>,
}

impl Used {
    fn forget_oldest(&mut self) {
        let Some((_, owner, oldest)) = self.by_age.pop_front() else { return };
        self.digests.remove(&oldest);
        match self.by_owner.get_mut(&owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.by_owner.remove(&owner)),
        }
    }
}

impl ReplayWindow {
    pub(crate) fn new(max_entries: usize, window: Duration) -> Self {
        Self { max_entries, window, used: Mutex::default() }
    }

    /// Remembers the identifier with this digest, and says whether it was not used before. `owner` is
    /// the digest of who uses it.
    ///
    /// # Errors
    ///
    /// There is no room for another identifier of the owner.
    pub(crate) fn is_first_use(&self, owner: Digest, digest: Digest) -> Result<bool, TooManyUses> {
        self.is_first_use_at(Instant::now(), owner, digest)
    }

    fn is_first_use_at(
        &self,
        now: Instant,
        owner: Digest,
        digest: Digest,
    ) -> Result<bool, TooManyUses> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((came, ..)) = used.by_age.front()
            && now.saturating_duration_since(*came) >= self.window
        {
            used.forget_oldest();
        }
        if used.digests.contains(&digest) {
            return Ok(false);
        }
        let of_owner = used.by_owner.get(&owner).copied().unwrap_or_default();
        if of_owner >= self.max_entries / OWNERS_IN_ALL {
            return Err(TooManyUses);
        }
        if used.by_age.len() >= self.max_entries {
            used.forget_oldest();
        }
        used.digests.insert(digest);
        used.by_age.push_back((now, owner, digest));
        *used.by_owner.entry(owner).or_default() += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::crypto::sha256;

    const WINDOW: Duration = Duration::from_secs(180);

    fn owner(n: u32) -> Digest {
        sha256(&n.to_be_bytes())
    }

    #[test]
    fn an_identifier_is_used_once_within_the_window() {
        let (window, start) = (ReplayWindow::new(9, WINDOW), Instant::now());
        let digest = sha256(b"a");
        let is_first_use = |at| window.is_first_use_at(at, owner(1), digest).unwrap();
        assert!(is_first_use(start));
        assert!(!is_first_use(start));
        assert!(!is_first_use(start + WINDOW * 9 / 10));
        assert!(is_first_use(start + WINDOW));
        let used = window.used.lock().unwrap();
        assert_eq!((used.digests.len(), used.by_age.len(), used.by_owner.len()), (1, 1, 1));
    }

    #[test]
    fn the_newest_identifier_is_always_remembered() {
        let window = ReplayWindow::new(10, WINDOW);
        for n in 0..1000_u32 {
            let digest = sha256(&n.to_be_bytes());
            assert_eq!(window.is_first_use(owner(n), digest), Ok(true));
            assert_eq!(window.is_first_use(owner(n), digest), Ok(false));
        }
        let used = window.used.lock().unwrap();
        assert_eq!((used.digests.len(), used.by_age.len(), used.by_owner.len()), (10, 10, 10));
    }

    #[test]
    fn one_owner_does_not_make_it_forget_the_identifiers_of_others() {
        let (window, start) = (ReplayWindow::new(100, WINDOW), Instant::now());
        let [alice, mallory] = [owner(1), owner(2)];
        let of_alice = sha256(b"a");
        assert_eq!(window.is_first_use_at(start, alice, of_alice), Ok(true));
        let flood = (0..1000_u32).map(|n| {
            window.is_first_use_at(start, mallory, sha256(format!("flood {n}").as_bytes()))
        });
        assert_eq!(flood.filter(|used| *used == Ok(true)).count(), 25);
        let is_first_use =
            |at, of, text: &str| window.is_first_use_at(at, of, sha256(text.as_bytes()));
        assert_eq!(
            is_first_use(start, mallory, "flood 0"),
            Ok(false),
            "it is a replay, and no more"
        );
        assert_eq!(is_first_use(start, mallory, "flood 999"), Err(TooManyUses));
        assert_eq!(window.is_first_use_at(start, alice, of_alice), Ok(false), "still remembered");
        assert_eq!(is_first_use(start, alice, "b"), Ok(true), "and others are not refused");
        assert_eq!(is_first_use(start + WINDOW, mallory, "flood 999"), Ok(true), "it passes");
    }
}
