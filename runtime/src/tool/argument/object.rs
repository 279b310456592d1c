//! The arguments object of a call, with its members still raw JSON.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor, value::Error as ValueError},
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;

use super::invalid::invalid;
use crate::{
    error::{Error, Rule},
    support::{escape::escape_to, suggest},
};

/// The longest part of a name of the caller's that is repeated.
const MAX_NAME_LEN: usize = 64;
/// The most names that one log line has.
const MAX_LOGGED_NAMES: usize = 8;

/// How the arguments of a call are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The name of the tool, for the log.
    pub(crate) tool: &'a str,
    /// Whether unknown arguments, and values of other types, are refused.
    pub(crate) strict: bool,
    /// The arguments that name accounts, which the function does not get.
    pub(crate) accounts: &'a [&'static str],
}

/// The members, and the names of the tool's arguments.
pub(crate) struct Fields<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    known: Vec<&'a str>,
    reading: Reading<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(raw: &'a RawValue, reading: Reading<'a>) -> Result<Self, Error> {
        let members: Members<'a> = serde_json::from_str(raw.get()).map_err(|error| {
            let mut text = error.to_string();
            text.truncate(text.find(" at line ").unwrap_or(text.len()));
            let rule = if text.ends_with("is given twice") { Rule::Duplicate } else { Rule::Type };
            invalid(text, None, rule)
        })?;
        let mut fields = Self { members: members.0, known: Vec::new(), reading };
        if !reading.accounts.is_empty() {
            fields
                .members
                .retain(|(name, _)| !reading.accounts.iter().any(|account| account == name));
            fields.known.extend(reading.accounts);
        }
        Ok(fields)
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.reading.strict
    }

    pub(crate) fn know(&mut self, name: &'static str) {
        self.known.push(name);
    }

    pub(crate) fn know_all_of(&mut self, names: &'a [String]) {
        self.known.extend(names.iter().map(String::as_str));
    }

    /// Refuses names that look like a misspelled one. The others are of the host, which adds its own
    /// arguments to every call, and are passed over.
    pub(crate) fn refuse_unknown(&self) -> Result<(), Error> {
        let refused = self.unknown().find(|name| self.reading.strict || self.meant(name).is_some());
        refused.map_or(Ok(()), |name| {
            Err(invalid(self.no_such_argument(name), Some(name), Rule::Unknown))
        })
    }

    fn unknown(&self) -> impl Iterator<Item = &str> {
        let names = self.members.iter().map(|(name, _)| &**name);
        names.filter(|name| !self.known.iter().any(|known| known == name))
    }

    /// The argument that a misspelled name is meant for.
    fn meant(&self, name: &str) -> Option<&'a str> {
        let folded = |name: &str| -> String {
            name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
        };
        let known = || self.known.iter().copied();
        // A name as long as this is no misspelling, and comparing takes the product of the lengths.
        let name = Some(name).filter(|name| name.len() <= 4 * MAX_NAME_LEN)?;
        known()
            .find(|known| folded(known) == folded(name))
            .or_else(|| suggest::nearest(name, known()))
    }

    fn no_such_argument(&self, name: &str) -> String {
        let help = match self.meant(name) {
            Some(known) => format!("did you mean `{known}`?"),
            None if self.known.is_empty() => "this tool takes none".to_owned(),
            None => {
                let known: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
                format!("the arguments are {}", known.join(", "))
            }
        };
        // The name comes from the caller, so only a bounded part of it is repeated.
        format!("there is no argument `{}`: {help}", escape_to(name, MAX_NAME_LEN))
    }

    /// The error about a required argument. An unknown one may have been meant for it.
    #[cold]
    pub(crate) fn missing(&self, name: &str) -> Error {
        match self.unknown().next() {
            Some(unknown) => {
                let unknown = self.no_such_argument(unknown);
                let message = format_args!("`{name}` is missing, and {unknown}");
                invalid(message, Some(name), Rule::Missing)
            }
            None => invalid(format_args!("`{name}` is missing"), Some(name), Rule::Missing),
        }
    }

    /// Logs what was passed over: all members that were not taken.
    pub(crate) fn finish(&self) {
        if !self.members.is_empty() {
            self.log_unknown();
        }
    }

    #[cold]
    fn log_unknown(&self) {
        let names: Vec<_> = self
            .unknown()
            .take(MAX_LOGGED_NAMES)
            .map(|name| escape_to(name, MAX_NAME_LEN))
            .collect();
        tracing::info!(
            target: "toolgate::call",
            tool = self.reading.tool,
            count = self.members.len(),
            "arguments that the tool does not have were ignored: {}",
            names.join(", "),
        );
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<&'a str> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.swap_remove(position).1.get())
    }

    /// Takes the members under `names`, as the text of an object.
    pub(crate) fn take_object(&mut self, names: &[String]) -> String {
        let mut object = String::from("{");
        for name in names {
            if let Some(raw) = self.take(name) {
                if object.len() > 1 {
                    object.push(',');
                }
                object.push_str(&serde_json::Value::from(name.as_str()).to_string());
                object.push(':');
                object.push_str(raw);
            }
        }
        object.push('}');
        object
    }
}

pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of arguments")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(4);
                while let Some(Name(name)) = map.next_key()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        let name = escape_to(&name, MAX_NAME_LEN);
                        return Err(A::Error::custom(format_args!("`{name}` is given twice")));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The deserializer of an argument that was not given: an `Option` reads `None`, all else fails.
pub(crate) struct MissingField;

impl<'de> Deserializer<'de> for MissingField {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("missing"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
