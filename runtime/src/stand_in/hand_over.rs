//! Hand-over of a stand-in to the next program: what people granted, and what is to fail.

use std::sync::atomic::Ordering::SeqCst;

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::{engine::Engine, faults::Faults, world::World};
use crate::support::hand_over::{self, HandOver};

/// What is handed over; `W` and `F` are borrowed or owned.
#[derive(Serialize, Deserialize)]
struct Snapshot<W, F> {
    world: W,
    faults: F,
}

impl HandOver for Engine {
    fn snapshot(&self) -> Result<Box<RawValue>, serde_json::Error> {
        // The snapshot is taken under the lock, so that no request changes the state afterwards.
        let world = self.world();
        self.has_moved.store(true, SeqCst);
        hand_over::write(&Snapshot { world: &*world, faults: &self.faults })
    }

    fn restore(&self, state: &RawValue) -> Result<(), serde_json::Error> {
        let Snapshot::<World, Faults> { world, faults } = hand_over::read(state)?;
        if !world.is_whole() {
            return Err(serde_json::Error::custom("a token is of a grant that is not there"));
        }
        *self.world() = world;
        self.faults.replace(&faults);
        Ok(())
    }

    fn resume(&self) {
        self.has_moved.store(false, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::profile::Profile;

    fn engine() -> Engine {
        const PROFILE: &Profile = &Profile::STANDARD;
        Engine::new("Forge", PROFILE, &[])
    }

    #[test]
    fn the_next_stand_in_knows_what_this_one_knew() {
        let (old, new) = (engine(), engine());
        old.world().counts.refreshes = 3;
        old.faults.limit(2);
        new.restore(&old.snapshot().unwrap()).unwrap();
        assert!(old.has_moved.load(SeqCst) && !new.has_moved.load(SeqCst));
        assert_eq!(new.world().counts.refreshes, 3);
        assert!(new.faults.takes_rate_limit() && new.faults.takes_rate_limit());
        assert!(!new.faults.takes_rate_limit());
        old.resume();
        assert!(!old.has_moved.load(SeqCst));
    }

    #[test]
    fn a_state_that_is_not_whole_is_refused() {
        let engine = engine();
        for state in [
            "null",
            "{}",
            r#"{"world":{},"faults":{}}"#,
            r#"{"world":{"counts":{},"advanced":{"secs":0,"nanos":0},"requests":{},"grants":[],"codes":{},"access":{"a":{"grant":0,"expires_at":null}},"refresh":{}},"faults":{"races":0,"lost_answers":0,"rate_limits":0,"delay_ms":0}}"#,
        ] {
            let state = RawValue::from_string(state.to_owned()).unwrap();
            assert!(engine.restore(&state).is_err(), "{state}");
        }
        assert!(engine.world().is_whole());
    }
}
