//! Hand-over of the inspector to the next program: people with their tokens, sessions, sign-ins under
//! way, and what is shown.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    event_log::KeptLog,
    oauth_client::SignIn,
    people::Person,
    saved_calls::LastRun,
    sessions::SessionKey,
    state::{Inspector, InspectorState},
};
use crate::{
    http::ExchangeRecorder as _,
    support::hand_over::{self, HandOver},
};

/// The gap in the numbers of events and exchanges that is left for the previous program, after it has
/// handed over.
const LATE_NUMBERS: u64 = 10_000;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    people: Vec<Person>,
    sessions: Vec<(SessionKey, String)>,
    sign_ins: Vec<SignIn>,
    last_runs: HashMap<String, LastRun>,
    log: KeptLog,
    next_event: u64,
    next_exchange: u64,
}

impl HandOver for Inspector {
    fn snapshot(&self) -> Result<Box<RawValue>, serde_json::Error> {
        let state = &*self.0;
        hand_over::write(&Snapshot {
            people: state.people.all(),
            sessions: state.sessions.all(),
            sign_ins: state.oauth.pending(),
            last_runs: state.calls.last_runs(),
            log: state.log.kept_log(),
            next_event: state.dispatch.tracer.next_event(),
            next_exchange: state.exchanges.next_id(),
        })
    }

    fn restore(&self, snapshot: &RawValue) -> Result<(), serde_json::Error> {
        let snapshot: Snapshot = hand_over::read(snapshot)?;
        let InspectorState { people, sessions, oauth, calls, log, dispatch, exchanges, .. } =
            &*self.0;
        people.restore(snapshot.people);
        sessions.restore(snapshot.sessions);
        oauth.restore(snapshot.sign_ins);
        calls.restore(snapshot.last_runs);
        exchanges.continue_at(snapshot.next_exchange.saturating_add(LATE_NUMBERS));
        dispatch.tracer.continue_at(snapshot.next_event.saturating_add(LATE_NUMBERS));
        log.restore(snapshot.log);
        Ok(())
    }
}
