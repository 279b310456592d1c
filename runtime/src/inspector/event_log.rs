//! Log of what a server did, bounded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::event_ring::{Entry, KeptEntry, Latest, Ring};
use crate::trace::{Event, EventKind, Observer, Values};

/// The most events that are kept.
const MAX_EVENTS: usize = 4000;

/// The most exchanges that are kept.
const MAX_EXCHANGES: usize = 1000;

/// The largest values of a call that are kept, in bytes.
const MAX_VALUES_BYTES: usize = 256 << 10;

/// The most of the log that the next program takes over, in bytes of events, and of exchanges.
const MAX_HANDED_OVER_BYTES: usize = 2 << 20;

/// The events, the exchanges, and who waits for more of them.
pub(crate) struct EventLog {
    kept: Mutex<Kept>,
    pub(super) changes: watch::Sender<u64>,
}

pub(super) struct Kept {
    /// The position of the next entry.
    pub(super) next: u64,
    /// The last event of the trace.
    pub(super) last_event: u64,
    /// How often what the page shows of the server has changed.
    pub(super) state_changes: u64,
    pub(super) events: Ring,
    pub(super) exchanges: Ring,
    /// How the build goes.
    pub(super) build: Latest,
    /// The files that were written last and need no build.
    pub(super) reload: Latest,
}

/// What the supervisor says to pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// How the build goes: a page that comes later gets it as well.
    Build,
    /// Files were written that need no build.
    Reload,
}

/// The log as the next program takes it over.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptLog {
    next: u64,
    last_event: u64,
    events: Vec<KeptEntry>,
    exchanges: Vec<KeptEntry>,
}

impl Default for EventLog {
    fn default() -> Self {
        let kept = Kept {
            next: 0,
            last_event: 0,
            state_changes: 0,
            events: Ring::new(MAX_EVENTS),
            exchanges: Ring::new(MAX_EXCHANGES),
            build: Latest::default(),
            reload: Latest::default(),
        };
        Self { kept: Mutex::new(kept), changes: watch::Sender::new(0) }
    }
}

/// A block of the kind `event`, whose data is `json`: one line.
pub(super) fn block(event: &str, id: Option<u64>, json: &str) -> Bytes {
    match id {
        Some(id) => format!("event: {event}\nid: {id}\ndata: {json}\n\n").into(),
        None => format!("event: {event}\ndata: {json}\n\n").into(),
    }
}

impl EventLog {
    /// Keeps an exchange.
    pub(super) fn add_exchange(&self, exchange: &impl Serialize) {
        if let Ok(json) = serde_json::to_string(exchange) {
            self.add(|kept| &mut kept.exchanges, None, block("exchange", None, &json));
        }
    }

    /// Keeps a finding about a widget.
    pub(super) fn add_widget_note(&self, note: &impl Serialize) {
        if let Ok(json) = serde_json::to_string(note) {
            self.add(|kept| &mut kept.events, None, block("widget", None, &json));
        }
    }

    /// Shows pages what the supervisor says.
    pub(super) fn show(&self, kind: Shown, what: &RawValue) {
        let mut kept = self.kept();
        let (latest, name) = match kind {
            Shown::Build => (&mut kept.build, "build"),
            Shown::Reload => (&mut kept.reload, "reload"),
        };
        latest.changes += 1;
        latest.block = block(name, None, what.get());
        drop(kept);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// The newest of what is kept, for the next program.
    pub(super) fn kept_log(&self) -> KeptLog {
        let kept = self.kept();
        KeptLog {
            next: kept.next,
            last_event: kept.last_event,
            events: kept.events.newest(MAX_HANDED_OVER_BYTES),
            exchanges: kept.exchanges.newest(MAX_HANDED_OVER_BYTES),
        }
    }

    /// Goes on with the log of the program before this one.
    pub(super) fn restore(&self, log: KeptLog) {
        let mut kept = self.kept();
        kept.next = kept.next.max(log.next);
        kept.last_event = kept.last_event.max(log.last_event);
        kept.events.replace(log.events);
        kept.exchanges.replace(log.exchanges);
        drop(kept);
        self.state_changed();
    }

    /// Lets pages ask for the state again.
    pub(super) fn state_changed(&self) {
        self.kept().state_changes += 1;
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn add(&self, ring: impl FnOnce(&mut Kept) -> &mut Ring, event: Option<u64>, block: Bytes) {
        let mut kept = self.kept();
        let position = kept.next;
        kept.next += 1;
        kept.last_event = kept.last_event.max(event.unwrap_or(0));
        ring(&mut kept).push(Entry { position, event, block });
        drop(kept);
        self.changes.send_modify(|changes| *changes += 1);
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for EventLog {
    fn on_event(&self, event: &Event<'_>) {
        // Nothing was decided there, and they would take the place of what was.
        if matches!(
            event.kind,
            EventKind::StoreUsed { .. }
                | EventKind::OperationEnded { .. }
                | EventKind::SessionEnded { .. }
        ) {
            return;
        }
        let Ok(json) = serde_json::to_string(event) else { return };
        let block = block("trace", Some(event.id), &json);
        self.add(|kept| &mut kept.events, Some(event.id), block);
        if changes_state(&event.kind) {
            self.state_changed();
        }
    }

    fn wants_values(&self) -> bool {
        true
    }

    fn on_values(&self, values: &Values<'_>) {
        if values.json.get().len() > MAX_VALUES_BYTES {
            return;
        }
        if let Ok(json) = serde_json::to_string(values) {
            self.add(|kept| &mut kept.events, None, block("values", None, &json));
        }
    }
}

/// Whether the event changes what a person may do.
fn changes_state(kind: &EventKind<'_>) -> bool {
    matches!(
        kind,
        EventKind::GrantMade { .. }
            | EventKind::TokensIssued { .. }
            | EventKind::StepUpDecided { .. }
            | EventKind::AccountUse { .. }
            | EventKind::RefreshFailed { .. }
    )
}

#[cfg(test)]
mod tests;
