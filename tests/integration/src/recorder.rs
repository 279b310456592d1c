//! An observer that keeps every decision as JSON.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use toolgate::trace::{Event, EventKind, Observer, Values};

/// Keeps what it is sent. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    events: Mutex<Vec<Value>>,
    values: Mutex<Vec<Value>>,
    wants_values: bool,
}

impl Recorder {
    /// One that wants the values of calls.
    pub fn of_values() -> Self {
        Self(Arc::new(Recorded { wants_values: true, ..Recorded::default() }))
    }

    /// All events, in the order in which they came.
    ///
    /// # Panics
    ///
    /// Another thread panicked.
    pub fn events(&self) -> Vec<Value> {
        self.0.events.lock().expect("no panic").clone()
    }

    /// The values of calls.
    ///
    /// # Panics
    ///
    /// Another thread panicked.
    pub fn values(&self) -> Vec<Value> {
        self.0.values.lock().expect("no panic").clone()
    }

    /// Forgets what came so far.
    ///
    /// # Panics
    ///
    /// Another thread panicked.
    pub fn clear(&self) {
        self.0.events.lock().expect("no panic").clear();
    }

    /// The names of all events.
    pub fn names(&self) -> Vec<String> {
        let name = |event: &Value| event["event"].as_str().unwrap_or_default().to_owned();
        self.events().iter().map(name).collect()
    }

    /// The events of this name.
    pub fn all(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    /// How many events have this name.
    ///
    /// # Panics
    ///
    /// Another thread panicked.
    pub fn count(&self, name: &str) -> usize {
        let events = self.0.events.lock().expect("no panic");
        events.iter().filter(|event| event["event"] == name).count()
    }

    /// The only event of this name.
    ///
    /// # Panics
    ///
    /// There is none, or there are several.
    pub fn one(&self, name: &str) -> Value {
        let mut all = self.all(name);
        assert_eq!(all.len(), 1, "`{name}` in {:?}", self.names());
        all.remove(0)
    }

    /// Everything, as it is written.
    ///
    /// # Panics
    ///
    /// Another thread panicked.
    pub fn text(&self) -> String {
        serde_json::to_string(&*self.0.events.lock().expect("no panic")).expect("JSON")
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        // They decide nothing, and come between those that do.
        if matches!(
            event.kind,
            EventKind::StoreUsed { .. }
                | EventKind::OperationEnded { .. }
                | EventKind::SessionEnded { .. }
        ) {
            return;
        }
        let json = serde_json::to_value(event).expect("an event is JSON");
        self.0.events.lock().expect("no panic").push(json);
    }

    fn wants_values(&self) -> bool {
        self.0.wants_values
    }

    fn on_values(&self, values: &Values<'_>) {
        let json = serde_json::to_value(values).expect("values are JSON");
        self.0.values.lock().expect("no panic").push(json);
    }
}
