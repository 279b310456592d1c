//! Migration from SQLite to PostgreSQL, while servers run.

use std::{sync::Arc, time::SystemTime};

use serde_json::json;

use super::{arguments::Mode, output::Output};
use crate::{
    error::{Error, Result},
    grant::{
        KeySource, Store,
        audit::{
            entry::{AuditEvent, Facts},
            export,
        },
        inventory::relocation::{Pass, Relocation, Step},
    },
};

/// How many rows there are between two lines of progress.
const PROGRESS_ROWS: u64 = 50_000;

pub(super) async fn run(
    (from, to): (&str, &str),
    source: Option<Arc<dyn KeySource>>,
    mode: Mode,
    (now, until): (SystemTime, Option<SystemTime>),
    output: &Output,
) -> Result<()> {
    let (from, to) = Store::open_for_relocation(from, to, source).await?;
    let relocation = Relocation { from, to };
    if mode == Mode::Cancel {
        relocation.cancel().await.map_err(Error::internal)?;
        let text = "the source is open again: servers go on with it; what was copied is of no use, and another migration brings it up to date";
        output.line(text, &json!({ "step": "cancelled" }));
        return Ok(());
    }
    let mut seen = 0;
    let mut watch = |step: Step| {
        match step {
        Step::Copying(pass) => {
            if pass.rows / PROGRESS_ROWS > seen / PROGRESS_ROWS {
                output.progress(&format!("{} rows looked at, {} copied", pass.rows, pass.copied));
            }
            seen = pass.rows;
        }
        Step::Passed(pass) => output.line(
            &format!("{} rows, {} copied, {} removed", pass.rows, pass.copied, pass.removed),
            &json!({ "step": "pass", "rows": pass.rows, "copied": pass.copied, "removed": pass.removed }),
        ),
        Step::Waiting { leases } => {
            if seen != u64::MAX {
                output.progress(&format!("no refresh begins any more, and {leases} are under way"));
            }
            seen = u64::MAX;
        }
        Step::Closed => {
            output.line("the source takes no more writes", &json!({ "step": "closed" }));
        }
    }
    };
    let mut pass = relocation.prepare(&mut watch).await.map_err(Error::internal)?;
    if mode == Mode::Whole {
        pass = relocation.finish(&mut watch).await.map_err(Error::internal)?;
        if let Some(until) = until {
            let facts = Facts::new(AuditEvent::StoreMigrated).count(pass.rows);
            let facts = Facts { by: Some("operator".into()), ..facts };
            export::append(&*relocation.to, &facts, (now, until)).await?;
        }
    }
    report(pass, mode, output);
    Ok(())
}

fn report(pass: Pass, mode: Mode, output: &Output) {
    if pass.unreadable > 0 {
        let text = format!(
            "{} rows cannot be opened without what their users have, or at all, and stay behind: `admin verify` says which",
            pass.unreadable
        );
        output.line(&text, &json!({ "step": "left_behind", "rows": pass.unreadable }));
    }
    let (text, step) = if mode == Mode::Prepare {
        (
            "prepared: servers go on with the source. Run this again without `--prepare` to close it; that takes as long as the changes since",
            "prepared",
        )
    } else {
        (
            "done. Start the servers with TOOLGATE_STORE naming the target, and the key of the source in TOOLGATE_KEY or TOOLGATE_KEY_FILE, and end those at the source: they answer with the access tokens that they have, and renew none. To go back before a server has used the target: `--cancel`",
            "done",
        )
    };
    output.line(text, &json!({ "step": step }));
}
