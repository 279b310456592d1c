//! A message, read once, before rmcp reads it: what is asked, by which name, with which arguments.
//!
//! What a gate decides by must be what is run. rmcp compares the `Mcp-Name` header with the body in
//! one era only, and keeps arguments as a map in which the last of two equal names wins; so names
//! are taken from here, and the raw text of the arguments goes on beside the request.

use std::borrow::Cow;

use serde::{Deserialize, de::MapAccess};
use serde_json::{Value, value::RawValue};

use super::{
    params::{Meta, Params},
    strict_object::{Clear, Members, Sound},
};
use crate::mcp::request::RawArguments;

/// What stands around the parameters.
#[derive(Default)]
pub(crate) struct Envelope<'a> {
    jsonrpc: Text<'a>,
    pub(crate) id: Option<&'a RawValue>,
    method: Text<'a>,
    params: Clear<Params<'a>>,
    /// Those of an answer, which a request has not.
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

// Borrowed only where nothing is escaped; `"tools\/call"` is the same method.
#[derive(Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The names of its members, each a bit.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
pub(crate) enum Member {
    Jsonrpc = 1,
    Id = 2,
    Method = 4,
    Params = 8,
    Result = 16,
    Error = 32,
    #[serde(other)]
    Other = 0,
}

impl<'a> Members<'a> for Envelope<'a> {
    type Name = Member;

    fn bit(name: Member) -> u8 {
        name as u8
    }

    fn take<A: MapAccess<'a>>(&mut self, name: Member, map: &mut A) -> Result<(), A::Error> {
        match name {
            Member::Jsonrpc => self.jsonrpc = map.next_value()?,
            Member::Id => self.id = map.next_value()?,
            Member::Method => self.method = map.next_value()?,
            Member::Params => self.params = map.next_value()?,
            Member::Result => self.result = map.next_value()?,
            Member::Error => self.error = map.next_value()?,
            Member::Other => _ = map.next_value::<Sound>()?,
        }
        Ok(())
    }
}

/// The parameters of a `tools/call`.
pub(crate) struct CallParams<'e, 'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) arguments: Option<&'a RawValue>,
    pub(crate) meta: Option<&'e Meta<'a>>,
    /// It answers to an earlier `input_required`.
    pub(crate) retries: bool,
    /// It names a URI, which is for other messages, and which nobody has looked at.
    pub(crate) names_uri: bool,
}

/// Why a message is not handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NotJson,
    Batch,
    NotAMessage,
}

impl<'a> Envelope<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, Fault> {
        // Looked at once for all of its texts.
        let text = std::str::from_utf8(message).map_err(|_| Fault::NotJson)?;
        let read = serde_json::from_str::<Clear<Self>>(text).ok();
        read.and_then(|envelope| envelope.0).ok_or_else(|| match Fault::inside(message) {
            Fault::NotAMessage if message.trim_ascii_start().starts_with(b"[") => Fault::Batch,
            fault => fault,
        })
    }

    /// What is asked.
    pub(crate) fn method(&self) -> &str {
        &self.method.0
    }

    /// The identifier, as an answer repeats it: `null` where it is none.
    pub(crate) fn id(&self) -> Value {
        let id = self.id.and_then(|id| serde_json::from_str(id.get()).ok());
        id.filter(|id: &Value| id.is_string() || id.is_number()).unwrap_or_default()
    }

    /// Is it a request and nothing else besides?
    pub(crate) fn is_request(&self) -> bool {
        self.jsonrpc.0 == "2.0" && self.result.is_none() && self.error.is_none()
    }

    /// The URI, if this is a `resources/read`.
    pub(crate) fn reads(&self) -> Option<Cow<'a, str>> {
        let params = self.params.0.as_ref().filter(|_| self.method() == "resources/read")?;
        params.uri.and_then(text)
    }

    /// Do the parameters say nothing but of which revision they are, and that soundly?
    pub(crate) fn asks_for_first_page(&self) -> bool {
        self.params.0.as_ref().is_some_and(|params| {
            let Params { name, uri, arguments, meta, retries, more } = params;
            (name.is_none() && uri.is_none() && arguments.is_none() && !retries && !more)
                && meta.0.as_ref().is_some_and(|meta| meta.fits() && !meta.listens())
        })
    }

    /// The parameters, if this is a `tools/call`; `Err` if they have the wrong shape.
    pub(crate) fn call(&self) -> Option<Result<CallParams<'_, 'a>, ()>> {
        if self.method() != "tools/call" {
            return None;
        }
        let call = self.params.0.as_ref().and_then(|params| {
            let (arguments, meta) = (params.arguments, params.meta.0.as_ref());
            let name = params.name.and_then(text)?;
            let (retries, names_uri) = (params.retries, params.uri.is_some());
            Some(CallParams { name, arguments, meta, retries, names_uri })
        });
        Some(call.ok_or(()))
    }
}

/// The value, if it is a text.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let written = value.get();
    match written.strip_prefix('"')?.strip_suffix('"') {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(written).ok().map(Cow::Owned),
    }
}

impl Fault {
    /// What is wrong with a message that looked like one from the outside.
    pub(crate) fn inside(message: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(message) {
            Ok(_) => Self::NotAMessage,
            Err(_) => Self::NotJson,
        }
    }

    /// JSON-RPC's code, and what to say.
    pub(crate) fn words(self) -> (i32, &'static str) {
        match self {
            Self::NotJson => (-32700, "the message is not JSON"),
            Self::Batch => (-32600, "one message at a time: batches are not part of MCP"),
            Self::NotAMessage => (-32600, "the message is not JSON-RPC, or names a member twice"),
        }
    }
}

/// The raw arguments of `message`, if it is a call that has any.
///
/// A message that is not understood here is rmcp's to refuse.
pub(crate) fn raw_arguments(message: &[u8]) -> Option<RawArguments> {
    let envelope = Envelope::read(message).ok()?;
    let arguments = envelope.call()?.ok()?.arguments?;
    Some(RawArguments(arguments.to_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::{Envelope, Fault, raw_arguments};

    #[test]
    fn keeps_what_a_map_would_lose() {
        let raw =
            |message: &str| raw_arguments(message.as_bytes()).map(|raw| raw.0.get().to_owned());
        assert_eq!(
            raw(r#"{"method":"tools\/call","params":{"name":"t","arguments":{"a":1,"a":2}}}"#)
                .as_deref(),
            Some(r#"{"a":1,"a":2}"#),
        );
        assert_eq!(raw(r#"{"method":"tools/list","params":{"arguments":{}}}"#), None);
        assert_eq!(raw(r#"{"method":"tools/call","params":[]}"#), None);
        assert_eq!(raw("["), None);
    }

    #[test]
    fn a_name_that_is_given_twice_is_no_name() {
        let fault = |message: &'static str| Envelope::read(message.as_bytes()).err();
        assert_eq!(fault(r#"{"method":"ping","method":"tools/call"}"#), Some(Fault::NotAMessage));
        assert_eq!(fault(r#"{"method":"a","params":{},"params":{}}"#), Some(Fault::NotAMessage));
        assert_eq!(fault(r#"{"method":7}"#), Some(Fault::NotAMessage));
        assert_eq!(fault(r#"[{"method":"ping"}]"#), Some(Fault::Batch));
        assert_eq!(fault("{"), Some(Fault::NotJson));
        let call = |params: &str| {
            let message = format!(r#"{{"method":"tools/call","params":{params}}}"#);
            let envelope = Envelope::read(message.as_bytes()).unwrap();
            envelope.call().unwrap().map(|call| call.name.into_owned())
        };
        assert_eq!(call(r#"{"name":"b\u006fom"}"#), Ok("boom".to_owned()));
        assert_eq!(call(r#"{"name":"a","name":"b"}"#), Err(()));
        assert_eq!(call(r#"{"name":5}"#), Err(()));
        assert_eq!(call("[]"), Err(()));
        for twice in [r#""arguments":null,"arguments":{}"#, r#""_meta":{},"_meta":{}"#] {
            assert_eq!(call(&format!(r#"{{"name":"a",{twice}}}"#)), Err(()), "{twice}");
        }
    }

    #[test]
    fn parameters_of_other_messages_are_nobodys_fault() {
        for params in
            ["[1,{}]", "5", "-1", "0.5", "true", "\"a\"", "null", r#"{"name":[],"name":5}"#]
        {
            let message = format!(r#"{{"method":"custom","params":{params}}}"#);
            let envelope = Envelope::read(message.as_bytes()).unwrap();
            assert!(envelope.call().is_none() && envelope.reads().is_none());
        }
        let reads = |params: &str| {
            let message = format!(r#"{{"method":"resources/read","params":{params}}}"#);
            let envelope = Envelope::read(message.as_bytes()).unwrap();
            envelope.reads().map(std::borrow::Cow::into_owned)
        };
        assert_eq!(reads(r#"{"uri":"ui:\/\/a"}"#).as_deref(), Some("ui://a"));
        assert_eq!(reads(r#"{"uri":"ui://a","uri":"ui://b"}"#), None);
        assert_eq!(reads(r#"{"uri":["ui://a"]}"#), None);
    }
}
