//! A store that forgets everything at the end.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use super::{Grant, GrantKey, GrantStore, Revision, SaveError, StoreError, Stored};

/// Keeps grants in memory: for tests, and for servers whose users connect anew at every start.
#[derive(Default)]
pub struct MemoryStore(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    grants: HashMap<GrantKey, Stored>,
    pending: HashMap<String, (Vec<u8>, SystemTime)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.contents().grants.get(key).cloned())
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let mut contents = self.contents();
        if contents.grants.get(key).map_or(0, |stored| stored.revision) != expected {
            return Err(SaveError::Conflict);
        }
        let revision = expected + 1;
        contents.grants.insert(key.clone(), Stored { grant: grant.clone(), revision });
        Ok(revision)
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.contents().grants.remove(key);
        Ok(())
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let contents = self.contents();
        let mut keys: Vec<_> =
            contents.grants.keys().filter(|key| key.subject == subject).cloned().collect();
        keys.sort_unstable();
        Ok(keys)
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        self.contents().pending.insert(id.to_owned(), (value.to_vec(), expires_at));
        Ok(())
    }

    async fn take_pending(&self, id: &str, now: SystemTime) -> Result<Option<Vec<u8>>, StoreError> {
        let mut contents = self.contents();
        let taken = contents.pending.remove(id);
        contents.pending.retain(|_, (_, expires_at)| *expires_at > now);
        Ok(taken.filter(|(_, expires_at)| *expires_at > now).map(|(value, _)| value))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("grants", &self.contents().grants.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_contract() {
        crate::grant::contract::holds(&MemoryStore::new()).await;
    }
}
