//! Verification of a database, and sealing of all its rows under the current key.

use std::collections::BTreeMap;

use super::{Inventory, Place, Row};
use crate::grant::{seal::Sealer, store_error::StoreError, unseal_error::UnsealError};

/// The most rows that a report names.
const MAX_NAMED: usize = 100;

/// What a verification has found.
#[derive(Debug, Default)]
pub(crate) struct Verification {
    /// How many rows of each kind open.
    pub(crate) sound: BTreeMap<String, u64>,
    /// How many rows each key has sealed, by the key's identifier in hexadecimal digits.
    pub(crate) keys: BTreeMap<String, u64>,
    /// How many records an earlier version has sealed. Each opens only with the key of its record,
    /// which the database does not have.
    pub(crate) older: u64,
    /// How many rows do not open.
    pub(crate) faults: u64,
    /// The first of them, and why.
    pub(crate) named: Vec<(Place, UnsealError)>,
}

/// Opens every row.
pub(crate) async fn verify(
    inventory: &dyn Inventory,
    mut progress: impl FnMut(u64),
) -> Result<Verification, StoreError> {
    let (mut found, mut after, mut rows) = (Verification::default(), None, 0);
    loop {
        let page = inventory.page(after.as_ref(), false).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.place.clone());
        let sealer = inventory.sealer().await?;
        for row in &page {
            found.add(&sealer, row);
        }
        rows += page.len() as u64;
        progress(rows);
    }
}

impl Verification {
    fn add(&mut self, sealer: &Sealer, row: &Row) {
        *self.keys.entry(key_id(&row.sealed)).or_default() += 1;
        let opened = match row.grant(sealer) {
            Some(grant) => grant.map(drop),
            None => row.open(sealer).map(drop),
        };
        match opened {
            Ok(()) => *self.sound.entry(row.place.kind().to_owned()).or_default() += 1,
            // An earlier version sealed a record for its key instead of its row.
            Err(UnsealError::Damaged) if row.place.grant().is_none() && row.expires_at > 0 => {
                self.older += 1;
            }
            Err(error) => {
                self.faults += 1;
                if self.named.len() < MAX_NAMED {
                    self.named.push((row.place.clone(), error));
                }
            }
        }
    }
}

/// The identifier of the key that has sealed a value, in hexadecimal digits.
pub(crate) fn key_id(sealed: &[u8]) -> String {
    use std::fmt::Write as _;

    let id = sealed.get(1..9).unwrap_or_default();
    id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a sealing of all rows has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resealing {
    pub(crate) rows: u64,
    pub(crate) resealed: u64,
    /// Rows that were written meanwhile, under the current key or not.
    pub(crate) changed: u64,
    /// Rows that no key opens, and records of an earlier version.
    pub(crate) unreadable: u64,
}

/// Seals every row that another key has sealed. A row that changes meanwhile is left, and a second run
/// finds it. It may be stopped at any time: what is sealed stays so.
pub(crate) async fn reseal(
    inventory: &dyn Inventory,
    mut progress: impl FnMut(&Resealing),
) -> Result<Resealing, StoreError> {
    let (mut done, mut after) = (Resealing::default(), None);
    loop {
        let page = inventory.page(after.as_ref(), false).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.place.clone());
        let sealer = inventory.sealer().await?;
        for row in &page {
            done.rows += 1;
            if row.sealed.get(1..9) == Some(&sealer.key_id()[..]) {
                continue;
            }
            let Ok(value) = row.open(&sealer) else {
                done.unreadable += 1;
                continue;
            };
            if inventory.reseal(row, row.sealed_by(&sealer, &value)).await? {
                done.resealed += 1;
            } else {
                done.changed += 1;
            }
        }
        progress(&done);
    }
}
