//! A type of the application as the result of a tool, by itself and in a `Result`.

use toolgate::{
    outcome::{IntoToolResult, ToolResult},
    prelude::*,
};

struct Report(u32);

impl IntoToolResult for Report {
    fn into_tool_result(self) -> ToolResult {
        Json(self.0).into_tool_result()
    }
}

/// Reports.
#[tool]
async fn report() -> Report {
    Report(1)
}

/// Reports, or fails.
#[tool]
async fn try_report(number: u32) -> Result<Report, std::num::ParseIntError> {
    Ok(Report("1".parse::<u32>()? + number))
}

type Outcome = Result<Report>;

/// Reports, with an alias as its result.
#[tool]
async fn report_by_alias() -> Outcome {
    Ok(Report(2))
}

pub fn main() {
    let _ = tools![report, try_report, report_by_alias];
}
