//! Exchanged tokens in memory, for as long as they are good.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret, SecretString};

use crate::support::{cache::Cache, crypto::constant_time_eq};

/// The most callers whose tokens are kept. Those of another take the place of the caller's that were
/// used least.
const MAX_CALLERS: usize = 2048;

/// The most tokens that are kept for one caller: one for each token of the caller and set of scopes.
const MAX_TOKENS_PER_CALLER: usize = 32;

/// The longest token that is kept, in bytes.
const MAX_TOKEN_LEN: usize = 16 * 1024;

/// After how long the tokens of a caller are looked up again, however good they are.
const CALLER_TTL: Duration = Duration::from_hours(24);

/// What a token was got for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    /// SHA-256 of the caller's token.
    pub(super) digest: [u8; 32],
    pub(super) scopes: &'static [&'static str],
}

/// An exchanged token. It is zeroed when dropped.
pub(super) struct KeptToken {
    pub(super) key: TokenKey,
    pub(super) token: SecretString,
    /// Until when it is used.
    pub(super) until: SystemTime,
}

/// The exchanged tokens of all callers.
pub(super) struct KeptTokens {
    by_caller: Cache<[u8; 32], Arc<Mutex<VecDeque<KeptToken>>>>,
    /// Held while a caller is added.
    adding: Mutex<()>,
}

impl KeptTokens {
    pub(super) fn new() -> Self {
        Self { by_caller: Cache::new(MAX_CALLERS, CALLER_TTL), adding: Mutex::default() }
    }

    /// The token that is kept, if it is good and another than `rejected`, which is removed.
    pub(super) fn get(
        &self,
        caller: [u8; 32],
        key: &TokenKey,
        now: SystemTime,
        rejected: Option<&SecretString>,
    ) -> Option<SecretString> {
        let tokens = self.by_caller.get(&caller)?;
        let mut tokens = lock(&tokens);
        let at = tokens.iter().position(|kept| kept.key == *key)?;
        let is_rejected = rejected.is_some_and(|rejected| {
            constant_time_eq(rejected.expose_secret(), tokens[at].token.expose_secret())
        });
        if is_rejected || tokens[at].until <= now {
            tokens.remove(at);
            return None;
        }
        Some(tokens[at].token.clone())
    }

    /// Keeps a token. The oldest of the caller's goes if there are too many.
    pub(super) fn set(&self, caller: [u8; 32], kept: KeptToken, now: SystemTime) {
        if kept.token.expose_secret().len() > MAX_TOKEN_LEN || kept.until <= now {
            return;
        }
        let tokens = self.of(caller);
        let mut tokens = lock(&tokens);
        tokens.retain(|other| other.until > now && other.key != kept.key);
        while tokens.len() >= MAX_TOKENS_PER_CALLER {
            tokens.pop_front();
        }
        tokens.push_back(kept);
    }

    fn of(&self, caller: [u8; 32]) -> Arc<Mutex<VecDeque<KeptToken>>> {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        self.by_caller.get(&caller).unwrap_or_else(|| {
            let tokens = Arc::default();
            self.by_caller.insert_weighing(1, caller, Arc::clone(&tokens));
            tokens
        })
    }
}

fn lock(tokens: &Mutex<VecDeque<KeptToken>>) -> MutexGuard<'_, VecDeque<KeptToken>> {
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn key(digest: u8) -> TokenKey {
        TokenKey { digest: [digest; 32], scopes: &["orders:read"] }
    }

    fn kept(digest: u8, token: &str) -> KeptToken {
        KeptToken { key: key(digest), token: token.into(), until: NOW + Duration::from_secs(9) }
    }

    #[test]
    fn tokens_are_of_one_caller_and_end() {
        let tokens = KeptTokens::new();
        tokens.set([1; 32], kept(1, "a"), NOW);
        let get = |caller, digest, after| {
            let now = NOW + Duration::from_secs(after);
            let token = tokens.get([caller; 32], &key(digest), now, None);
            token.map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(get(1, 1, 8).as_deref(), Some("a"));
        assert_eq!((get(2, 1, 0), get(1, 2, 0)), (None, None));
        let other_scopes = TokenKey { scopes: &["orders:write"], ..key(1) };
        assert!(tokens.get([1; 32], &other_scopes, NOW, None).is_none());
        assert_eq!(get(1, 1, 9), None);
        tokens.set([1; 32], kept(1, "a"), NOW);
        assert!(tokens.get([1; 32], &key(1), NOW, Some(&"b".into())).is_some());
        assert!(tokens.get([1; 32], &key(1), NOW, Some(&"a".into())).is_none());
        assert_eq!(get(1, 1, 0), None, "a rejected token is removed");
    }

    #[test]
    fn the_tokens_of_a_caller_are_bounded() {
        let tokens = KeptTokens::new();
        for digest in 0..=u8::try_from(MAX_TOKENS_PER_CALLER).unwrap() {
            tokens.set([1; 32], kept(digest, "a"), NOW);
        }
        assert!(tokens.get([1; 32], &key(0), NOW, None).is_none(), "the oldest went");
        assert!(tokens.get([1; 32], &key(1), NOW, None).is_some());
        tokens.set([2; 32], kept(1, &"a".repeat(MAX_TOKEN_LEN + 1)), NOW);
        assert!(tokens.get([2; 32], &key(1), NOW, None).is_none(), "too long a token");
    }
}
