//! Streams of anonymous callers, bounded for each address and in all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many streams one address may hold open.
const MAX_STREAMS_PER_ADDRESS: usize = 8;

/// How many there may be in all.
const MAX_STREAMS: usize = 512;

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
        let count = open.entry(address).or_default();
        if *count >= MAX_STREAMS_PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(StreamPermit { streams: Arc::clone(self), address })
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
    use super::*;

    #[test]
    fn one_address_does_not_hold_all_streams() {
        let streams = Arc::new(AnonymousStreams::default());
        let address = |n: usize| Some(IpAddr::from([192, 0, 2, u8::try_from(n).unwrap()]));
        let take = |n| {
            std::iter::from_fn(|| streams.acquire(address(n))).take(MAX_STREAMS + 1).collect::<Vec<_>>()
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
