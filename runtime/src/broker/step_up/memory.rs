//! What a process remembers of step-ups: scopes that were added, and hosts that do not step up.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{gate::sign_in_scopes::AddedScopes, support::cache::Cache};

/// How long another process may use scopes that were added to a sign-in after the sign-in has ended.
const ADDED_TTL: Duration = Duration::from_secs(30);

/// How long it is remembered how a host reacts to challenges.
const HOST_TTL: Duration = Duration::from_secs(24 * 3600);

/// The most sign-ins of which anything is remembered.
const MAX_SIGN_INS: usize = 10_000;

/// The most challenges to one sign-in. A host that steps up has another sign-in after the first.
const MAX_CHALLENGES: usize = 3;

/// The memory of one process. Nothing is lost with it: it is read again from the store, or a host
/// gets one challenge more.
pub(crate) struct StepUpMemory {
    added: Cache<String, AddedScopes>,
    challenged: Cache<String, Arc<[u64]>>,
    /// Sign-ins that this process has ended.
    ended: Cache<String, ()>,
    decisions: watch::Sender<()>,
}

impl Default for StepUpMemory {
    fn default() -> Self {
        Self {
            added: Cache::new(MAX_SIGN_INS, ADDED_TTL),
            challenged: Cache::new(MAX_SIGN_INS, HOST_TTL),
            ended: Cache::new(MAX_SIGN_INS, ADDED_TTL),
            decisions: watch::Sender::new(()),
        }
    }
}

impl StepUpMemory {
    /// The scopes that were added to the sign-in, if they are known.
    pub(crate) fn added(&self, sign_in: &str) -> Option<AddedScopes> {
        self.added.get(sign_in)
    }

    pub(crate) fn set_added(&self, sign_in: &str, added: AddedScopes) {
        self.added.insert(sign_in.to_owned(), added);
    }

    /// Forgets the scopes of a sign-in that was changed, and wakes who waits for it.
    pub(crate) fn changed(&self, sign_in: &str) {
        self.added.remove(sign_in);
        self.decisions.send_replace(());
    }

    /// As [`changed`](Self::changed), for a sign-in that has ended.
    pub(crate) fn set_ended(&self, sign_in: &str) {
        self.ended.insert(sign_in.to_owned(), ());
        self.changed(sign_in);
    }

    /// Whether this process has ended the sign-in a short time ago.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) fn has_ended(&self, sign_in: &str) -> bool {
        self.ended.get(sign_in).is_some()
    }

    /// Waits for decisions from now on.
    pub(crate) fn decisions(&self) -> watch::Receiver<()> {
        self.decisions.subscribe()
    }

    /// Whether the host of this sign-in does nothing about challenges: it was challenged for this
    /// call before, or for several others. Otherwise it is challenged now, which is remembered.
    pub(crate) fn ignores_challenges(&self, sign_in: &str, call: u64) -> bool {
        let before = self.challenged.get(sign_in).unwrap_or_default();
        if before.len() >= MAX_CHALLENGES {
            return true;
        }
        let repeats = before.contains(&call);
        let count = if repeats { MAX_CHALLENGES } else { before.len() + 1 };
        let mut calls = before.to_vec();
        calls.resize(count, call);
        self.challenged.insert(sign_in.to_owned(), calls.into());
        repeats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_call_shows_that_a_host_ignores_challenges() {
        let memory = StepUpMemory::default();
        assert!(!memory.ignores_challenges("a", 1));
        assert!(!memory.ignores_challenges("a", 2), "another call at the same time");
        assert!(!memory.ignores_challenges("b", 1), "another sign-in");
        assert!(memory.ignores_challenges("a", 1));
        assert!(memory.ignores_challenges("a", 3), "from then on");
        for call in 2..4 {
            assert!(!memory.ignores_challenges("b", call));
        }
        assert!(memory.ignores_challenges("b", 4), "after three challenges");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let memory = StepUpMemory::default();
        for number in 0..MAX_SIGN_INS * 2 {
            memory.ignores_challenges(&number.to_string(), 1);
        }
        let kept = (0..MAX_SIGN_INS * 2)
            .filter(|number| memory.challenged.get(&number.to_string()).is_some());
        assert!(kept.count() <= MAX_SIGN_INS);
    }
}
