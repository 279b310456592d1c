//! The parameters of a message, read in one pass with the message itself.

use rmcp::model::ClientCapabilities;
use serde::{Deserialize, de::MapAccess};
use serde_json::value::RawValue;

use super::strict_object::{Members, StrictObject, Validated, is_valid};

/// The protocol revision whose requests the fast path answers.
pub(crate) const REVISION: &str = "2026-07-28";

/// The parameters that are looked at, whatever the method is. A value of the wrong type is no error
/// here, because that depends on the method.
#[derive(Default)]
pub(crate) struct Params<'a> {
    pub(crate) name: Option<&'a RawValue>,
    pub(crate) uri: Option<&'a RawValue>,
    pub(crate) arguments: Option<&'a RawValue>,
    pub(crate) meta: StrictObject<Meta<'a>>,
    /// Whether there is `_meta`, of whatever type.
    pub(crate) has_meta: bool,
    pub(crate) notifications: Option<&'a RawValue>,
    /// Whether the message answers an earlier `input_required`.
    pub(crate) is_retry: bool,
    /// Whether there are other parameters.
    pub(crate) has_others: bool,
}

/// The members of `_meta` that decide whether the fast path answers.
#[derive(Default)]
pub(crate) struct Meta<'a> {
    pub(crate) version: Option<&'a RawValue>,
    pub(crate) capabilities: Option<&'a RawValue>,
    pub(crate) progress_token: Option<&'a RawValue>,
    pub(crate) log_level: Option<&'a RawValue>,
}

impl Meta<'_> {
    /// Whether it is well-formed `_meta` of [`REVISION`].
    pub(crate) fn is_current(&self) -> bool {
        let version = self.version.and_then(|raw| raw.get().strip_prefix('"')?.strip_suffix('"'));
        let capabilities = |raw: &RawValue| {
            raw.get() == "{}"
                || is_valid(raw) && serde_json::from_str::<ClientCapabilities>(raw.get()).is_ok()
        };
        version == Some(REVISION)
            && self.capabilities.is_some_and(capabilities)
            && self.progress_token.is_none_or(is_valid)
            && self.log_level.is_none_or(is_valid)
    }

    /// Whether it is that of a request in a session, which says nothing of the client.
    pub(crate) fn is_of_session(&self) -> bool {
        self.version.is_none()
            && self.capabilities.is_none()
            && self.progress_token.is_none_or(is_valid)
            && self.log_level.is_none_or(is_valid)
    }

    /// Whether the client asks for notifications before the response.
    pub(crate) fn wants_notifications(&self) -> bool {
        self.progress_token.is_some() || self.log_level.is_some()
    }
}

/// The names of the parameters, as bits.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
pub(crate) enum ParamName {
    Name = 1,
    Uri = 2,
    Arguments = 4,
    #[serde(rename = "_meta")]
    Meta = 8,
    InputResponses = 16,
    RequestState = 32,
    Notifications = 64,
    #[serde(other)]
    Other = 0,
}

/// The names of the members of `_meta`, as bits.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier)]
pub(crate) enum MetaName {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    Version = 1,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    Capabilities = 2,
    #[serde(rename = "progressToken")]
    ProgressToken = 4,
    #[serde(rename = "io.modelcontextprotocol/logLevel")]
    LogLevel = 8,
    #[serde(other)]
    Other = 0,
}

impl<'a> Members<'a> for Params<'a> {
    type Name = ParamName;

    fn bit(name: ParamName) -> u8 {
        name as u8
    }

    fn read<A: MapAccess<'a>>(&mut self, name: ParamName, map: &mut A) -> Result<(), A::Error> {
        match name {
            ParamName::Name => self.name = map.next_value()?,
            ParamName::Uri => self.uri = map.next_value()?,
            ParamName::Arguments => self.arguments = map.next_value()?,
            ParamName::Meta => {
                self.has_meta = true;
                self.meta = map.next_value()?;
            }
            ParamName::InputResponses | ParamName::RequestState => {
                self.is_retry |= map.next_value::<Option<Validated>>()?.is_some();
            }
            ParamName::Notifications => {
                self.has_others = true;
                self.notifications = map.next_value()?;
            }
            ParamName::Other => {
                self.has_others = true;
                map.next_value::<Validated>()?;
            }
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Meta<'a> {
    type Name = MetaName;

    fn bit(name: MetaName) -> u8 {
        name as u8
    }

    fn read<A: MapAccess<'a>>(&mut self, name: MetaName, map: &mut A) -> Result<(), A::Error> {
        match name {
            MetaName::Version => self.version = map.next_value()?,
            MetaName::Capabilities => self.capabilities = map.next_value()?,
            MetaName::ProgressToken => self.progress_token = map.next_value()?,
            MetaName::LogLevel => self.log_level = map.next_value()?,
            MetaName::Other => _ = map.next_value::<Validated>()?,
        }
        Ok(())
    }
}
