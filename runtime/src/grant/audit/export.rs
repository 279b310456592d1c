//! Export of the audit from a database, and removal of a person from it.

use std::time::SystemTime;

use super::{
    buffer::Stream,
    entry::{Entry, Facts},
};
use crate::{
    grant::{
        inventory::{Inventory, Place, Row},
        millis::to_millis,
        rows::{first_revision, row_id, signed},
        seal::Sealer,
        store_error::StoreError,
    },
    support::crypto,
};

/// How many times rows that change meanwhile are read again.
const MAX_ROUNDS: usize = 20;

/// Whether the records of a namespace are of the audit.
pub(crate) fn is_audit(namespace: &str) -> bool {
    Stream::ALL.iter().any(|stream| stream.namespace().name == namespace)
}

/// The rows of the audit, page by page: of each kind in the order of the database.
struct Pages<'a> {
    inventory: &'a dyn Inventory,
    streams: std::slice::Iter<'static, Stream>,
    /// The kind of the next page, and the last row before it.
    at: Option<(Stream, Vec<u8>)>,
}

impl<'a> Pages<'a> {
    fn new(inventory: &'a dyn Inventory) -> Self {
        Self { inventory, streams: Stream::ALL.iter(), at: None }
    }

    /// The next rows, and the sealer that opens and seals them. `None`: there are no more.
    async fn next(&mut self) -> Result<Option<(Sealer, Vec<Row>)>, StoreError> {
        loop {
            let next = || self.streams.next().map(|stream| (*stream, Vec::new()));
            let Some((stream, id)) = self.at.take().or_else(next) else { return Ok(None) };
            let kind = stream.namespace().name;
            let after = Place::Record { namespace: kind.to_owned(), id };
            let mut rows = self.inventory.page(Some(&after), false).await?;
            let is_of = |row: &Row| matches!(&row.place, Place::Record { namespace, .. } if namespace == kind);
            rows.truncate(rows.iter().position(|row| !is_of(row)).unwrap_or(rows.len()));
            if let Some(Row { place: Place::Record { id, .. }, .. }) = rows.last() {
                self.at = Some((stream, id.clone()));
                return Ok(Some((self.inventory.sealer().await?, rows)));
            }
        }
    }
}

/// Reads every entry, in no order. Returns how many records do not open.
pub(crate) async fn read(
    inventory: &dyn Inventory,
    mut each: impl FnMut(Entry),
) -> Result<u64, StoreError> {
    let (mut unreadable, mut pages) = (0, Pages::new(inventory));
    while let Some((sealer, rows)) = pages.next().await? {
        for row in &rows {
            let value = row.open(&sealer).ok();
            match value.and_then(|value| serde_json::from_slice::<Vec<Entry>>(&value).ok()) {
                Some(entries) => entries.into_iter().for_each(&mut each),
                None => unreadable += 1,
            }
        }
    }
    Ok(unreadable)
}

/// Replaces a person by a name that says nothing, and removes what else is theirs alone. Returns how
/// many entries there were.
pub(crate) async fn pseudonymise(
    inventory: &dyn Inventory,
    person: &str,
    pseudonym: &str,
) -> Result<u64, StoreError> {
    let mut changed = 0;
    for _ in 0..MAX_ROUNDS {
        let (mut is_done, mut pages) = (true, Pages::new(inventory));
        while let Some((sealer, rows)) = pages.next().await? {
            for row in &rows {
                let Ok(value) = row.open(&sealer) else { continue };
                let Ok(mut entries) = serde_json::from_slice::<Vec<Entry>>(&value) else {
                    continue;
                };
                let of = |entry: &&mut Entry| entry.facts.subject.as_deref() == Some(person);
                let found = entries.iter_mut().filter(of).map(|entry| {
                    let Facts { subject, account, .. } = &mut entry.facts;
                    (*subject, *account) = (Some(pseudonym.to_owned()), None);
                });
                let found = found.count() as u64;
                if found == 0 {
                    continue;
                }
                let value = serde_json::to_vec(&entries).unwrap_or_default();
                if inventory.reseal(row, row.sealed_by(&sealer, &value)).await? {
                    changed += found;
                } else {
                    is_done = false;
                }
            }
        }
        if is_done {
            break;
        }
    }
    Ok(changed)
}

/// Writes an entry into a database that has no server yet.
pub(crate) async fn append(
    inventory: &dyn Inventory,
    facts: &Facts,
    (now, until): (SystemTime, SystemTime),
) -> Result<(), StoreError> {
    let namespace = Stream::Decisions.namespace().name.to_owned();
    let mut row = Row {
        place: Place::Record { namespace, id: row_id(&crypto::random_token()) },
        sealed: Vec::new(),
        revision: first_revision(),
        expires_at: signed(to_millis(until)),
    };
    let value = format!("[{}]", facts.to_json(to_millis(now)));
    row.sealed = row.sealed_by(&inventory.sealer().await?, value.as_bytes());
    inventory.put(vec![row]).await
}
