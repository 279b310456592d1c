//! The parameters of a message, read in one go with what stands around them.

use std::{fmt, marker::PhantomData};

use rmcp::model::ClientCapabilities;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The revision whose requests may go a short way.
pub(super) const REVISION: &str = "2026-07-28";

/// What is looked at of them, whatever the message is. What cannot be understood is not a fault of
/// the message yet: that depends on its method.
#[derive(Default)]
pub(super) struct Params<'a> {
    pub(super) name: Option<&'a RawValue>,
    pub(super) uri: Option<&'a RawValue>,
    pub(super) arguments: Option<&'a RawValue>,
    pub(super) meta: Option<Meta<'a>>,
    /// It answers to an earlier `input_required`.
    pub(super) retries: bool,
    /// There are others besides.
    pub(super) more: bool,
    /// One of those above is given twice, or there is no object.
    pub(super) unclear: bool,
}

/// What of `_meta` decides whether the way is short.
#[derive(Default)]
pub(super) struct Meta<'a> {
    pub(super) version: Option<&'a RawValue>,
    pub(super) capabilities: Option<&'a RawValue>,
    pub(super) progress_token: Option<&'a RawValue>,
    pub(super) log_level: Option<&'a RawValue>,
    /// One of those above is given twice, or there is no object.
    pub(super) unclear: bool,
}

impl Meta<'_> {
    /// Is it of this revision, and sound?
    pub(super) fn fits(&self) -> bool {
        let said = self.version.and_then(|said| said.get().strip_prefix('"')?.strip_suffix('"'));
        let sound = |capabilities: &RawValue| {
            let capabilities = capabilities.get();
            capabilities == "{}" || serde_json::from_str::<ClientCapabilities>(capabilities).is_ok()
        };
        !self.unclear && said == Some(REVISION) && self.capabilities.is_some_and(sound)
    }

    /// Does the client want to hear something before the answer?
    pub(super) fn listens(&self) -> bool {
        self.progress_token.is_some() || self.log_level.is_some()
    }
}

/// The names of parameters, each a bit.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Param {
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
enum Member {
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

/// An object of which some members are looked at.
trait Members<'a>: Default {
    type Name: Deserialize<'a> + Copy;

    fn bit(name: Self::Name) -> u8;

    /// Takes the value of the member, which comes next; `null` is none.
    fn take<A: MapAccess<'a>>(&mut self, name: Self::Name, map: &mut A) -> Result<(), A::Error>;

    /// It is not clear what is meant.
    fn unclear(self) -> Self;
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
                self.retries |= map.next_value::<Option<IgnoredAny>>()?.is_some();
            }
            Param::Other => {
                self.more = true;
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn unclear(self) -> Self {
        Self { unclear: true, ..self }
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
            Member::Other => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }

    fn unclear(self) -> Self {
        Self { unclear: true, ..self }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Params<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Of(PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Meta<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Of(PhantomData))
    }
}

/// Reads the members of an object, and skips what is none.
struct Of<M>(PhantomData<M>);

impl<'de, M: Members<'de>> Visitor<'de> for Of<M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<M, A::Error> {
        let (mut members, mut seen) = (M::default(), 0);
        while let Some(name) = map.next_key()? {
            let bit = M::bit(name);
            if seen & bit != 0 {
                members = members.unclear();
            }
            seen |= bit;
            members.take(name, &mut map)?;
        }
        Ok(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<M, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.visit_unit()
    }

    fn visit_bool<E>(self, _: bool) -> Result<M, E> {
        Ok(M::default().unclear())
    }

    fn visit_i64<E>(self, _: i64) -> Result<M, E> {
        Ok(M::default().unclear())
    }

    fn visit_u64<E>(self, _: u64) -> Result<M, E> {
        Ok(M::default().unclear())
    }

    fn visit_f64<E>(self, _: f64) -> Result<M, E> {
        Ok(M::default().unclear())
    }

    fn visit_str<E>(self, _: &str) -> Result<M, E> {
        Ok(M::default().unclear())
    }

    fn visit_unit<E>(self) -> Result<M, E> {
        Ok(M::default().unclear())
    }
}
