//! The arguments object of a call, with its members still raw JSON.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor, value::Error as ValueError},
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;

use super::invalid::invalid;
use crate::{error::Error, support::suggest};

/// The members, and the names of the tool's arguments.
pub(crate) struct Fields<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    known: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(raw: &'a RawValue) -> Result<Self, Error> {
        let members: Members<'a> = serde_json::from_str(raw.get()).map_err(|error| {
            let mut text = error.to_string();
            text.truncate(text.find(" at line ").unwrap_or(text.len()));
            invalid(text)
        })?;
        Ok(Self { members: members.0, known: Vec::new() })
    }

    pub(crate) fn know(&mut self, name: &'static str) {
        self.known.push(name);
    }

    pub(crate) fn know_all_of(&mut self, names: &'a [String]) {
        self.known.extend(names.iter().map(String::as_str));
    }

    pub(crate) fn refuse_unknown(&self) -> Result<(), Error> {
        let Some((name, _)) =
            self.members.iter().find(|(name, _)| !self.known.iter().any(|known| known == name))
        else {
            return Ok(());
        };
        let help = match suggest::nearest(name, self.known.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None if self.known.is_empty() => "this tool takes none".to_owned(),
            None => {
                let known: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
                format!("the arguments are {}", known.join(", "))
            }
        };
        // The name comes from the caller, so only a bounded part of it is repeated.
        let name: String = name.chars().take(64).collect();
        Err(invalid(format_args!("there is no argument `{name}`: {help}")))
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

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

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
                        let name: String = name.chars().take(64).collect();
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
