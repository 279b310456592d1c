//! Records of one namespace in memory, in the order in which they expire.

use std::{
    collections::{BTreeSet, HashMap},
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::model::{Revision, Stored};

type Value = Stored<Zeroizing<Vec<u8>>>;

/// The records of a namespace. Each operation costs the logarithm of their number.
#[derive(Default)]
pub(crate) struct RecordTable {
    by_key: HashMap<String, Record>,
    by_end: BTreeSet<(SystemTime, String)>,
}

struct Record {
    stored: Value,
    expires_at: SystemTime,
}

impl RecordTable {
    /// The record, unless it has expired.
    pub(crate) fn get(&self, key: &str, now: SystemTime) -> Option<&Value> {
        self.by_key.get(key).filter(|record| record.expires_at > now).map(|record| &record.stored)
    }

    /// Inserts or replaces a record.
    pub(crate) fn insert(&mut self, key: &str, stored: Value, expires_at: SystemTime) {
        let replaced = self.by_key.insert(key.to_owned(), Record { stored, expires_at });
        if let Some(replaced) = replaced {
            self.by_end.remove(&(replaced.expires_at, key.to_owned()));
        }
        self.by_end.insert((expires_at, key.to_owned()));
    }

    /// Removes a record and returns it, unless it has expired.
    pub(crate) fn remove(&mut self, key: &str, now: SystemTime) -> Option<Value> {
        let record = self.by_key.remove(key)?;
        self.by_end.remove(&(record.expires_at, key.to_owned()));
        (record.expires_at > now).then_some(record.stored)
    }

    /// Removes the records that have expired.
    pub(crate) fn remove_expired(&mut self, now: SystemTime) {
        while self.by_end.first().is_some_and(|(end, _)| *end <= now) {
            self.remove_first();
        }
    }

    /// Removes the record that expires first.
    pub(crate) fn remove_first(&mut self) {
        if let Some((_, key)) = self.by_end.pop_first() {
            self.by_key.remove(&key);
        }
    }

    /// All records, with the times at which they expire.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value, SystemTime)> {
        self.by_key.iter().map(|(key, record)| (&**key, &record.stored, record.expires_at))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The revision of a record that has not expired.
    pub(crate) fn revision(&self, key: &str, now: SystemTime) -> Revision {
        self.get(key, now).map_or(Revision::ABSENT, |stored| stored.revision)
    }
}
