//! Sessions of the page with the server, for versions of the protocol that have them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The most sessions at once.
const MAX_SESSIONS: usize = 64;

/// Whose session it is, and in which version of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionKey {
    pub(super) person: Option<String>,
    pub(super) era: String,
}

/// The identifiers of sessions, by their key, the oldest first.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Vec<(SessionKey, String)>>);

impl Sessions {
    pub(super) fn get(&self, key: &SessionKey) -> Option<String> {
        self.lock().iter().find(|(known, _)| known == key).map(|(_, id)| id.clone())
    }

    pub(super) fn keep(&self, key: SessionKey, id: String) {
        let mut sessions = self.lock();
        sessions.retain(|(known, _)| *known != key);
        if sessions.len() >= MAX_SESSIONS {
            sessions.remove(0);
        }
        sessions.push((key, id));
    }

    pub(super) fn forget(&self, key: &SessionKey) {
        self.lock().retain(|(known, _)| known != key);
    }

    /// Forgets those of a person, or all.
    pub(super) fn clear(&self, person: Option<&str>) {
        self.lock()
            .retain(|(key, _)| person.is_some_and(|person| key.person.as_deref() != Some(person)));
    }

    pub(super) fn all(&self) -> Vec<(SessionKey, String)> {
        self.lock().clone()
    }

    /// Goes on with the sessions of the program before this one.
    pub(super) fn restore(&self, sessions: Vec<(SessionKey, String)>) {
        for (key, id) in sessions {
            self.keep(key, id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(SessionKey, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(person: &str) -> SessionKey {
        SessionKey { person: Some(person.to_owned()), era: "2025-11-25".to_owned() }
    }

    #[test]
    fn sessions_are_kept_for_each_person_and_bounded() {
        let sessions = Sessions::default();
        sessions.keep(key("alice"), "1".to_owned());
        sessions.keep(key("alice"), "2".to_owned());
        sessions.keep(key("bob"), "3".to_owned());
        assert_eq!(sessions.get(&key("alice")).as_deref(), Some("2"));
        sessions.clear(Some("alice"));
        assert_eq!(sessions.get(&key("alice")), None);
        assert_eq!(sessions.get(&key("bob")).as_deref(), Some("3"));
        for number in 0..MAX_SESSIONS * 2 {
            sessions.keep(key(&number.to_string()), "x".to_owned());
        }
        assert_eq!(sessions.lock().len(), MAX_SESSIONS);
        sessions.clear(None);
        assert!(sessions.lock().is_empty());
    }
}
