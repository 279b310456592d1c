//! What a connection remembers of the token that came over it last, so that it need not be hashed
//! for every request.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

/// The last token of a connection, and what its verifier knows of it.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Option<Kept>>);

struct Kept {
    token: Zeroizing<Box<[u8]>>,
    known: Known,
}

/// What a verifier knows of a token.
pub(crate) type Known = Arc<dyn Any + Send + Sync>;

impl Memory {
    /// What is known of this token, if it is the last one. Behind a proxy the last one may have been
    /// somebody else's, so the time that this takes must not tell how much of it was guessed.
    pub(crate) fn recall(&self, token: &[u8]) -> Option<Known> {
        let kept = self.lock();
        let kept = kept.as_ref()?;
        verify_slices_are_equal(&kept.token, token).ok()?;
        Some(Arc::clone(&kept.known))
    }

    pub(crate) fn keep(&self, token: &str, known: Known) {
        let token = Zeroizing::new(token.as_bytes().into());
        *self.lock() = Some(Kept { token, known });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_token_is_known_and_never_shown() {
        let memory = Memory::default();
        assert!(memory.recall(b"first").is_none());
        memory.keep("first", Arc::new(1_u8));
        memory.keep("second", Arc::new(2_u8));
        let known = |token: &[u8]| memory.recall(token)?.downcast::<u8>().ok();
        assert_eq!(known(b"second").as_deref(), Some(&2));
        for other in [&b"first"[..], b"secon", b"second ", b"Second", b""] {
            assert!(known(other).is_none());
        }
        assert!(!format!("{memory:?}").contains("second"));
    }
}
