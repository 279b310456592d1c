//! Saved calls: files of the project, each a call with the outcome that is expected of it.

use std::{
    collections::HashMap,
    fs, io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::mcp::saved_call::{CallFile, Expectation, SUFFIX};

/// The most calls that are read.
const MAX_CALLS: usize = 200;

/// The largest file, in bytes.
const MAX_CALL_BYTES: u64 = 256 << 10;

/// The longest name.
const MAX_NAME_LEN: usize = 61;

/// A call as the page has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct SavedCall {
    pub(super) name: String,
    pub(super) tool: String,
    #[serde(default)]
    pub(super) person: Option<String>,
    /// The arguments as JSON.
    pub(super) arguments: String,
    pub(super) expect: Expectation,
    #[serde(default, skip_serializing_if = "Option::is_none", skip_deserializing)]
    last: Option<LastRun>,
}

/// How a call ended when it was run last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LastRun {
    pub(super) passed: bool,
    pub(super) note: String,
}

/// The calls in one directory.
pub(super) struct SavedCalls {
    directory: PathBuf,
    last: Mutex<HashMap<String, LastRun>>,
}

impl SavedCalls {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, last: Mutex::default() }
    }

    /// The calls that can be read, by their names.
    pub(super) fn all(&self) -> Vec<SavedCall> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let name_of = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(SUFFIX).map(str::to_owned)
        };
        let mut names: Vec<_> = entries.filter_map(|entry| name_of(entry.ok()?)).collect();
        names.sort_unstable();
        names.truncate(MAX_CALLS);
        names.iter().filter_map(|name| self.get(name).ok()).collect()
    }

    /// The error is a sentence.
    pub(super) fn get(&self, name: &str) -> Result<SavedCall, String> {
        let path = self.path(name)?;
        let unreadable =
            |error: io::Error| format!("calls/{name}{SUFFIX} cannot be read: {error}.");
        if fs::metadata(&path).map_err(unreadable)?.len() > MAX_CALL_BYTES {
            return Err(format!("calls/{name}{SUFFIX} is too large."));
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let file: CallFile = serde_json::from_str(&text)
            .map_err(|error| format!("calls/{name}{SUFFIX} is no saved call: {error}."))?;
        Ok(SavedCall {
            name: name.to_owned(),
            tool: file.tool,
            person: file.person,
            arguments: file.arguments.get().to_owned(),
            expect: file.expect,
            last: self.lock().get(name).cloned(),
        })
    }

    pub(super) fn save(&self, call: SavedCall) -> Result<(), String> {
        let path = self.path(&call.name)?;
        let arguments = RawValue::from_string(call.arguments)
            .map_err(|error| format!("The arguments are not JSON: {error}."))?;
        let file =
            CallFile { tool: call.tool, person: call.person, arguments, expect: call.expect };
        let text = serde_json::to_string_pretty(&file).map_err(|error| error.to_string())?;
        if text.len() as u64 > MAX_CALL_BYTES {
            return Err("The call is too large to be saved.".to_owned());
        }
        let written =
            fs::create_dir_all(&self.directory).and_then(|()| fs::write(path, text + "\n"));
        written
            .map_err(|error| format!("{} cannot be written: {error}.", self.directory.display()))?;
        self.lock().remove(&call.name);
        Ok(())
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), String> {
        self.lock().remove(name);
        fs::remove_file(self.path(name)?)
            .map_err(|error| format!("calls/{name}{SUFFIX} cannot be removed: {error}."))
    }

    pub(super) fn set_last(&self, name: &str, last: LastRun) {
        self.lock().insert(name.to_owned(), last);
    }

    pub(super) fn last_runs(&self) -> HashMap<String, LastRun> {
        self.lock().clone()
    }

    /// Goes on with the runs of the program before this one.
    pub(super) fn restore(&self, last_runs: HashMap<String, LastRun>) {
        self.lock().extend(last_runs);
    }

    /// The file of a call, whose name leads to no other directory.
    fn path(&self, name: &str) -> Result<PathBuf, String> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = name.len() <= MAX_NAME_LEN
            && name.bytes().next().is_some_and(is_word)
            && name.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'));
        if !is_name {
            return Err("A name has letters, digits, `_`, `.` and `-`, and begins with one of the first three.".to_owned());
        }
        Ok(self.directory.join(format!("{name}{SUFFIX}")))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, LastRun>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str) -> SavedCall {
        SavedCall {
            name: name.to_owned(),
            tool: "list_issues".to_owned(),
            person: Some("alice".to_owned()),
            arguments: r#"{"id":12345678901234567890123}"#.to_owned(),
            expect: Expectation { outcome: "result".to_owned(), result: None },
            last: None,
        }
    }

    #[test]
    fn a_call_is_kept_with_all_digits() {
        let directory = tempfile::tempdir().unwrap();
        let calls = SavedCalls::new(directory.path().join("calls"));
        assert!(calls.all().is_empty());
        calls.save(call("first")).unwrap();
        let read = calls.get("first").unwrap();
        assert_eq!(read.arguments, r#"{"id":12345678901234567890123}"#);
        assert_eq!((&*read.tool, read.person.as_deref()), ("list_issues", Some("alice")));
        calls.set_last("first", LastRun { passed: true, note: String::new() });
        assert!(calls.all()[0].last.as_ref().is_some_and(|last| last.passed));
        calls.remove("first").unwrap();
        assert!(calls.all().is_empty() && calls.remove("first").is_err());
    }

    #[test]
    fn a_name_leads_to_no_other_directory() {
        let directory = tempfile::tempdir().unwrap();
        let calls = SavedCalls::new(directory.path().join("calls"));
        let long = "x".repeat(MAX_NAME_LEN + 1);
        for name in ["", "..", "../a", ".a", "a/b", "a\\b", "-a", "a b", "ä", "a\0", &long] {
            assert!(calls.save(call(name)).is_err(), "{name}");
            assert!(calls.get(name).is_err() && calls.remove(name).is_err(), "{name}");
        }
        assert!(calls.save(SavedCall { arguments: "{".to_owned(), ..call("a") }).is_err());
    }
}
