//! Late writes: what calls write to a store in memory after it was handed over to the next program.
//!
//! Each write has the revision of the row that the next program knows. The next program accepts the
//! write only if its row still has that revision: otherwise its own write is newer.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    handed_over::{HandedOver, PENDING},
    memory::Tables,
    memory_rows::{GrantRow, RecordRow},
    model::{GrantKey, Revision},
    record_table::RecordTable,
};
use crate::support::hand_over;

#[derive(Serialize, Deserialize)]
struct LateWrites {
    grants: Vec<LateWrite<GrantKey, GrantRow>>,
    /// By namespace.
    records: HashMap<String, Vec<LateWrite<String, RecordRow>>>,
}

/// A row that was written, or removed.
#[derive(Serialize, Deserialize)]
struct LateWrite<K, R> {
    key: K,
    /// The revision that the next program knows; 0 if it knows no row.
    known: u64,
    /// `None`: it was removed.
    row: Option<R>,
}

/// Begins to collect: the next program knows the tables as they are.
pub(super) fn begin(tables: &mut Tables) {
    tables.handed_over = Some(HandedOver::of(tables));
}

/// What was written since [`begin`], or since the last call of this.
pub(super) fn take(tables: &mut Tables) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    let Some(known) = tables.handed_over.take_if(|known| known.revision != tables.revision) else {
        return Ok(None);
    };
    let late = LateWrites::since(&known, tables);
    begin(tables);
    if late.grants.is_empty() && late.records.is_empty() {
        return Ok(None);
    }
    hand_over::write(&late).map(Some)
}

/// Takes over what [`take`] returned in another program. Returns the namespaces and keys of the records
/// that have changed here.
pub(super) fn merge(
    tables: &mut Tables,
    late: &RawValue,
    now: SystemTime,
) -> Result<Vec<(String, String)>, serde_json::Error> {
    let late: LateWrites = hand_over::read(late)?;
    let mut grants = Vec::new();
    for write in late.grants {
        let stored = write.row.as_ref().map(GrantRow::read).transpose()?;
        grants.push((write, stored));
    }
    let mut records = Vec::new();
    for (namespace, writes) in late.records {
        for write in writes {
            let stored = write.row.as_ref().map(RecordRow::read).transpose()?;
            records.push((namespace.clone(), write, stored));
        }
    }
    // Nothing fails after this line.
    for (LateWrite { key, known, .. }, stored) in grants {
        let found = tables.grants.get(&key).map_or(Revision::ABSENT, |stored| stored.revision);
        if found == Revision(known) {
            match stored {
                Some(stored) => drop(tables.grants.insert(key, stored)),
                None => drop(tables.grants.remove(&key)),
            }
        }
    }
    let mut changed = Vec::new();
    for (namespace, LateWrite { key, known, row }, stored) in records {
        let table = tables.records_of(&namespace);
        if table.revision(&key, now) == Revision(known) {
            match row.zip(stored) {
                Some((row, stored)) => row.insert(stored, table),
                None => drop(table.remove(&key, now)),
            }
            changed.push((namespace, key));
        }
    }
    // The program after this one has to know it.
    tables.revision += 1;
    Ok(changed)
}

impl HandedOver {
    fn of(tables: &Tables) -> Self {
        let grants = tables.grants.iter().map(|(key, stored)| (key.clone(), stored.revision));
        let tables_of_records = tables.all_records();
        let records = tables_of_records.map(|(namespace, table)| {
            let revisions = table.iter().map(|(key, stored, _)| (key.to_owned(), stored.revision));
            (namespace.to_owned(), revisions.collect())
        });
        Self { revision: tables.revision, grants: grants.collect(), records: records.collect() }
    }
}

impl Tables {
    /// The records of each namespace, and the pending authorizations.
    fn all_records(&self) -> impl Iterator<Item = (&str, &RecordTable)> {
        let named = self.records.iter().map(|(namespace, table)| (&**namespace, table));
        named.chain([(PENDING, &self.pending)])
    }

    fn records_of(&mut self, namespace: &str) -> &mut RecordTable {
        if namespace == PENDING {
            return &mut self.pending;
        }
        self.records.entry(namespace.to_owned().into()).or_default()
    }
}

impl LateWrites {
    fn since(known: &HandedOver, tables: &Tables) -> Self {
        let rows = tables
            .grants
            .iter()
            .map(|(key, stored)| (key.clone(), stored.revision, GrantRow::of(key, stored)));
        let grants = differences(&known.grants, rows);
        let nothing = HashMap::new();
        let mut records = HashMap::new();
        for (namespace, table) in tables.all_records() {
            let known = known.records.get(namespace).unwrap_or(&nothing);
            let rows = table.iter().zip(RecordRow::all_of(table));
            let rows = rows.map(|((key, stored, _), row)| (key.to_owned(), stored.revision, row));
            let writes = differences(known, rows);
            if !writes.is_empty() {
                records.insert(namespace.to_owned(), writes);
            }
        }
        Self { grants, records }
    }
}

/// The rows that differ from what is known, and the known ones that are no longer there.
fn differences<K: Clone + Eq + Hash, R>(
    known: &HashMap<K, Revision>,
    rows: impl Iterator<Item = (K, Revision, R)>,
) -> Vec<LateWrite<K, R>> {
    let revision_of = |key: &K| known.get(key).copied().unwrap_or(Revision::ABSENT);
    let mut gone: HashSet<&K> = known.keys().collect();
    let mut writes = Vec::new();
    for (key, revision, row) in rows {
        gone.remove(&key);
        let known = revision_of(&key);
        if known != revision {
            writes.push(LateWrite { key, known: known.0, row: Some(row) });
        }
    }
    let removed = gone.into_iter().map(|key| (key.clone(), revision_of(key).0));
    writes.extend(removed.map(|(key, known)| LateWrite { key, known, row: None }));
    writes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        grant::{Grant, GrantStore as _, MemoryStore, Namespace, Records as _, SaveError, record},
        support::hand_over::HandOver as _,
    };

    const CODES: Namespace = Namespace::new("code", 9);

    fn grant(access: &str) -> Grant {
        Grant::new(access, SystemTime::UNIX_EPOCH)
    }

    async fn access(store: &MemoryStore, key: &GrantKey) -> Option<Vec<u8>> {
        let stored = store.load(key).await.unwrap();
        stored.map(|stored| record::write(&stored.value).to_vec())
    }

    fn next_of(old: &MemoryStore) -> MemoryStore {
        let new = MemoryStore::new();
        new.restore(&old.snapshot().unwrap()).unwrap();
        new
    }

    fn pass_on(old: &MemoryStore, new: &MemoryStore) {
        new.merge(&old.late().unwrap().unwrap()).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_store_gets_what_is_written_late() {
        let old = MemoryStore::new();
        let keys = ["kept", "replaced", "removed", "new"].map(|name| GrantKey::new("alice", name));
        let [kept, replaced, removed, new_key] = &keys;
        for key in [kept, replaced, removed] {
            old.save(key, &grant("before"), Revision::ABSENT).await.unwrap();
        }
        let of_replaced = old.load(replaced).await.unwrap().unwrap().revision;
        let end = SystemTime::now() + Duration::from_secs(60);
        old.put_pending("taken", b"consent", end).await.unwrap();
        let code = old.write(CODES, "abc", b"alice", end, Revision::ABSENT).await.unwrap();
        let new = next_of(&old);
        assert!(old.late().unwrap().is_none(), "nothing has changed");

        let of_replaced = old.save(replaced, &grant("after"), of_replaced).await.unwrap();
        old.save(new_key, &grant("after"), Revision::ABSENT).await.unwrap();
        old.remove(removed).await.unwrap();
        old.take_pending("taken").await.unwrap();
        old.put_pending("put", b"consent", end).await.unwrap();
        old.write(CODES, "abc", b"bob", end, code).await.unwrap();
        pass_on(&old, &new);
        for key in &keys {
            assert_eq!(access(&new, key).await, access(&old, key).await, "{key:?}");
        }
        assert!(new.peek_pending("taken").await.unwrap().is_none());
        assert_eq!(new.take_pending("put").await.unwrap().unwrap(), b"consent");
        assert_eq!(new.take(CODES, "abc").await.unwrap().unwrap().as_slice(), b"bob");

        // Once more: the next store knows the first write.
        assert!(old.late().unwrap().is_none());
        old.save(replaced, &grant("later"), of_replaced).await.unwrap();
        pass_on(&old, &new);
        assert_eq!(access(&new, replaced).await, access(&old, replaced).await);
    }

    #[tokio::test]
    async fn a_late_write_ends_when_the_next_store_has_it() {
        let old = MemoryStore::new();
        let new = next_of(&old);
        let end = SystemTime::now() + Duration::from_secs(60);
        let mut write = std::pin::pin!(old.put_pending("link", b"consent", end));
        assert!(futures::poll!(&mut write).is_pending(), "the next store does not have it");
        let late = old.late().unwrap().unwrap();
        assert!(futures::poll!(&mut write).is_pending(), "it is on its way");
        new.merge(&late).unwrap();
        old.passed_on();
        assert!(futures::poll!(&mut write).is_ready());
        assert!(new.peek_pending("link").await.unwrap().is_some());

        // A change of nothing, and one after which there is no other program.
        let mut take = std::pin::pin!(old.take_pending("other"));
        assert!(futures::poll!(&mut take).is_pending());
        assert!(old.late().unwrap().is_none());
        old.passed_on();
        assert!(futures::poll!(&mut take).is_ready());
        let mut remove = std::pin::pin!(old.take_pending("link"));
        assert!(futures::poll!(&mut remove).is_pending());
        old.abandon();
        assert!(futures::poll!(&mut remove).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_next_store_has_written_itself_stays() {
        let old = MemoryStore::new();
        let keys = ["both", "removed", "made"].map(|name| GrantKey::new("alice", name));
        let [both, removed, made] = &keys;
        let first = old.save(both, &grant("before"), Revision::ABSENT).await.unwrap();
        let of_removed = old.save(removed, &grant("before"), Revision::ABSENT).await.unwrap();
        let new = next_of(&old);
        new.save(both, &grant("of the new"), first).await.unwrap();
        new.remove(removed).await.unwrap();
        new.save(made, &grant("of the new"), Revision::ABSENT).await.unwrap();
        // Both programs write equally often, so that plain counters would be equal.
        let late = old.save(both, &grant("late"), first).await.unwrap();
        old.save(removed, &grant("late"), of_removed).await.unwrap();
        old.save(made, &grant("late"), Revision::ABSENT).await.unwrap();
        pass_on(&old, &new);
        old.save(both, &grant("later"), late).await.unwrap();
        pass_on(&old, &new);
        let of_the_new = Some(record::write(&grant("of the new")).to_vec());
        assert_eq!(access(&new, both).await, of_the_new);
        assert_eq!(access(&new, removed).await, None);
        assert_eq!(access(&new, made).await, of_the_new);
        // Nor does the new one take a late revision for its own.
        let saved = new.save(both, &grant("x"), late).await;
        assert!(matches!(saved, Err(SaveError::Conflict)));
    }

    #[tokio::test(start_paused = true)]
    async fn late_writes_reach_the_newest_program_through_those_between() {
        let old = MemoryStore::new();
        let key = GrantKey::new("alice", "forge");
        let first = old.save(&key, &grant("before"), Revision::ABSENT).await.unwrap();
        let between = next_of(&old);
        old.save(&key, &grant("late"), first).await.unwrap();
        let late = old.late().unwrap().unwrap();
        // Before its own hand-over, and after it.
        let new = next_of(&between);
        between.merge(&late).unwrap();
        pass_on(&between, &new);
        let newest = next_of(&new);
        newest.merge(&late).unwrap();
        for store in [&between, &new, &newest] {
            assert_eq!(access(store, &key).await, access(&old, &key).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_goes_on_has_no_late_writes() {
        let store = MemoryStore::new();
        store.snapshot().unwrap();
        store.resume();
        store.save(&GrantKey::new("a", "b"), &grant("c"), Revision::ABSENT).await.unwrap();
        assert!(store.late().unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn late_writes_that_cannot_be_read_change_nothing() {
        let store = MemoryStore::new();
        for late in [
            "{}",
            r#"{"grants":[{"key":{"subject":"a","provider":"b"},"known":0,"row":{"key":{"subject":"a","provider":"b"},"revision":1,"grant":"?"}}],"records":{}}"#,
            r#"{"grants":[],"records":{"":[{"key":"a","known":0,"row":{"key":"a","revision":1,"expires_at":99999999999999,"value":"?"}}]}}"#,
        ] {
            let late = RawValue::from_string(late.to_owned()).unwrap();
            assert!(store.merge(&late).is_err(), "{late}");
        }
        assert!(store.list("a").await.unwrap().is_empty());
        assert!(store.peek_pending("a").await.unwrap().is_none());
    }
}
