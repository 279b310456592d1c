//! Open streams, by the identifiers that their clients send messages with.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{http::message_connection::MessageConnection, support::crypto};

/// The open streams of a server.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

/// Whose a stream is, by the digest of issuer, subject and client; `None` for an anonymous caller.
type Owner = Option<[u8; 32]>;

/// One stream: whose it is, and its connection.
pub(super) struct Session {
    owner: Owner,
    pub(super) connection: MessageConnection,
}

/// The registration of a stream, which ends with it.
pub(super) struct Registration {
    pub(super) id: String,
    sessions: Arc<Sessions>,
}

impl Sessions {
    /// Registers the stream of `owner` under an identifier that cannot be guessed.
    pub(super) fn insert(
        self: &Arc<Self>,
        owner: Owner,
        connection: MessageConnection,
    ) -> (Registration, Arc<Session>) {
        let session = Arc::new(Session { owner, connection });
        let id = crypto::random_token();
        self.open().insert(id.clone(), Arc::clone(&session));
        (Registration { id, sessions: Arc::clone(self) }, session)
    }

    /// The stream with this identifier, if it is that of `owner`.
    pub(super) fn find(&self, id: &str, owner: Owner) -> Option<Arc<Session>> {
        self.open().get(id).filter(|session| session.owner == owner).cloned()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let session = self.sessions.open().remove(&self.id);
        // A message may be on its way into the connection.
        if let Some(session) = session {
            session.connection.cancel();
        }
    }
}
