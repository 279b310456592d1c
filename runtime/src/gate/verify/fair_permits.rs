//! Permits for requests to an issuer, of which one client, or one site, cannot take all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gate::site_of;

/// How many requests to the issuer may be under way; anyone can cause one.
const MAX_REQUESTS: usize = 64;

/// How many of them one client may cause, or the clients of one IPv6 site together.
const MAX_REQUESTS_PER_CLIENT: usize = 16;

/// How long a request waits for others to end, so that a flood of invalid tokens does not hold up
/// valid ones for long.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(1);

/// With more clients than this, those without a request are forgotten.
const SWEEP_CLIENTS: usize = 64;

/// The permits of an issuer.
pub(super) struct FairPermits {
    all: Arc<Semaphore>,
    by_client: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// The right to one request, given back on drop.
pub(super) struct RequestPermit {
    _all: OwnedSemaphorePermit,
    _own: Option<OwnedSemaphorePermit>,
}

impl Default for FairPermits {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_REQUESTS)), by_client: Mutex::default() }
    }
}

impl FairPermits {
    /// Waits for a permit; `None` if there is none in time. Clients whose address is not known are
    /// bounded together with all others only.
    pub(super) async fn acquire(&self, client: Option<IpAddr>) -> Option<RequestPermit> {
        let own = client.map(|client| self.of_client(site_of(client).unwrap_or(client)));
        let permit = async {
            let own = match own {
                Some(own) => Some(own.acquire_owned().await.ok()?),
                None => None,
            };
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(RequestPermit { _all: all, _own: own })
        };
        tokio::time::timeout(PERMIT_TIMEOUT, permit).await.ok()?
    }

    fn of_client(&self, client: IpAddr) -> Arc<Semaphore> {
        let mut clients = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() > SWEEP_CLIENTS {
            // A permit and a request that waits for one hold a reference each.
            clients.retain(|_, own| Arc::strong_count(own) > 1);
        }
        let new = || Arc::new(Semaphore::new(MAX_REQUESTS_PER_CLIENT));
        Arc::clone(clients.entry(client).or_insert_with(new))
    }

    #[cfg(test)]
    pub(super) async fn acquire_all(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(MAX_REQUESTS).expect("it is a small number");
        Arc::clone(&self.all).acquire_many_owned(all).await.expect("it is never closed")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_networks_of_one_site_do_not_take_all_permits() {
        let permits = FairPermits::default();
        let client = |site, net| Some(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into());
        let mut flood = Vec::new();
        for net in 0..2 * u16::try_from(MAX_REQUESTS).unwrap() {
            flood.extend(permits.acquire(client(1, net)).await);
        }
        assert_eq!(flood.len(), MAX_REQUESTS / 4);
        assert!(permits.acquire(client(2, 0)).await.is_some(), "another site still gets through");
    }

    #[tokio::test(start_paused = true)]
    async fn one_client_does_not_take_all_permits() {
        let permits = FairPermits::default();
        let client = |n: u8| Some(IpAddr::from([192, 0, 2, n]));
        let mut flood = Vec::new();
        for _ in 0..MAX_REQUESTS_PER_CLIENT {
            flood.push(permits.acquire(client(1)).await.unwrap());
        }
        assert!(permits.acquire(client(1)).await.is_none());
        assert!(permits.acquire(client(2)).await.is_some());
        drop(flood);
        assert!(permits.acquire(client(1)).await.is_some());
        for n in 0..=u8::MAX {
            assert!(permits.acquire(client(n)).await.is_some());
        }
        let kept = permits.by_client.lock().unwrap().len();
        assert!(kept <= SWEEP_CLIENTS + 1, "idle clients take no memory: {kept}");
    }
}
