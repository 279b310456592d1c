//! The rate limits of the broker's endpoints.

use std::{net::SocketAddr, sync::Arc};

use axum::extract::ConnectInfo;
use http::request::Parts;

use crate::{
    browser::{local_request, request_limit::RequestLimit},
    gate::PeerAddress,
    grant::Clock,
};

/// How many requests of a kind all together may send in a minute, unless the operator says
/// otherwise. One address and one site have a small share of it.
pub(crate) const MAX_REQUESTS_PER_MINUTE: u32 = 1500;

/// How many authorizations one address may start in a minute.
const AUTHORIZATIONS_PER_ADDRESS: u32 = 30;

/// How many minutes an authorization request is stored: ten, and the two that a burst adds.
pub(crate) const STORED_MINUTES: u32 = 12;

/// A limit for each kind of request that strangers can send.
pub(crate) struct Limits {
    pub(crate) registrations: RequestLimit,
    pub(crate) authorizations: RequestLimit,
    /// Of the form of the consent page, of which each authorization shows one.
    pub(crate) consents: RequestLimit,
    /// Of fetches of documents and keys that nobody here uses yet.
    pub(crate) documents: RequestLimit,
    /// Of the token and the revocation endpoint. A hosted client redeems there for all of its
    /// users, from few addresses. It has no total, which would let strangers keep hosts from their
    /// tokens.
    pub(crate) tokens: RequestLimit,
}

impl Limits {
    pub(crate) fn new(total: u32, clock: &Arc<dyn Clock>) -> Self {
        Self {
            registrations: RequestLimit::new(10, total, clock),
            authorizations: RequestLimit::new(AUTHORIZATIONS_PER_ADDRESS, total, clock),
            consents: RequestLimit::without_total(2 * AUTHORIZATIONS_PER_ADDRESS, clock),
            documents: RequestLimit::new(10, total / 3, clock),
            tokens: RequestLimit::without_total(600, clock),
        }
    }
}

/// Whether a program on this machine sent the request, and no proxy on this machine for someone else.
pub(crate) fn is_of_this_machine(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let named = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
    let is_local = peer.is_some_and(|peer| peer.to_canonical().is_loopback())
        && named.is_none_or(|named| named.to_canonical().is_loopback());
    is_local && !local_request::has_passed_proxy(&parts.headers)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use super::*;
    use crate::grant::ManualClock;

    fn limits() -> Limits {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        Limits::new(MAX_REQUESTS_PER_MINUTE, &clock)
    }

    fn all(limits: &Limits) -> [&RequestLimit; 5] {
        let Limits { registrations, authorizations, consents, documents, tokens } = limits;
        [registrations, authorizations, consents, documents, tokens]
    }

    fn address(site: u16, net: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into()
    }

    #[test]
    fn one_ipv6_site_leaves_room_for_another() {
        let limits = limits();
        for limit in all(&limits) {
            for net in 0..3000 {
                for _ in 0..40 {
                    let _ = limit.check(Some(address(1, net)));
                }
            }
            assert!(limit.check(Some(address(2, 0))).is_ok());
        }
    }

    #[test]
    fn twenty_addresses_leave_room_for_another() {
        let limits = limits();
        for limit in all(&limits) {
            for last in 0..20 {
                for _ in 0..2000 {
                    let _ = limit.check(Some(IpAddr::from([192, 0, 2, last])));
                }
            }
            assert!(limit.check(Some(IpAddr::from([198, 51, 100, 1]))).is_ok());
        }
    }
}
