//! Policy of token renewal.

use std::time::Duration;

use crate::support::crypto;

/// When tokens are renewed, and how long that may take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RefreshPolicy {
    /// How long before its expiry a token is renewed; never more than a fifth of its lifetime.
    pub lead: Duration,
    /// How long one refresh request may take.
    pub timeout: Duration,
    /// How long the right to renew lasts if its holder dies; at least twice `timeout`. Where a provider
    /// accepts a spent refresh token for a while, it is a fifth of that time at most.
    pub lease: Duration,
    /// How often to poll the store while another process renews.
    pub poll: Duration,
    /// How long after a failure a token that is still valid is not renewed again, at most. It doubles
    /// with each failure, up to the lead, and half of it is random.
    pub cooldown: Duration,
    /// The age below which a token is not renewed because of its expiry. It bounds the requests to a
    /// provider whose tokens expire at once.
    pub floor: Duration,
    /// Where in the lead each grant's renewal falls; random unless a test sets it.
    pub seed: u64,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        let mut seed = [0; 8];
        crypto::fill_random(&mut seed);
        Self {
            lead: Duration::from_mins(5),
            timeout: Duration::from_secs(15),
            lease: Duration::from_secs(30),
            poll: Duration::from_millis(50),
            cooldown: Duration::from_secs(30),
            floor: Duration::from_secs(2),
            seed: u64::from_be_bytes(seed),
        }
    }
}
