//! Outages: whether a service answers, and when it is asked again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often a service is asked in an outage whether it has ended.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Whether a service answers, as its callers see it.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    /// When it is asked again; `None`: there is no outage.
    next_probe: Mutex<Option<Instant>>,
}

/// Whether a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Yes: there is no outage.
    Usual,
    /// Yes, to find out whether the outage has ended. Nothing else asks for an interval.
    Probe,
    /// No: it did not answer a moment ago.
    NotNow,
}

impl Outage {
    pub(crate) fn ask(&self) -> Ask {
        let (mut next, now) = (self.lock(), Instant::now());
        match *next {
            None => Ask::Usual,
            Some(at) if now < at => Ask::NotNow,
            Some(_) => {
                *next = Some(now + PROBE_INTERVAL);
                Ask::Probe
            }
        }
    }

    /// Notes that the service did not answer. Returns whether that is new.
    pub(crate) fn begin(&self) -> bool {
        self.lock().replace(Instant::now() + PROBE_INTERVAL).is_none()
    }

    /// Notes that the service answered. Returns whether that is new.
    pub(crate) fn end(&self) -> bool {
        self.lock().take().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.next_probe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_in_an_interval_asks_whether_it_has_ended() {
        let outage = Outage::default();
        assert_eq!(outage.ask(), Ask::Usual);
        assert!(outage.begin());
        assert!(!outage.begin());
        assert_eq!(outage.ask(), Ask::NotNow);
        *outage.lock() = Some(Instant::now());
        assert_eq!([outage.ask(), outage.ask()], [Ask::Probe, Ask::NotNow]);
        assert!(outage.end());
        assert!(!outage.end());
        assert_eq!(outage.ask(), Ask::Usual);
    }
}
