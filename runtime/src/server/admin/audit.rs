//! Export of the audit.

use serde::Serialize;

use super::{
    arguments::Selection,
    output::{Output, shown},
};
use crate::{
    error::Result,
    grant::{
        audit::{
            entry::{Entry, Facts},
            export,
        },
        inventory::Inventory,
        millis::to_millis,
    },
    support::rfc3339::format_millis,
};

/// How many entries are put in order.
const MAX_SORTED: usize = 200_000;

/// An entry as it is exported.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    facts: &'a Facts,
}

/// Prints the entries that are selected, in the order of their times, and returns how many there are.
/// More than [`MAX_SORTED`] entries are printed in the order of the database; `sort` puts the lines in
/// order.
pub(super) async fn run(
    inventory: &dyn Inventory,
    selection: &Selection,
    output: &Output,
) -> Result<u64> {
    let (mut waiting, mut printed, mut is_sorted) = (Vec::new(), 0_u64, true);
    let (since, until) = (selection.since.map(to_millis), selection.until.map(to_millis));
    let is_wanted = |entry: &Entry| {
        since.is_none_or(|since| entry.at >= since)
            && until.is_none_or(|until| entry.at < until)
            && (selection.subject.is_none() || entry.facts.subject == selection.subject)
    };
    let unreadable = export::read(inventory, |entry| {
        if !is_wanted(&entry) {
            return;
        }
        printed += 1;
        waiting.push(entry);
        if waiting.len() > MAX_SORTED {
            is_sorted = false;
            for entry in waiting.drain(..) {
                print(&entry, output);
            }
        }
    });
    let unreadable = unreadable.await?;
    waiting.sort_by_key(|entry| entry.at);
    for entry in &waiting {
        print(entry, output);
    }
    if !is_sorted {
        output.progress(&format!("there are more than {MAX_SORTED} entries, so they are not sorted by time: pipe the output through `sort`, or select fewer with `--since` and `--until`"));
    }
    if unreadable > 0 {
        output.progress(&format!("{unreadable} records do not open: `admin verify` says why"));
    }
    if printed == 0 {
        output.progress(&format!("there are no such entries in {}", shown(&inventory.name())));
    }
    Ok(printed)
}

fn print(entry: &Entry, output: &Output) {
    let line = Line { time: format_millis(entry.at), facts: &entry.facts };
    if let Ok(json) = serde_json::to_string(&line) {
        output.json_line(&json);
    }
}
