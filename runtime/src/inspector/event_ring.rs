//! Newest entries of the log, within bounds.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most that all events, and that all exchanges take, in bytes.
pub(super) const MAX_LOG_BYTES: usize = 8 << 20;

/// A value of which only the newest is kept.
#[derive(Default)]
pub(super) struct Latest {
    /// How often it has changed.
    pub(super) changes: u64,
    pub(super) block: Bytes,
}

impl Latest {
    /// The newest, unless the reader has seen it.
    pub(super) fn unseen(&self, seen: &mut u64) -> Option<&Bytes> {
        let is_new = self.changes != *seen;
        *seen = self.changes;
        is_new.then_some(&self.block)
    }
}

/// The position, the number of an event of the trace, and the block.
pub(super) type KeptEntry = (u64, Option<u64>, String);

/// The newest entries within the bounds.
pub(super) struct Ring {
    pub(super) entries: VecDeque<Entry>,
    pub(super) bytes: usize,
    max_entries: usize,
}

/// A block of server-sent events.
pub(super) struct Entry {
    pub(super) position: u64,
    /// The number of an event of the trace.
    pub(super) event: Option<u64>,
    pub(super) block: Bytes,
}

impl Ring {
    pub(super) fn new(max_entries: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, max_entries }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.block.len();
        self.entries.push_back(entry);
        while self.entries.len() > self.max_entries || self.bytes > MAX_LOG_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.block.len();
        }
    }

    /// The newest entries of at most `max_bytes` together.
    pub(super) fn newest(&self, max_bytes: usize) -> Vec<KeptEntry> {
        let mut left = max_bytes;
        let fits = |entry: &&Entry| {
            let fits = left.checked_sub(entry.block.len());
            left = fits.unwrap_or(0);
            fits.is_some()
        };
        let newest = self.entries.iter().rev().take_while(fits).map(|entry| {
            let block = String::from_utf8_lossy(&entry.block).into_owned();
            (entry.position, entry.event, block)
        });
        let mut newest: Vec<_> = newest.collect();
        newest.reverse();
        newest
    }

    /// Takes the place of what is kept. The entries have to be in their order.
    pub(super) fn replace(&mut self, entries: Vec<KeptEntry>) {
        *self = Self::new(self.max_entries);
        for (position, event, block) in entries {
            if self.entries.back().is_none_or(|last| last.position < position) {
                self.push(Entry { position, event, block: block.into() });
            }
        }
    }

    /// The entries from `position` on.
    pub(super) fn since(&self, position: u64) -> impl Iterator<Item = &Entry> {
        let from = self.entries.partition_point(|entry| entry.position < position);
        self.entries.range(from..)
    }
}
