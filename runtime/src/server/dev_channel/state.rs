//! State of a program, in named pieces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::connection::MAX_LINE_BYTES;
use crate::support::hand_over::{HandOver, NamedState};

/// The version of the pieces. Those of another version are not read.
const VERSION: u32 = 1;

/// The most that all pieces take, in bytes.
const MAX_STATE_BYTES: usize = MAX_LINE_BYTES - (1 << 20);

#[derive(Serialize, Deserialize)]
struct Pieces {
    version: u32,
    pieces: BTreeMap<String, Box<RawValue>>,
}

/// Everything that is handed over. A piece that is too large, or that cannot be written, is left out.
pub(super) fn snapshot(states: &[NamedState]) -> serde_json::Result<Box<RawValue>> {
    written(pieces_of(states, |state| state.snapshot().map(Some)))
}

/// What has changed after it was handed over; `None` if nothing has.
pub(super) fn late(states: &[NamedState]) -> serde_json::Result<Option<Box<RawValue>>> {
    let pieces = pieces_of(states, HandOver::late);
    if pieces.is_empty() { Ok(None) } else { written(pieces).map(Some) }
}

fn written(pieces: BTreeMap<String, Box<RawValue>>) -> serde_json::Result<Box<RawValue>> {
    to_raw_value(&Pieces { version: VERSION, pieces })
}

fn pieces_of(
    states: &[NamedState],
    of: impl Fn(&(dyn HandOver + 'static)) -> serde_json::Result<Option<Box<RawValue>>>,
) -> BTreeMap<String, Box<RawValue>> {
    let mut left = MAX_STATE_BYTES;
    let mut pieces = BTreeMap::new();
    for (name, state) in states {
        match of(&**state) {
            Ok(None) => {}
            Ok(Some(piece)) if piece.get().len() <= left => {
                left -= piece.get().len();
                pieces.insert(name.clone(), piece);
            }
            Ok(Some(_)) => {
                tracing::warn!(target: "toolgate::server", name, "it is too large to be handed over, so the next program begins without it");
            }
            Err(error) => {
                tracing::warn!(target: "toolgate::server", name, %error, "it cannot be handed over, so the next program begins without it");
            }
        }
    }
    pieces
}

/// Takes over what another program handed over. What cannot be read is dropped.
pub(super) fn restore(states: &[NamedState], state: &RawValue) {
    take_over(states, state, HandOver::restore);
}

/// Takes over what another program changed after it had handed over. What cannot be read is dropped.
pub(super) fn merge(states: &[NamedState], late: &RawValue) {
    take_over(states, late, HandOver::merge);
}

fn take_over(
    states: &[NamedState],
    state: &RawValue,
    by: impl Fn(&(dyn HandOver + 'static), &RawValue) -> serde_json::Result<()>,
) {
    let read = serde_json::from_str::<Pieces>(state.get());
    let Ok(Pieces { version: VERSION, mut pieces }) = read else {
        tracing::warn!(target: "toolgate::server", "the state of the program before this one is of another version, so this one begins without it");
        return;
    };
    for (name, state) in states {
        let Some(piece) = pieces.remove(name) else { continue };
        if let Err(error) = by(&**state, &piece) {
            // The error could quote a secret that it has read.
            let (line, column) = (error.line(), error.column());
            tracing::warn!(target: "toolgate::server", name, line, column, "what the program before this one handed over is of another version, so this one begins without it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;
    use crate::support::hand_over;

    #[derive(Default)]
    struct Number(Mutex<u32>);

    impl HandOver for Number {
        fn snapshot(&self) -> serde_json::Result<Box<RawValue>> {
            hand_over::write(&*self.0.lock().unwrap())
        }

        fn restore(&self, state: &RawValue) -> serde_json::Result<()> {
            *self.0.lock().unwrap() = hand_over::read(state)?;
            Ok(())
        }
    }

    fn states(values: &[(&str, u32)]) -> (Vec<NamedState>, Vec<Arc<Number>>) {
        let numbers: Vec<_> =
            values.iter().map(|(_, value)| Arc::new(Number(Mutex::new(*value)))).collect();
        let named = values.iter().zip(&numbers).map(|((name, _), number)| {
            ((*name).to_owned(), Arc::clone(number) as Arc<dyn HandOver>)
        });
        (named.collect(), numbers)
    }

    #[test]
    fn pieces_find_their_names() {
        let (old, _) = states(&[("a", 1), ("b", 2), ("gone", 3)]);
        let (new, numbers) = states(&[("b", 0), ("a", 0), ("new", 9)]);
        restore(&new, &snapshot(&old).unwrap());
        let values: Vec<_> = numbers.iter().map(|number| *number.0.lock().unwrap()).collect();
        assert_eq!(values, [2, 1, 9]);
    }

    #[test]
    fn what_cannot_be_read_is_dropped() {
        let (new, numbers) = states(&[("a", 7), ("b", 7)]);
        for state in [
            json!(null),
            json!({ "version": 2, "pieces": { "a": 1 } }),
            json!({ "version": 1 }),
            json!({ "version": 1, "pieces": { "a": "text", "b": 8 } }),
        ] {
            restore(&new, &to_raw_value(&state).unwrap());
        }
        assert_eq!(*numbers[0].0.lock().unwrap(), 7);
        assert_eq!(*numbers[1].0.lock().unwrap(), 8, "the other piece is good");
    }
}
