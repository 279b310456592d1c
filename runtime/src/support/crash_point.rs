//! Crash points: steps at which a test makes the process end, or stop for a while.
//!
//! They exist with the feature `testing` in builds with debug assertions, and nowhere else.

/// Ends the process here if `TOOLGATE_CRASH_POINT` names this step: `NAME` at the first time,
/// `NAME@3` at the third. With `NAME:stop` the process stops as by SIGSTOP, until a test lets it
/// go on.
#[cfg(all(feature = "testing", debug_assertions))]
pub(crate) fn crash_point(name: &str) {
    if let Some(armed) = armed::get() {
        armed.reach(name);
    }
}

/// Does nothing: the points are for tests.
#[cfg(not(all(feature = "testing", debug_assertions)))]
#[inline]
pub(crate) const fn crash_point(_: &str) {}

#[cfg(all(feature = "testing", debug_assertions))]
mod armed {
    use std::{
        env, process,
        sync::{
            OnceLock,
            atomic::{AtomicU32, Ordering::SeqCst},
        },
    };

    /// The step at which the process ends, and how often it is still passed.
    pub(super) struct Armed {
        name: String,
        stops: bool,
        left: AtomicU32,
    }

    pub(super) fn get() -> Option<&'static Armed> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        ARMED.get_or_init(|| parse(&env::var("TOOLGATE_CRASH_POINT").ok()?)).as_ref()
    }

    fn parse(text: &str) -> Option<Armed> {
        let (text, stops) = text.strip_suffix(":stop").map_or((text, false), |text| (text, true));
        let (name, times) = text.split_once('@').unwrap_or((text, "1"));
        Some(Armed { name: name.to_owned(), stops, left: AtomicU32::new(times.parse().ok()?) })
    }

    impl Armed {
        pub(super) fn reach(&self, name: &str) {
            let passed = self.name == name
                && self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) == Ok(1);
            if !passed {
                return;
            }
            let id = process::id().to_string();
            // A stop reaches one thread first, and this one could go on meanwhile. So the command ends
            // when the whole process is stopped. It looks a limited number of times, because the
            // test may let the process go on before it has looked.
            let script = if self.stops {
                "kill -STOP $0
                for look in $(seq 100); do ps -o state= -p $0 | grep -q ^T && break; done"
            } else {
                "kill -KILL $0"
            };
            let _ = process::Command::new("sh").args(["-c", script, &id]).status();
        }
    }
}
