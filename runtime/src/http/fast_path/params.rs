//! The parameters of a message, read in one go with what stands around them.

use rmcp::model::ClientCapabilities;
use serde::{Deserialize, de::MapAccess};
use serde_json::value::RawValue;

use super::strict_object::{Clear, Members, Sound, is_sound};

/// The revision whose requests may go a short way.
pub(crate) const REVISION: &str = "2026-07-28";

/// What is looked at of them, whatever the message is. What cannot be understood is not a fault of
/// the message yet: that depends on its method.
#[derive(Default)]
pub(crate) struct Params<'a> {
    pub(crate) name: Option<&'a RawValue>,
    pub(crate) uri: Option<&'a RawValue>,
    pub(crate) arguments: Option<&'a RawValue>,
    pub(crate) meta: Clear<Meta<'a>>,
    /// It answers to an earlier `input_required`.
    pub(crate) retries: bool,
    /// There are others besides.
    pub(crate) more: bool,
}

/// What of `_meta` decides whether the way is short.
#[derive(Default)]
pub(crate) struct Meta<'a> {
    pub(crate) version: Option<&'a RawValue>,
    pub(crate) capabilities: Option<&'a RawValue>,
    pub(crate) progress_token: Option<&'a RawValue>,
    pub(crate) log_level: Option<&'a RawValue>,
}

impl Meta<'_> {
    /// Is it of this revision, and sound?
    pub(crate) fn fits(&self) -> bool {
        let said = self.version.and_then(|said| said.get().strip_prefix('"')?.strip_suffix('"'));
        let capabilities = |raw: &RawValue| {
            raw.get() == "{}"
                || is_sound(raw) && serde_json::from_str::<ClientCapabilities>(raw.get()).is_ok()
        };
        said == Some(REVISION)
            && self.capabilities.is_some_and(capabilities)
            && self.progress_token.is_none_or(is_sound)
            && self.log_level.is_none_or(is_sound)
    }

    /// Does the client want to hear something before the answer?
    pub(crate) fn listens(&self) -> bool {
        self.progress_token.is_some() || self.log_level.is_some()
    }
}

/// The names of parameters, each a bit.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
pub(crate) enum Param {
    Name = 1,
    Uri = 2,
    Arguments = 4,
    #[serde(rename = "_meta")]
    Meta = 8,
    InputResponses = 16,
    RequestState = 32,
    #[serde(other)]
    Other = 0,
}

/// The names of members of `_meta`, each a bit.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier)]
pub(crate) enum Member {
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
    type Name = Param;

    fn bit(name: Param) -> u8 {
        name as u8
    }

    fn take<A: MapAccess<'a>>(&mut self, name: Param, map: &mut A) -> Result<(), A::Error> {
        match name {
            Param::Name => self.name = map.next_value()?,
            Param::Uri => self.uri = map.next_value()?,
            Param::Arguments => self.arguments = map.next_value()?,
            Param::Meta => self.meta = map.next_value()?,
            Param::InputResponses | Param::RequestState => {
                self.retries |= map.next_value::<Option<Sound>>()?.is_some();
            }
            Param::Other => {
                self.more = true;
                map.next_value::<Sound>()?;
            }
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Meta<'a> {
    type Name = Member;

    fn bit(name: Member) -> u8 {
        name as u8
    }

    fn take<A: MapAccess<'a>>(&mut self, name: Member, map: &mut A) -> Result<(), A::Error> {
        match name {
            Member::Version => self.version = map.next_value()?,
            Member::Capabilities => self.capabilities = map.next_value()?,
            Member::ProgressToken => self.progress_token = map.next_value()?,
            Member::LogLevel => self.log_level = map.next_value()?,
            Member::Other => _ = map.next_value::<Sound>()?,
        }
        Ok(())
    }
}
