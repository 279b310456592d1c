//! Entries that wait to be written, bounded for each person and in all.

use std::collections::{HashMap, VecDeque};

use super::entry::{AuditEvent, Facts};
use crate::grant::records::Namespace;

/// The most entries of a person in a minute, so that one who connects and disconnects an account all
/// day does not displace the entries of others.
const MAX_PER_PERSON: u32 = 60;

/// The most people that are counted.
const MAX_PEOPLE: usize = 10_000;

/// The most entries of a kind that wait, while the store does not answer.
const MAX_WAITING: usize = 4096;

/// The size in bytes from which a record takes no further entry.
const MAX_BATCH_BYTES: usize = 8 * 1024;

/// The most kinds of refusals that are counted apart.
const MAX_REFUSALS: usize = 256;

/// A kind of entries. Each has a namespace, so that none displaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// What people and operators decide, and what ends a grant.
    Decisions,
    /// Refreshes, which are many.
    Refreshes,
    /// Refusals of strangers, counted by reason.
    Refusals,
}

impl Stream {
    pub(crate) const ALL: [Self; 3] = [Self::Decisions, Self::Refreshes, Self::Refusals];

    /// Where its records are. A record has the entries of one process, of a second or a minute.
    pub(crate) const fn namespace(self) -> Namespace {
        match self {
            Self::Decisions => Namespace::new("audit", 200_000).evicting(),
            Self::Refreshes => Namespace::new("audit-refresh", 200_000).evicting(),
            Self::Refusals => Namespace::new("audit-refusal", 200_000).evicting(),
        }
    }
}

/// Entries of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch(Vec<String>);

impl Batch {
    pub(super) fn to_json(&self) -> String {
        format!("[{}]", self.0.join(","))
    }
}

#[derive(Default)]
struct Buffer {
    entries: VecDeque<String>,
    /// How many are being written.
    in_flight: usize,
    /// How many were left out since the last one that was written.
    lost: u64,
    /// Whether a task will write them.
    is_scheduled: bool,
}

/// What waits of each kind.
#[derive(Default)]
pub(super) struct Buffers {
    by_stream: [Buffer; 3],
    /// What was refused and why, how often, and since when.
    refusals: HashMap<(&'static str, &'static str), (u64, u64)>,
    minute: u64,
    people: HashMap<String, u32>,
}

impl Buffers {
    fn of(&mut self, stream: Stream) -> &mut Buffer {
        &mut self.by_stream[stream as usize]
    }

    /// Adds an entry, or counts it if there is no room. Returns whether a task has to be spawned to
    /// write it.
    pub(super) fn push(&mut self, stream: Stream, at: u64, facts: &Facts) -> bool {
        let is_one_too_many = facts.subject.as_ref().is_some_and(|who| self.is_too_many(who, at));
        let buffer = self.of(stream);
        if is_one_too_many || buffer.entries.len() >= MAX_WAITING {
            buffer.lost += 1;
        } else {
            buffer.entries.push_back(facts.to_json(at));
        }
        !std::mem::replace(&mut buffer.is_scheduled, true)
    }

    /// Counts an entry of a person. Returns whether it is one too many.
    fn is_too_many(&mut self, subject: &str, at: u64) -> bool {
        let minute = at / 60_000;
        if minute != self.minute || self.people.len() >= MAX_PEOPLE {
            self.people.clear();
            self.minute = minute;
        }
        let count = self.people.entry(subject.to_owned()).or_default();
        *count += 1;
        *count > MAX_PER_PERSON
    }

    /// Counts a refusal. Returns as [`push`](Self::push).
    pub(super) fn refuse(&mut self, what: &'static str, reason: &'static str, at: u64) -> bool {
        let is_new = !self.refusals.contains_key(&(what, reason));
        if is_new && self.refusals.len() >= MAX_REFUSALS {
            self.of(Stream::Refusals).lost += 1;
        } else {
            self.refusals.entry((what, reason)).or_insert((0, at)).0 += 1;
        }
        !std::mem::replace(&mut self.of(Stream::Refusals).is_scheduled, true)
    }

    /// Takes the entries of a record. `None`: nothing waits.
    pub(super) fn take(&mut self, stream: Stream, at: u64) -> Option<Batch> {
        if stream == Stream::Refusals {
            for ((what, reason), (count, since)) in std::mem::take(&mut self.refusals) {
                let facts = Facts::new(AuditEvent::Refused).outcome(&what).reason(&reason);
                self.add(stream, &facts.count(count).to_json(since));
            }
        }
        let lost = std::mem::take(&mut self.of(stream).lost);
        if lost > 0 {
            let facts = Facts::new(AuditEvent::EntriesLost).outcome(&stream.namespace().name);
            self.of(stream).entries.push_back(facts.count(lost).to_json(at));
        }
        let buffer = self.of(stream);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < MAX_BATCH_BYTES
            && let Some(entry) = buffer.entries.front()
            && (batch.is_empty() || bytes + entry.len() <= MAX_BATCH_BYTES)
        {
            bytes += entry.len() + 1;
            batch.extend(buffer.entries.pop_front());
        }
        buffer.in_flight = batch.len();
        (!batch.is_empty()).then_some(Batch(batch))
    }

    fn add(&mut self, stream: Stream, entry: &str) {
        let buffer = self.of(stream);
        if buffer.entries.len() < MAX_WAITING {
            buffer.entries.push_back(entry.to_owned());
        } else {
            buffer.lost += 1;
        }
    }

    /// Notes that what was taken is written.
    pub(super) fn written(&mut self, stream: Stream) {
        self.of(stream).in_flight = 0;
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&mut self, stream: Stream, batch: Batch) {
        let buffer = self.of(stream);
        buffer.in_flight = 0;
        for entry in batch.0.into_iter().rev() {
            buffer.entries.push_front(entry);
        }
    }

    /// Whether nothing waits; then no task will write any more.
    pub(super) fn is_done(&mut self, stream: Stream) -> bool {
        let has_refusals = stream == Stream::Refusals && !self.refusals.is_empty();
        let buffer = self.of(stream);
        let is_done = buffer.entries.is_empty() && buffer.lost == 0 && !has_refusals;
        buffer.is_scheduled = !is_done;
        is_done
    }

    /// How many entries wait, those that are being written included.
    pub(super) fn waiting(&self) -> usize {
        let waiting = self.by_stream.iter().map(|buffer| buffer.entries.len() + buffer.in_flight);
        waiting.sum::<usize>() + self.refusals.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(buffers: &mut Buffers, stream: Stream) -> Vec<serde_json::Value> {
        let mut all = Vec::new();
        while let Some(batch) = buffers.take(stream, 0) {
            buffers.written(stream);
            let batch: Vec<serde_json::Value> = serde_json::from_str(&batch.to_json()).unwrap();
            all.extend(batch);
        }
        all
    }

    #[test]
    fn one_person_does_not_displace_others_and_what_is_left_out_is_counted() {
        let mut buffers = Buffers::default();
        let of = |who: &str| Facts::of(AuditEvent::AccountConnected, who);
        for _ in 0..MAX_PER_PERSON + 5 {
            buffers.push(Stream::Decisions, 1, &of("mallory"));
        }
        buffers.push(Stream::Decisions, 1, &of("alice"));
        let found = entries(&mut buffers, Stream::Decisions);
        assert_eq!(found.len(), MAX_PER_PERSON as usize + 2);
        let last = found.last().unwrap();
        assert_eq!((&last["event"], &last["count"]), (&"entries_lost".into(), &5.into()), "{last}");
        buffers.push(Stream::Decisions, 60_001, &of("mallory"));
        assert_eq!(entries(&mut buffers, Stream::Decisions).len(), 1, "a minute later");
    }

    #[test]
    fn what_waits_is_bounded_and_a_record_is_short() {
        let mut buffers = Buffers::default();
        for n in 0..MAX_WAITING + 7 {
            buffers.push(
                Stream::Refreshes,
                1,
                &Facts::of(AuditEvent::TokenRefreshed, &n.to_string()),
            );
        }
        let batch = buffers.take(Stream::Refreshes, 1).unwrap();
        assert!(batch.to_json().len() <= MAX_BATCH_BYTES + 2);
        assert!(batch.0[0].contains(r#""subject":"0""#), "in order");
        buffers.put_back(Stream::Refreshes, batch);
        assert!(!buffers.is_done(Stream::Refreshes));
        let found = entries(&mut buffers, Stream::Refreshes);
        assert_eq!(found.iter().filter(|entry| entry["subject"].is_string()).count(), MAX_WAITING);
        assert!(found.iter().any(|entry| entry["count"] == 7));
        assert!(buffers.is_done(Stream::Refreshes) && buffers.waiting() == 0);
    }

    #[test]
    fn refusals_are_counted_by_reason() {
        let mut buffers = Buffers::default();
        assert!(buffers.refuse("access_token", "expired", 3), "a task begins");
        for _ in 0..99 {
            assert!(!buffers.refuse("access_token", "expired", 4));
        }
        buffers.refuse("token_request", "invalid_grant", 5);
        let mut found = entries(&mut buffers, Stream::Refusals);
        found.sort_by_key(|entry| entry["at"].as_u64());
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0]["count"], &found[0]["reason"]), (&100.into(), &"expired".into()));
        assert_eq!(found[1]["outcome"], "token_request");
    }
}
