//! A strict reader of JSON objects: rejects duplicate keys, and keeps only the members it is asked for.
//!
//! Members that are skipped are validated all the same. serde's `IgnoredAny` accepts strings with
//! half a surrogate pair, numbers out of range and any depth, where rmcp's reader fails.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// A skipped value opens fewer arrays and objects than these. So it is never nested deeper than
/// rmcp's reader follows, which is 128 levels from the outside of the message.
const MAX_BRACKETS: usize = 100;

/// The members that a [`StrictObject`] keeps.
pub(crate) trait Members<'de>: Default {
    /// The name of a member; one variant is for all the others.
    type Name: Deserialize<'de> + Copy;

    /// The name as a bit, which detects duplicates; 0 for the names that may repeat.
    fn bit(name: Self::Name) -> u8;

    /// Reads the value of this member, which is next in `map`.
    fn read<A: MapAccess<'de>>(&mut self, name: Self::Name, map: &mut A) -> Result<(), A::Error>;
}

/// The members of an object; `None` if the value is no object, or has a member twice. Another reader
/// might take the other one of the two.
#[derive(Default)]
pub(crate) struct StrictObject<M>(pub(crate) Option<M>);

impl<'de, M: Members<'de>> Deserialize<'de> for StrictObject<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<M>(PhantomData<M>);

impl<'de, M: Members<'de>> Visitor<'de> for ObjectVisitor<M> {
    type Value = StrictObject<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StrictObject<M>, A::Error> {
        let (mut members, mut duplicate, mut seen) = (M::default(), false, 0);
        while let Some(name) = map.next_key()? {
            let bit = M::bit(name);
            duplicate |= seen & bit != 0;
            seen |= bit;
            members.read(name, &mut map)?;
        }
        Ok(StrictObject((!duplicate).then_some(members)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<StrictObject<M>, A::Error> {
        while list.next_element::<Validated>()?.is_some() {}
        Ok(StrictObject(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<StrictObject<M>, E> {
        Ok(StrictObject(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<StrictObject<M>, E> {
        Ok(StrictObject(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<StrictObject<M>, E> {
        Ok(StrictObject(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<StrictObject<M>, E> {
        Ok(StrictObject(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<StrictObject<M>, E> {
        Ok(StrictObject(None))
    }

    fn visit_unit<E>(self) -> Result<StrictObject<M>, E> {
        Ok(StrictObject(None))
    }
}

/// Any JSON value, read to its end and discarded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Validated;

impl<'de> Members<'de> for Validated {
    type Name = Self;

    fn bit(_: Self) -> u8 {
        0
    }

    fn read<A: MapAccess<'de>>(&mut self, _: Self, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<Self>().map(drop)
    }
}

impl<'de> Deserialize<'de> for Validated {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        StrictObject::<Self>::deserialize(from).map(|_| Self)
    }
}

/// Whether every JSON reader accepts this raw value, however deep in the message it is.
pub(crate) fn is_valid(value: &RawValue) -> bool {
    let opens = |byte: &u8| matches!(byte, b'{' | b'[');
    value.get().bytes().filter(|byte| opens(byte)).count() < MAX_BRACKETS
        && serde_json::from_str::<Validated>(value.get()).is_ok()
}
