//! What a process remembers of step-ups: the scopes that were added to sign-ins.

use std::time::Duration;

use crate::{gate::sign_in_scopes::AddedScopes, support::cache::Cache};

/// How long another process may use scopes that were added to a sign-in after the sign-in has ended.
const ADDED_TTL: Duration = Duration::from_secs(30);

/// The most sign-ins of which anything is remembered.
const MAX_SIGN_INS: usize = 10_000;

/// The memory of one process. Nothing is lost with it: it is read again from the store.
pub(crate) struct StepUpMemory {
    added: Cache<String, AddedScopes>,
}

impl Default for StepUpMemory {
    fn default() -> Self {
        Self { added: Cache::new(MAX_SIGN_INS, ADDED_TTL) }
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

    /// Forgets the scopes of a sign-in that has changed or ended.
    pub(crate) fn forget(&self, sign_in: &str) {
        self.added.remove(sign_in);
    }
}
