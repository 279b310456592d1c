//! Session identifiers at the endpoint: made when a client begins, opened with each of its requests,
//! and ended.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use rmcp::model::InitializeRequestParams;

use super::{
    ended_sessions::EndedSessions,
    headers as names,
    rejection::Rejection,
    sealed_session::{Session, SessionSealer},
    session_binding::Binding,
    session_cache::SessionCache,
    sessions::Sessions,
};
use crate::{
    gate::{Claims, resource_server::principal},
    grant::{Clock, Records, Sealer},
    support::cache::Cache,
};

/// How many sessions are kept opened, of some 2 kB each.
const MAX_RECENT: usize = 256;

/// How long each of them is.
const RECENT_TTL: Duration = Duration::from_secs(60);

/// What sessions need of a server: the key of their identifiers, and where their ends are stored.
#[derive(Clone)]
pub(crate) struct SessionKeys {
    pub(crate) sealer: Sealer,
    pub(crate) records: Arc<dyn Records>,
}

/// The sessions of a server, by their identifiers.
pub(super) struct SessionIds {
    sealer: SessionSealer,
    /// Those that were used last. A connection of a proxy has requests of many sessions.
    recent: Cache<Arc<str>, Arc<Session>>,
    ended: EndedSessions,
    live: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    has_gate: bool,
}

impl SessionIds {
    pub(super) fn new(
        keys: SessionKeys,
        clock: &Arc<dyn Clock>,
        live: &Arc<Sessions>,
        (server, has_gate): (&str, bool),
    ) -> Self {
        Self {
            sealer: SessionSealer::new(keys.sealer, server.to_owned()),
            recent: Cache::new(MAX_RECENT, RECENT_TTL),
            ended: EndedSessions::new(keys.records, Arc::clone(clock)),
            live: Arc::clone(live),
            clock: Arc::clone(clock),
            has_gate,
        }
    }

    /// The identifier of a new session.
    pub(super) fn begin(
        &self,
        caller: Option<&Claims>,
        address: Option<IpAddr>,
        client: InitializeRequestParams,
    ) -> Arc<str> {
        let binding =
            if self.has_gate { Binding::of_caller(caller, address) } else { Binding::Local };
        self.sealer.seal(binding, self.clock.now(), client)
    }

    /// The session that a request names, if it names one. Its identifier is no credential: the session
    /// has to be the caller's.
    pub(super) fn open(
        &self,
        headers: &HeaderMap,
        cache: Option<&SessionCache>,
        caller: Option<&Claims>,
    ) -> Result<Option<Arc<Session>>, Rejection> {
        let Some(id) = headers.get(&names::SESSION) else { return Ok(None) };
        let session = self.find(id.to_str().unwrap_or_default(), cache);
        match session.filter(|session| self.admits(session, caller)) {
            Some(session) => Ok(Some(session)),
            None => self.refuse(),
        }
    }

    /// Whether the session was ended, if that is known without the store.
    pub(super) fn known_end(&self, session: &Session) -> Option<bool> {
        self.ended.known(session)
    }

    /// The session, unless it was ended.
    pub(super) async fn check_end(
        &self,
        session: Arc<Session>,
    ) -> Result<Option<Arc<Session>>, Rejection> {
        if self.ended.contains(&session).await { self.refuse() } else { Ok(Some(session)) }
    }

    /// Without a gate rmcp answers: a client of 2026-07-28 may name a session without having one.
    fn refuse(&self) -> Result<Option<Arc<Session>>, Rejection> {
        if self.has_gate {
            tracing::warn!(target: "toolgate::gate", code = "session", "a session is not the caller's");
            return Err(Rejection::session_not_found());
        }
        Ok(None)
    }

    fn find(&self, id: &str, cache: Option<&SessionCache>) -> Option<Arc<Session>> {
        let now = self.clock.now();
        let session = match cache.and_then(|cache| cache.get(id)) {
            Some(session) => session,
            None => {
                let session = match self.recent.get(id) {
                    Some(session) => session,
                    None => self.open_sealed(id, now)?,
                };
                if let Some(cache) = cache {
                    cache.set(&session);
                }
                session
            }
        };
        (now < session.ends_at).then_some(session)
    }

    fn open_sealed(&self, id: &str, now: SystemTime) -> Option<Arc<Session>> {
        let session = Arc::new(self.sealer.open(id, now)?);
        self.recent.insert_weighing(1, Arc::clone(&session.id), Arc::clone(&session));
        Some(session)
    }

    fn admits(&self, session: &Session, caller: Option<&Claims>) -> bool {
        if !self.has_gate {
            return session.binding == Binding::Local;
        }
        if !session.binding.admits(caller) {
            return false;
        }
        if !matches!(session.binding, Binding::Anonymous(_)) {
            return true;
        }
        // What lives of it is of one caller: an anonymous one, until a caller who signs in goes on.
        let principal = principal(caller);
        match self.live.owner(&session.id) {
            Some(owner) if *owner == *principal => true,
            Some(owner) => owner.is_empty() && self.live.adopt(&session.id, &principal),
            None => true,
        }
    }

    /// How long a session has lasted.
    pub(super) fn age(&self, session: &Session) -> Duration {
        self.clock.now().duration_since(session.began()).unwrap_or_default()
    }

    /// Ends a session before its time, in every process that shares the store.
    pub(super) async fn end(&self, session: &Session) -> Result<(), Rejection> {
        let stored = self.ended.insert(session).await;
        self.live.close(&session.id).await;
        stored.map_err(|error| {
            tracing::error!(target: "toolgate::gate", %error, "the end of a session cannot be stored");
            let message = "the end of the session cannot be stored now: try again later";
            Rejection::internal_error(&serde_json::Value::Null, message)
        })
    }
}
