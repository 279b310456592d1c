//! Hand-over of a store in memory to the next program, in development.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    late_writes,
    memory::{MemoryStore, Tables},
    memory_rows::{GrantRow, RecordRow},
    record_table::RecordTable,
};
use crate::support::hand_over::{self, HandOver};

/// The number of revisions that are reserved for each program. The next program begins after them, so that
/// late writes are not confused with its own.
const REVISIONS_OF_A_PROGRAM: u64 = 1 << 32;

/// The tables, without leases: the holder of a lease ends with its program.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    revision: u64,
    grants: Vec<GrantRow>,
    pending: Vec<RecordRow>,
    records: HashMap<String, Vec<RecordRow>>,
}

impl HandOver for MemoryStore {
    fn snapshot(&self) -> Result<Box<RawValue>, serde_json::Error> {
        let mut tables = self.tables();
        let grants = tables.grants.iter().map(|(key, stored)| GrantRow::of(key, stored));
        let records = tables.records.iter();
        let records = records.map(|(name, table)| (name.to_string(), RecordRow::all_of(table)));
        let written = hand_over::write(&Snapshot {
            revision: tables.revision,
            grants: grants.collect(),
            pending: RecordRow::all_of(&tables.pending),
            records: records.collect(),
        })?;
        late_writes::begin(&mut tables);
        self.passed_on.set(tables.revision);
        Ok(written)
    }

    fn restore(&self, state: &RawValue) -> Result<(), serde_json::Error> {
        let snapshot: Snapshot = hand_over::read(state)?;
        let programs = snapshot.revision / REVISIONS_OF_A_PROGRAM;
        let revision = programs.saturating_add(1).saturating_mul(REVISIONS_OF_A_PROGRAM);
        let mut restored = Tables { revision, ..Tables::default() };
        for row in snapshot.grants {
            let stored = row.read()?;
            restored.grants.insert(row.key, stored);
        }
        restored.pending = table(snapshot.pending)?;
        for (name, rows) in snapshot.records {
            restored.records.insert(name.into(), table(rows)?);
        }
        *self.tables() = restored;
        Ok(())
    }

    fn resume(&self) {
        self.tables().handed_over = None;
        self.abandon();
    }

    fn late(&self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        late_writes::take(&mut self.tables())
    }

    fn passed_on(&self) {
        if let Some(known) = &self.tables().handed_over {
            self.passed_on.set(known.revision);
        }
    }

    fn abandon(&self) {
        self.passed_on.set(u64::MAX);
    }

    fn merge(&self, late: &RawValue) -> Result<(), serde_json::Error> {
        let now = self.now();
        let changed = late_writes::merge(&mut self.tables(), late, now)?;
        for (namespace, key) in changed {
            self.wake(&namespace, &key);
        }
        Ok(())
    }
}

fn table(rows: Vec<RecordRow>) -> Result<RecordTable, serde_json::Error> {
    let mut table = RecordTable::default();
    for row in rows {
        let stored = row.read()?;
        row.insert(stored, &mut table);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::grant::{
        Grant, GrantKey, GrantStore as _, Namespace, Records as _, Revision, record,
    };

    const CODES: Namespace = Namespace::new("code", 9);

    #[tokio::test]
    async fn the_next_store_has_what_this_one_had() {
        let (old, new) = (MemoryStore::new(), MemoryStore::new());
        let (key, now) = (GrantKey::new("alice", "forge"), SystemTime::now());
        let grant = Grant::new("access", now).refresh_token("refresh");
        let revision = old.save(&key, &grant, Revision::ABSENT).await.unwrap();
        let end = now + Duration::from_secs(60);
        old.put_pending("id", b"consent", end).await.unwrap();
        let first = old.write(CODES, "abc", b"alice", end, Revision::ABSENT).await.unwrap();
        new.put_pending("other", b"x", end).await.unwrap();

        new.restore(&old.snapshot().unwrap()).unwrap();
        let stored = new.load(&key).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision);
        assert_eq!(record::write(&stored.value), record::write(&grant));
        assert_eq!(new.take_pending("id").await.unwrap().unwrap(), b"consent");
        assert!(new.take_pending("other").await.unwrap().is_none());
        let second = new.write(CODES, "abc", b"bob", end, first).await.unwrap();
        assert_ne!(first, second, "revisions go on");
        assert_eq!(new.take(CODES, "abc").await.unwrap().unwrap().as_slice(), b"bob");
    }

    #[tokio::test]
    async fn a_state_that_is_malformed_changes_nothing() {
        let store = MemoryStore::new();
        let end = SystemTime::now() + Duration::from_secs(60);
        store.put_pending("id", b"consent", end).await.unwrap();
        for state in [
            "[]",
            "{}",
            r#"{"revision":1,"grants":[{"key":{"subject":"a","provider":"b"},"revision":1,"grant":"e30="}],"pending":[],"records":{}}"#,
            r#"{"revision":1,"grants":[],"pending":[{"key":"a","revision":1,"expires_at":1,"value":"?"}],"records":{}}"#,
        ] {
            let state = RawValue::from_string(state.to_owned()).unwrap();
            assert!(store.restore(&state).is_err(), "{state}");
        }
        assert!(store.peek_pending("id").await.unwrap().is_some());
    }
}
