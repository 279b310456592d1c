//! Report as JSON.

use serde_json::json;

use super::entries;
use crate::check::finding::{Report, Severity};

pub(super) fn render(report: &Report) -> String {
    let document = json!({
        "target": report.target,
        "examined": report.ended.is_none(),
        "faults": report.count(Severity::Fault),
        "warnings": report.count(Severity::Warning),
        "findings": entries(report),
    });
    format!("{document:#}\n")
}
