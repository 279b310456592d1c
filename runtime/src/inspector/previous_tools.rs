//! Tools of the start before this one, of which the page shows what has changed.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::tools;
use crate::mcp::dispatch::Dispatch;

/// The file in the server's data directory.
const FILE: &str = "inspector-tools.json";

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 8 << 20;

/// Keeps the tools of this start, and returns those of the last one that had others.
pub(super) fn replace(directory: &Path, dispatch: &Dispatch, started_at: u64) -> Option<Value> {
    let path = directory.join(FILE);
    let kept: Option<Value> = fs::metadata(&path)
        .ok()
        .filter(|metadata| metadata.len() <= MAX_FILE_BYTES)
        .and_then(|_| serde_json::from_slice(&fs::read(&path).ok()?).ok());
    let tools = Value::Array(tools::all(dispatch));
    let (mut before, is_same) = match &kept {
        Some(kept) => (kept["current"].clone(), kept["current"]["tools"] == tools),
        None => (Value::Null, false),
    };
    if is_same {
        // A restart without a change still shows what the last change was.
        before = kept.map(|kept| kept["before"].clone()).unwrap_or_default();
    } else {
        let current = json!({ "at": started_at, "tools": tools });
        let written = json!({ "before": before, "current": current });
        let _ = fs::create_dir_all(directory);
        if let Err(error) = fs::write(&path, written.to_string()) {
            tracing::debug!(target: "toolgate::server", %error, "the tools are not kept for the next start");
        }
    }
    before["tools"].is_array().then_some(before)
}
