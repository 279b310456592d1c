//! JSON-RPC messages, read once before rmcp reads them: the method, the tool's name, the arguments.
//!
//! The gate must decide by what is run. rmcp compares the `Mcp-Name` header with the body in one
//! protocol revision only, and reads arguments into a map, where the last of two equal names wins.
//! So names are taken from here, and the raw text of the arguments accompanies the request.

pub(crate) mod params;
mod strict_object;

use std::borrow::Cow;

use serde::{Deserialize, de::MapAccess};
use serde_json::{Value, value::RawValue};

use self::{
    params::{Meta, Params},
    strict_object::{Members, StrictObject, Validated},
};
use super::request::RawArguments;

pub(crate) use self::strict_object::is_valid;

/// A JSON-RPC message: the members around the parameters, and the parameters.
#[derive(Default)]
pub(crate) struct Message<'a> {
    jsonrpc: Text<'a>,
    pub(crate) id: Option<&'a RawValue>,
    method: Text<'a>,
    params: StrictObject<Params<'a>>,
    /// The members of a response, which a request does not have.
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

// Borrowed unless it has escapes; `"tools\/call"` is the same method.
#[derive(Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The names of the members, as bits.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
pub(crate) enum MemberName {
    Jsonrpc = 1,
    Id = 2,
    Method = 4,
    Params = 8,
    Result = 16,
    Error = 32,
    #[serde(other)]
    Other = 0,
}

impl<'a> Members<'a> for Message<'a> {
    type Name = MemberName;

    fn bit(name: MemberName) -> u8 {
        name as u8
    }

    fn read<A: MapAccess<'a>>(&mut self, name: MemberName, map: &mut A) -> Result<(), A::Error> {
        match name {
            MemberName::Jsonrpc => self.jsonrpc = map.next_value()?,
            MemberName::Id => self.id = map.next_value()?,
            MemberName::Method => self.method = map.next_value()?,
            MemberName::Params => self.params = map.next_value()?,
            MemberName::Result => self.result = map.next_value()?,
            MemberName::Error => self.error = map.next_value()?,
            MemberName::Other => _ = map.next_value::<Validated>()?,
        }
        Ok(())
    }
}

/// The parameters of a `tools/call`.
pub(crate) struct CallParams<'m, 'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) arguments: Option<&'a RawValue>,
    pub(crate) meta: Option<&'m Meta<'a>>,
    /// Whether there is no `_meta`, of whatever type.
    pub(crate) lacks_meta: bool,
    /// Whether the call answers an earlier `input_required`.
    pub(crate) is_retry: bool,
    /// Whether there is a `uri`, which a call has no use for and nothing has checked.
    pub(crate) has_uri: bool,
}

/// Why a body is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageError {
    NotJson,
    Batch,
    NotAMessage,
}

impl<'a> Message<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, MessageError> {
        // Validated once for all of its strings.
        let text = std::str::from_utf8(body).map_err(|_| MessageError::NotJson)?;
        let message = serde_json::from_str::<StrictObject<Self>>(text).ok();
        message.and_then(|message| message.0).ok_or_else(|| match MessageError::of(body) {
            MessageError::NotAMessage if body.trim_ascii_start().starts_with(b"[") => {
                MessageError::Batch
            }
            error => error,
        })
    }

    pub(crate) fn method(&self) -> &str {
        &self.method.0
    }

    /// The identifier as a response repeats it: `null` if it is neither a string nor a number.
    pub(crate) fn id(&self) -> Value {
        let id = self.id.and_then(|id| serde_json::from_str(id.get()).ok());
        id.filter(|id: &Value| id.is_string() || id.is_number()).unwrap_or_default()
    }

    /// Whether it is answered: it is neither a notification nor a response.
    pub(crate) fn expects_response(&self) -> bool {
        self.id.is_some() && !self.method().is_empty()
    }

    /// Whether it is a JSON-RPC 2.0 request, without the members of a response.
    pub(crate) fn is_request(&self) -> bool {
        self.jsonrpc.0 == "2.0" && self.result.is_none() && self.error.is_none()
    }

    /// Whether its `_meta` is that of a request of [`REVISION`](params::REVISION).
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) fn is_current(&self) -> bool {
        let meta = self.params.0.as_ref().and_then(|params| params.meta.0.as_ref());
        meta.is_some_and(Meta::is_current)
    }

    /// The URI, if this is a `resources/read`.
    pub(crate) fn resource_uri(&self) -> Option<Cow<'a, str>> {
        let params = self.params.0.as_ref().filter(|_| self.method() == "resources/read")?;
        params.uri.and_then(string)
    }

    /// Whether `_meta` is the only parameter, and asks for nothing but a response.
    pub(crate) fn has_only_meta(&self) -> bool {
        self.params.0.as_ref().is_some_and(|params| {
            let Params { name, uri, arguments, meta, is_retry, has_others, .. } = params;
            (name.is_none() && uri.is_none() && arguments.is_none() && !is_retry && !has_others)
                && meta.0.as_ref().is_some_and(|it| it.is_current() && !it.wants_notifications())
        })
    }

    /// Whether a `subscriptions/listen` names single resources, or may do so.
    pub(crate) fn subscribes_to_resources(&self) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Filter {
            resource_subscriptions: Option<Vec<Value>>,
        }
        let Some(params) = &self.params.0 else { return true };
        let Some(filter) = params.notifications else { return false };
        serde_json::from_str::<Filter>(filter.get()).map_or(true, |filter| {
            filter.resource_subscriptions.is_some_and(|uris| !uris.is_empty())
        })
    }

    /// The parameters, if this is a `tools/call`; `Err` if they have the wrong shape.
    pub(crate) fn call(&self) -> Option<Result<CallParams<'_, 'a>, ()>> {
        if self.method() != "tools/call" {
            return None;
        }
        let call = self.params.0.as_ref().and_then(|params| {
            let (arguments, meta) = (params.arguments, params.meta.0.as_ref());
            let name = params.name.and_then(string)?;
            let (is_retry, has_uri) = (params.is_retry, params.uri.is_some());
            let lacks_meta = !params.has_meta;
            Some(CallParams { name, arguments, meta, lacks_meta, is_retry, has_uri })
        });
        Some(call.ok_or(()))
    }
}

/// The value, if it is a string.
fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.strip_prefix('"')?.strip_suffix('"') {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

impl MessageError {
    /// Why rmcp could not read a body: it is not JSON, or no message.
    pub(crate) fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(_) => Self::NotAMessage,
            Err(_) => Self::NotJson,
        }
    }

    /// JSON-RPC's code and message.
    pub(crate) fn code_and_message(self) -> (i32, &'static str) {
        match self {
            Self::NotJson => (-32700, "the message is not JSON"),
            Self::Batch => (-32600, "one message at a time: batches are not part of MCP"),
            Self::NotAMessage => (-32600, "the message is not JSON-RPC, or names a member twice"),
        }
    }
}

/// The raw arguments of a message, if it is a call that has any. A body that is no message is left
/// to rmcp to refuse.
pub(crate) fn raw_arguments(body: &[u8]) -> Option<RawArguments> {
    let message = Message::parse(body).ok()?;
    let arguments = message.call()?.ok()?.arguments?;
    Some(RawArguments(arguments.to_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::{Message, MessageError, raw_arguments};

    #[test]
    fn raw_arguments_keep_duplicate_members() {
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
    fn duplicate_members_are_rejected() {
        let error = |message: &'static str| Message::parse(message.as_bytes()).err();
        assert_eq!(
            error(r#"{"method":"ping","method":"tools/call"}"#),
            Some(MessageError::NotAMessage)
        );
        assert_eq!(
            error(r#"{"method":"a","params":{},"params":{}}"#),
            Some(MessageError::NotAMessage)
        );
        assert_eq!(error(r#"{"method":7}"#), Some(MessageError::NotAMessage));
        assert_eq!(error(r#"[{"method":"ping"}]"#), Some(MessageError::Batch));
        assert_eq!(error("{"), Some(MessageError::NotJson));
        let call = |params: &str| {
            let message = format!(r#"{{"method":"tools/call","params":{params}}}"#);
            let parsed = Message::parse(message.as_bytes()).unwrap();
            parsed.call().unwrap().map(|call| call.name.into_owned())
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
    fn subscriptions_to_single_resources_are_recognised() {
        let subscribes = |params: &str| {
            let message = format!(r#"{{"method":"subscriptions/listen","params":{params}}}"#);
            Message::parse(message.as_bytes()).unwrap().subscribes_to_resources()
        };
        for params in [
            "{}",
            r#"{"notifications":{}}"#,
            r#"{"notifications":{"toolsListChanged":true}}"#,
            r#"{"notifications":{"resourceSubscriptions":[]}}"#,
            r#"{"notifications":{"resourceSubscriptions":null}}"#,
        ] {
            assert!(!subscribes(params), "{params}");
        }
        for params in [
            r#"{"notifications":{"resourceSubscriptions":["file:///a"]}}"#,
            r#"{"notifications":{"resource\u0053ubscriptions":["file:///a"]}}"#,
            r#"{"notifications":{"resourceSubscriptions":[],"resourceSubscriptions":["a"]}}"#,
            r#"{"notifications":{},"notifications":{"resourceSubscriptions":["a"]}}"#,
            r#"{"notifications":[["a"]]}"#,
            "[]",
        ] {
            assert!(subscribes(params), "{params}");
        }
    }

    #[test]
    fn parameters_of_other_methods_are_not_checked() {
        for params in
            ["[1,{}]", "5", "-1", "0.5", "true", "\"a\"", "null", r#"{"name":[],"name":5}"#]
        {
            let message = format!(r#"{{"method":"custom","params":{params}}}"#);
            let parsed = Message::parse(message.as_bytes()).unwrap();
            assert!(parsed.call().is_none() && parsed.resource_uri().is_none());
        }
        let reads = |params: &str| {
            let message = format!(r#"{{"method":"resources/read","params":{params}}}"#);
            let parsed = Message::parse(message.as_bytes()).unwrap();
            parsed.resource_uri().map(std::borrow::Cow::into_owned)
        };
        assert_eq!(reads(r#"{"uri":"ui:\/\/a"}"#).as_deref(), Some("ui://a"));
        assert_eq!(reads(r#"{"uri":"ui://a","uri":"ui://b"}"#), None);
        assert_eq!(reads(r#"{"uri":["ui://a"]}"#), None);
    }
}
