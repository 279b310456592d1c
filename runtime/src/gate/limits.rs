//! How much one caller may ask, and one address.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    gate::Gate,
    grant::Clock,
    support::{cache::Cache, rate_limit::Rate},
};

/// How long the turns of a caller are remembered who has none.
const IDLE: Duration = Duration::from_secs(600);

/// The limits of a gate.
pub(crate) struct Limits {
    subjects: Option<Rate<String>>,
    addresses: Option<Rate<IpAddr>>,
    turns: Option<(usize, Cache<String, Arc<Semaphore>>)>,
}

/// Come back later.
#[derive(Debug)]
pub(crate) struct TooMuch {
    pub(crate) retry_after: Duration,
}

impl TooMuch {
    fn until(retry_after: Duration) -> Self {
        Self { retry_after }
    }
}

impl Limits {
    pub(crate) fn of(gate: &Gate, clock: &Arc<dyn Clock>) -> Self {
        let turns = |most| (most, Cache::while_asked(IDLE));
        Self {
            subjects: gate
                .rate_limit_per_subject
                .map(|count| Rate::per_minute(count, count, clock)),
            addresses: gate.rate_limit_per_ip.map(|count| Rate::per_minute(count, count, clock)),
            turns: gate.at_once.map(turns),
        }
    }

    /// One more request of this address; those whose address is not known share one.
    pub(crate) fn address(&self, address: Option<IpAddr>) -> Result<(), TooMuch> {
        let Some(rate) = &self.addresses else { return Ok(()) };
        let address = address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        rate.check(&address).map_err(TooMuch::until)
    }

    /// Is there a limit for each subject?
    pub(crate) fn of_subjects(&self) -> bool {
        self.subjects.is_some() || self.turns.is_some()
    }

    /// One more request of this subject; it is under way as long as the permit is held.
    pub(crate) fn subject(&self, subject: &str) -> Result<Option<OwnedSemaphorePermit>, TooMuch> {
        if let Some(rate) = &self.subjects {
            rate.check(subject).map_err(TooMuch::until)?;
        }
        let Some((most, turns)) = &self.turns else { return Ok(None) };
        let turns =
            turns.get_or_insert_with(subject.to_owned(), || Arc::new(Semaphore::new(*most)));
        let permit = turns.try_acquire_owned();
        permit.map(Some).map_err(|_| TooMuch::until(Duration::from_secs(1)))
    }
}
