//! Bounds of streams: how long each lasts, and how many anonymous callers have.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{body::Body, response::Response};
use futures::StreamExt;
use http::header;

use super::rejection::Rejection;
use crate::gate::{Claims, resource_server::ResourceServer, site_of};

/// How many streams one address may hold open.
const MAX_STREAMS_PER_ADDRESS: usize = 8;

/// How many there may be in all.
const MAX_STREAMS: usize = 512;

/// How many of them the addresses of one IPv6 site may hold open together.
const MAX_STREAMS_PER_SITE: usize = MAX_STREAMS / 4;

/// The open streams, by the address of the caller.
#[derive(Default)]
pub(super) struct AnonymousStreams(Mutex<HashMap<Option<IpAddr>, usize>>);

/// The right to one stream, given back on drop.
pub(super) struct StreamPermit {
    streams: Arc<AnonymousStreams>,
    address: Option<IpAddr>,
}

impl AnonymousStreams {
    /// A permit for one more stream; `None` if there are too many.
    pub(super) fn acquire(self: &Arc<Self>, address: Option<IpAddr>) -> Option<StreamPermit> {
        let mut open = self.open();
        if open.values().sum::<usize>() >= MAX_STREAMS {
            return None;
        }
        let site = address.and_then(site_of);
        let of_site = open.iter().filter(|(other, _)| other.and_then(site_of) == site);
        if site.is_some() && of_site.map(|(_, count)| count).sum::<usize>() >= MAX_STREAMS_PER_SITE
        {
            return None;
        }
        let count = open.entry(address).or_default();
        if *count >= MAX_STREAMS_PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(StreamPermit { streams: Arc::clone(self), address })
    }

    /// Ends a stream when the caller's token expires, and bounds how many streams an anonymous caller
    /// has. Other responses pass.
    pub(super) fn bound(
        self: &Arc<Self>,
        gate: Option<&ResourceServer>,
        (address, caller): (Option<IpAddr>, Option<&Claims>),
        response: Response,
    ) -> Result<Response, Rejection> {
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let is_stream = content_type.is_some_and(|value| value == "text/event-stream");
        let Some(gate) = gate.filter(|_| is_stream) else { return Ok(response) };
        let permit = match caller {
            Some(_) => None,
            None => Some(self.acquire(address).ok_or_else(Rejection::too_many_streams)?),
        };
        let end = Box::pin(tokio::time::sleep(gate.remaining_lifetime(caller)));
        Ok(response.map(|body| {
            let stream = body.into_data_stream().take_until(end);
            Body::from_stream(stream.inspect(move |_| {
                let _ = &permit;
            }))
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        match open.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn the_networks_of_one_site_do_not_hold_all_streams() {
        let streams = Arc::new(AnonymousStreams::default());
        let address = |site, net| Some(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into());
        let take = |site| {
            (0..1000).filter_map(|net| streams.acquire(address(site, net))).collect::<Vec<_>>()
        };
        let flood = take(1);
        assert_eq!(flood.len(), MAX_STREAMS / 4);
        assert!(streams.acquire(address(2, 0)).is_some(), "another site still gets one");
        assert!(streams.acquire(Some(IpAddr::from([192, 0, 2, 1]))).is_some());
        drop(flood);
        assert!(streams.acquire(address(1, 2000)).is_some());
        assert!(streams.open().is_empty(), "what is closed takes no memory");
    }

    #[test]
    fn one_address_does_not_hold_all_streams() {
        let streams = Arc::new(AnonymousStreams::default());
        let address = |n: usize| Some(IpAddr::from([192, 0, 2, u8::try_from(n).unwrap()]));
        let take = |n| {
            std::iter::from_fn(|| streams.acquire(address(n)))
                .take(MAX_STREAMS + 1)
                .collect::<Vec<_>>()
        };
        let first = take(0);
        assert_eq!(first.len(), MAX_STREAMS_PER_ADDRESS);
        let others: Vec<_> = (1..200).flat_map(take).collect();
        assert_eq!(first.len() + others.len(), MAX_STREAMS);
        drop(first);
        assert!(streams.acquire(address(0)).is_some());
        drop(others);
        assert!(streams.open().is_empty(), "what is closed takes no memory");
    }
}
