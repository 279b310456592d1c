//! Events: what an observer of a server is sent, in which order, and what is in none of them.

mod brokered;
mod consent;
mod gate;
mod others;
mod refresh;
mod secrets;

use serde_json::Value;

/// Asserts that these members of an event are as expected.
fn assert_has(event: &Value, expected: &Value) {
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&event[name], value, "`{name}` of {event}");
    }
}

/// Asserts that the names begin with a part of a sequence, in its order, with others between them.
fn assert_order(names: &[String], expected: &[&str]) {
    let mut left = names.iter();
    for name in expected {
        assert!(left.any(|found| found == name), "`{name}` is missing or too early in {names:?}");
    }
}
