//! Session cache of a connection: the session of its last request, so that the next request need not
//! decrypt its identifier.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sealed_session::Session;

/// The last session of a connection.
#[derive(Default)]
pub(crate) struct SessionCache(Mutex<Option<Arc<Session>>>);

impl SessionCache {
    /// The session with this identifier, if it is the cached one.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().as_ref().filter(|session| *session.id == *id).cloned()
    }

    pub(super) fn set(&self, session: &Arc<Session>) {
        *self.lock() = Some(Arc::clone(session));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
