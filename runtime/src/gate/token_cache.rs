//! Token cache of a connection: the token of its last request, so that the next request with it need
//! not hash the token.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zeroize::Zeroizing;

use crate::support::crypto::constant_time_eq;

/// The last token of a connection, with what its verifier keeps of it.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Option<CachedToken>>);

struct CachedToken {
    token: Zeroizing<Box<[u8]>>,
    verified: VerifiedToken,
}

/// What a verifier keeps of a token that it verified; its type is the verifier's own.
pub(crate) type VerifiedToken = Arc<dyn Any + Send + Sync>;

impl TokenCache {
    /// What is kept of this token, if it is the cached one. Behind a proxy the cached token may be
    /// that of another caller, so the comparison takes constant time.
    pub(crate) fn get(&self, token: &[u8]) -> Option<VerifiedToken> {
        let cached = self.lock();
        let cached = cached.as_ref()?;
        constant_time_eq(&*cached.token, token).then(|| Arc::clone(&cached.verified))
    }

    pub(crate) fn set(&self, token: &str, verified: VerifiedToken) {
        let token = Zeroizing::new(token.as_bytes().into());
        *self.lock() = Some(CachedToken { token, verified });
    }

    fn lock(&self) -> MutexGuard<'_, Option<CachedToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_token_is_cached_and_never_shown() {
        let cache = TokenCache::default();
        assert!(cache.get(b"first").is_none());
        cache.set("first", Arc::new(1_u8));
        cache.set("second", Arc::new(2_u8));
        let verified = |token: &[u8]| cache.get(token)?.downcast::<u8>().ok();
        assert_eq!(verified(b"second").as_deref(), Some(&2));
        for other in [&b"first"[..], b"secon", b"second ", b"Second", b""] {
            assert!(verified(other).is_none());
        }
        assert!(!format!("{cache:?}").contains("second"));
    }
}
