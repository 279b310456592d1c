//! Hand-over of state in memory from a program to the one that takes its place, in development.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// Something whose state in memory the next program takes over.
pub(crate) trait HandOver: Send + Sync {
    /// The state, which no new call of this program changes from then on, until
    /// [`resume`](Self::resume).
    fn snapshot(&self) -> Result<Box<RawValue>, serde_json::Error>;

    /// Takes over the state of another program. After an error the state is as it was.
    fn restore(&self, state: &RawValue) -> Result<(), serde_json::Error>;

    /// Goes on with the state: no other program took it over.
    fn resume(&self) {}

    /// The changes that calls from before the snapshot have made since then, or since the last call of
    /// this method; `None` if there are none.
    fn late(&self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        Ok(None)
    }

    /// Says that the next program has what [`late`](Self::late) returned last. Changes that wait for this
    /// end.
    fn passed_on(&self) {}

    /// Says that nothing is passed on any more. No change waits for it from then on.
    fn abandon(&self) {}

    /// Takes over what [`late`](Self::late) returned in another program. What has changed here meanwhile
    /// stays as it is. After an error the state is as it was.
    fn merge(&self, _late: &RawValue) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// A piece of a server's state, under a name that the next program knows it by.
pub(crate) type NamedState = (String, Arc<dyn HandOver>);

/// The state as JSON.
pub(crate) fn write(state: &impl Serialize) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(state)
}

/// Reads what [`write`] made.
pub(crate) fn read<T: DeserializeOwned>(state: &RawValue) -> Result<T, serde_json::Error> {
    serde_json::from_str(state.get())
}
