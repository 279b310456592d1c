//! Sealing of grants under the current key, when a database is opened whose keys have changed.
//!
//! Records stay as they are until they are written or expire: they are sealed for their keys, which the
//! database does not have.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::grant::{
    inventory::notes::KEY_CHECK_VALUE, key_ring::KeyAge, rows::key_of, seal::Sealer,
};

/// How many grants are read at once.
const BATCH: i64 = 500;

type Row = (String, String, Vec<u8>);

/// Seals the grants again, in one transaction, if the database is that of a previous key.
pub(super) fn reseal(connection: &mut Connection, sealer: &Sealer) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "SELECT value FROM meta WHERE name = ?";
    let value: Option<Vec<u8>> =
        transaction.query_row(sql, [KEY_CHECK_VALUE], |row| row.get(0)).optional()?;
    let age = value.and_then(|value| sealer.recognise(&value));
    if age != Some(KeyAge::Previous) {
        return Ok(());
    }
    let (mut subject, mut provider) = (String::new(), String::new());
    loop {
        let sql = "SELECT subject, provider, sealed FROM grants \
                   WHERE (subject, provider) > (?1, ?2) AND substr(sealed, 2, 8) <> ?3 \
                   ORDER BY subject, provider LIMIT ?4";
        let rows: Vec<Row> = transaction
            .prepare(sql)?
            .query_map(params![subject, provider, sealer.key_id(), BATCH], |row| row.try_into())?
            .collect::<rusqlite::Result<_>>()?;
        for (subject, provider, value) in &rows {
            // A grant that no key opens stays as it is: reading it fails.
            let key = key_of(subject, provider);
            if let Ok(made) = key.with_place(|of| sealer.reseal("grant", of, None, value)) {
                let sql = "UPDATE grants SET sealed = ? WHERE subject = ? AND provider = ?";
                transaction.execute(sql, params![made, subject, provider])?;
            }
        }
        match rows.into_iter().next_back() {
            Some((last_subject, last_provider, _)) => {
                (subject, provider) = (last_subject, last_provider);
            }
            None => break,
        }
    }
    let sql = "UPDATE meta SET value = ? WHERE name = ?";
    transaction.execute(sql, params![sealer.check_value(), KEY_CHECK_VALUE])?;
    transaction.commit()
}
