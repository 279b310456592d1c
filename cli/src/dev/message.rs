//! Messages between the supervisor and a program: JSON, one object a line, which both sides read
//! leniently.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;

/// Messages of a program. Parts that the supervisor only passes on are not parsed: they contain
/// secrets.
pub(super) enum FromProgram {
    Hello,
    /// What every later program needs.
    Keep(Box<RawValue>),
    /// The configuration is built, and no connection is accepted yet.
    Built {
        url: Option<String>,
        tools: Option<Box<RawValue>>,
    },
    /// It accepts connections.
    Ready {
        inspector: Option<String>,
        changes: Changes,
    },
    /// It accepts no connections any more.
    State(Option<Box<RawValue>>),
    /// What has changed in memory since then.
    Late(Box<RawValue>),
    /// It has taken over what another program said to be late.
    Merged,
    Unknown,
}

/// How the tools differ from those of the program before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Changes {
    pub(super) text: String,
    pub(super) tools_changed: bool,
}

#[derive(Deserialize)]
struct Line {
    r#type: String,
    kept: Option<Box<RawValue>>,
    url: Option<String>,
    tools: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
    inspector: Option<String>,
    #[serde(default)]
    changes: Changes,
}

impl FromProgram {
    pub(super) fn parse(line: &[u8]) -> Self {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return Self::Unknown };
        match (&*line.r#type, line.kept, line.state) {
            ("hello", ..) => Self::Hello,
            ("keep", Some(kept), _) => Self::Keep(kept),
            ("built", ..) => Self::Built { url: line.url, tools: line.tools },
            ("ready", ..) => Self::Ready { inspector: line.inspector, changes: line.changes },
            ("state", _, state) => Self::State(state),
            ("late", _, Some(state)) => Self::Late(state),
            ("merged", ..) => Self::Merged,
            _ => Self::Unknown,
        }
    }
}

/// Messages of the supervisor.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToProgram<'a> {
    /// `announce`: print where hosts and people find the server.
    Welcome {
        version: u32,
        announce: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        kept: Option<&'a RawValue>,
    },
    Accept {
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tools_before: Option<&'a RawValue>,
    },
    HandOver,
    Resume,
    Drain {
        tools_changed: bool,
    },
    /// What a program before this one has changed since it handed over.
    Late {
        state: &'a RawValue,
    },
    /// The program that serves has what this one said to be late.
    Merged,
    Build(&'a BuildReport),
    Reload {
        what: &'a str,
        files: &'a [String],
    },
}

impl ToProgram<'_> {
    pub(super) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("texts and numbers");
        line.push('\n');
        line
    }
}

/// What became of the last build.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct BuildReport {
    /// `building`, `failed`, `served` or `crashed`.
    pub(super) state: &'static str,
    /// Milliseconds since 1970.
    pub(super) at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changed: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) rendered: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A message of the compiler.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Diagnostic {
    pub(super) level: String,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<u64>,
    pub(super) rendered: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_passed_on_unchanged() {
        let line = br#"{"type":"state","state":{"n":18446744073709551616, "b":[1.0]},"newer":1}"#;
        let FromProgram::State(Some(state)) = FromProgram::parse(line) else { panic!() };
        let accept = ToProgram::Accept { state: Some(&state), tools_before: None }.line();
        assert_eq!(
            accept,
            "{\"type\":\"accept\",\"state\":{\"n\":18446744073709551616, \"b\":[1.0]}}\n"
        );
        let late = br#"{"type":"late","state":{"b":[1.0]}}"#;
        let FromProgram::Late(state) = FromProgram::parse(late) else { panic!() };
        let passed_on = ToProgram::Late { state: &state }.line();
        assert_eq!(passed_on, "{\"type\":\"late\",\"state\":{\"b\":[1.0]}}\n");
        let merged = FromProgram::parse(br#"{"type":"merged"}"#);
        assert!(matches!(merged, FromProgram::Merged));
        assert_eq!(ToProgram::Merged.line(), "{\"type\":\"merged\"}\n");
        let unknown = ["{}", r#"{"type":"newer"}"#, r#"{"type":"keep"}"#, r#"{"type":"late"}"#];
        for unknown in unknown.into_iter().chain(["no JSON"]) {
            assert!(matches!(FromProgram::parse(unknown.as_bytes()), FromProgram::Unknown));
        }
        let ready = br#"{"type":"ready","changes":{"text":"+ tool a","tools_changed":true}}"#;
        let FromProgram::Ready { inspector: None, changes } = FromProgram::parse(ready) else {
            panic!()
        };
        assert!(changes.tools_changed);
    }
}
