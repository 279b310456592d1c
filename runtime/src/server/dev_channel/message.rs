//! Messages of the channel: one JSON object a line. Unknown members and types are ignored.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{changes::Changes, identity::DevIdentity};

/// The version of the messages.
pub(super) const VERSION: u32 = 1;

/// What a program says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    /// A program that has connected.
    Hello { version: u32, pid: u32, name: &'a str },
    /// What each later program gets before it is built.
    Keep { kept: &'a DevIdentity },
    /// All is built, and nothing is accepted yet.
    Built { url: &'a str, tools: &'a [Value], stand_ins: Vec<StandInPlace<'a>> },
    /// It accepts connections.
    Ready {
        #[serde(skip_serializing_if = "Option::is_none")]
        inspector: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        changes: Option<&'a Changes>,
    },
    /// What is in memory, for the program that takes over.
    State { state: &'a RawValue },
    /// What its calls have changed in memory since then.
    Late { state: &'a RawValue },
    /// It has taken over what such calls of a program before it have changed.
    Merged,
}

/// Where a stand-in of a provider is.
#[derive(Serialize)]
pub(super) struct StandInPlace<'a> {
    pub(super) provider: &'a str,
    pub(super) url: &'a str,
}

/// What the supervisor says.
#[derive(Debug)]
#[cfg_attr(not(feature = "inspector"), allow(dead_code, reason = "there is no page"))]
pub(super) enum Heard {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// It is the program's turn.
    Accept(Accept),
    /// A new program is built.
    HandOver,
    /// The new program failed.
    Resume,
    /// The new program accepts.
    Drain(Drain),
    /// What calls of a program before this one have changed since it handed over.
    Late(Late),
    /// The program that serves has what was said to be late.
    Merged,
    /// How the build goes, for the inspector as it is.
    Build(Box<RawValue>),
    /// Files were written that need no build.
    Reload(Box<RawValue>),
    Unknown,
}

#[derive(Debug, Deserialize)]
pub(super) struct Welcome {
    /// What an earlier program kept.
    pub(super) kept: Option<Box<RawValue>>,
    /// Whether the program prints where it is.
    #[serde(default = "yes")]
    pub(super) announce: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub(super) struct Accept {
    /// The state of the program before this one.
    pub(super) state: Option<Box<RawValue>>,
    /// Its tools.
    pub(super) tools_before: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Drain {
    /// Whether the new program has other tools.
    #[serde(default)]
    pub(super) tools_changed: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Late {
    pub(super) state: Box<RawValue>,
}

impl Heard {
    /// Reads a line. In two steps, because the raw values of a tagged enum cannot be read in one.
    pub(super) fn read(line: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Tag {
            r#type: String,
        }

        let Tag { r#type } = serde_json::from_slice(line)?;
        Ok(match &*r#type {
            "welcome" => Self::Welcome(serde_json::from_slice(line)?),
            "accept" => Self::Accept(serde_json::from_slice(line)?),
            "hand_over" => Self::HandOver,
            "resume" => Self::Resume,
            "drain" => Self::Drain(serde_json::from_slice(line)?),
            "late" => Self::Late(serde_json::from_slice(line)?),
            "merged" => Self::Merged,
            "build" => Self::Build(serde_json::from_slice(line)?),
            "reload" => Self::Reload(serde_json::from_slice(line)?),
            _ => Self::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_have_the_names_that_the_supervisor_knows() {
        let hello = Said::Hello { version: VERSION, pid: 7, name: "board" };
        let expected = json!({ "type": "hello", "version": 1, "pid": 7, "name": "board" });
        assert_eq!(serde_json::to_value(hello).unwrap(), expected);
        let ready = Said::Ready { inspector: None, changes: None };
        assert_eq!(serde_json::to_value(ready).unwrap(), json!({ "type": "ready" }));
    }

    #[test]
    fn unknown_members_and_messages_are_ignored() {
        let read = |text: &str| Heard::read(text.as_bytes());
        assert!(matches!(read(r#"{"type":"sing"}"#), Ok(Heard::Unknown)));
        assert!(matches!(read(r#"{"type":"resume","why":1}"#), Ok(Heard::Resume)));
        assert!(matches!(read(r#"{"type":"merged"}"#), Ok(Heard::Merged)));
        assert_eq!(serde_json::to_value(Said::Merged).unwrap(), json!({ "type": "merged" }));
        let drain = read(r#"{"type":"drain","tools_changed":true}"#);
        assert!(matches!(drain, Ok(Heard::Drain(Drain { tools_changed: true }))));
        let accept = read(r#"{"type":"accept","state":{"version":1,"parts":{"a":[1]}}}"#);
        let is_accept = |accept: &Accept| accept.state.is_some() && accept.tools_before.is_none();
        assert!(matches!(accept, Ok(Heard::Accept(accept)) if is_accept(&accept)));
        assert!(read("{}").is_err() && read(r#"{"type":"accept","state":"#).is_err());
    }
}
