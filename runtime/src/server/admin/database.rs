//! The database as a whole: verified, and sealed under the current key.

use serde_json::json;

use super::output::{Output, shown};
use crate::{
    error::Result,
    grant::inventory::{
        Inventory, Place,
        check::{self, Resealing},
        notes::forget_previous_key,
    },
};

/// How often a sealing is repeated for rows that change meanwhile.
const MAX_ROUNDS: usize = 20;

/// How many rows there are between two lines of progress.
const PROGRESS_ROWS: u64 = 50_000;

/// Opens every row. Returns whether all of them open.
pub(super) async fn verify(inventory: &dyn Inventory, output: &Output) -> Result<bool> {
    let found = check::verify(inventory, |rows| {
        if rows % PROGRESS_ROWS == 0 {
            output.progress(&format!("{rows} rows"));
        }
    });
    let found = found.await?;
    for (place, error) in &found.named {
        let (kind, whose) = match place {
            Place::Grant { subject, provider } => (provider.as_str(), Some(subject.as_str())),
            Place::Record { namespace, .. } => (namespace.as_str(), None),
        };
        let text = match whose {
            Some(person) => format!("grant of {} at {}: {error}", shown(person), shown(kind)),
            None => format!("record {}: {error}", shown(kind)),
        };
        let json = json!({ "fault": error.to_string(), "person": whose, "kind": kind });
        output.line(&text, &json);
    }
    for (kind, rows) in &found.sound {
        output.line(&format!("{rows} of {}", shown(kind)), &json!({ "kind": kind, "rows": rows }));
    }
    for (key, rows) in &found.keys {
        let text = format!("{rows} rows sealed by the key {key}");
        output.line(&text, &json!({ "key": key, "rows": rows }));
    }
    let (faults, older) = (found.faults, found.older);
    let text = match (faults, older) {
        (0, 0) => "every row opens".to_owned(),
        (0, older) => format!(
            "every row opens, except {older} records that an earlier version wrote: they open only with keys that the database does not have, and they expire"
        ),
        (faults, _) => format!("{faults} rows do not open"),
    };
    output.line(&text, &json!({ "faults": faults, "older": older }));
    Ok(faults == 0)
}

/// Seals all rows under the current key. Returns whether it has.
pub(super) async fn rotate_keys(inventory: &dyn Inventory, output: &Output) -> Result<bool> {
    let mut total = Resealing::default();
    for _ in 0..MAX_ROUNDS {
        let done = check::reseal(inventory, |done| {
            if done.rows % PROGRESS_ROWS == 0 {
                output.progress(&format!("{} rows, {} sealed again", done.rows, done.resealed));
            }
        });
        let done = done.await?;
        total.resealed += done.resealed;
        total = Resealing { resealed: total.resealed, ..done };
        if done.resealed == 0 && done.changed == 0 {
            // The server's own pass may still wait for its turn when this process ends.
            forget_previous_key(inventory, &inventory.sealer().await?).await?;
            break;
        }
    }
    let Resealing { rows, resealed, changed, unreadable } = total;
    let rest = match (changed, unreadable) {
        (0, 0) => "all rows are sealed under the current key".to_owned(),
        (0, left) => format!(
            "{left} rows are opened by no key, or by their users alone: they are left as they are; keep the key before for as long as they last"
        ),
        (left, _) => format!("{left} rows changed meanwhile: run this again"),
    };
    output.line(
        &format!("{rows} rows, {resealed} sealed again; {rest}"),
        &json!({ "rows": rows, "resealed": resealed, "changed": changed, "unreadable": unreadable }),
    );
    Ok(changed == 0)
}
