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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rmcp::model::{ClientCapabilities, Implementation, InitializeRequestParams};

    use super::*;
    use crate::http::session_binding::Binding;

    #[test]
    fn only_the_last_session_is_cached() {
        let cache = SessionCache::default();
        let set = |id: &str| {
            let info = Implementation::new("host", "1");
            cache.set(&Arc::new(Session {
                id: id.into(),
                key: [0; 16],
                binding: Binding::Local,
                ends_at: SystemTime::UNIX_EPOCH,
                client: InitializeRequestParams::new(ClientCapabilities::default(), info),
            }));
        };
        assert!(cache.get("").is_none());
        set("first");
        set("second");
        assert_eq!(
            cache.get("second").map(|session| session.id.to_string()).as_deref(),
            Some("second")
        );
        for other in ["first", "secon", "second ", "Second", ""] {
            assert!(cache.get(other).is_none(), "{other}");
        }
    }
}
