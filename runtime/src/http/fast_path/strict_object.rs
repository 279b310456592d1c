//! Clears of which some members are looked at, read in one go.
//!
//! What is not looked at is read all the same. serde's own way of skipping takes texts with half a
//! surrogate, numbers beyond all bounds and any depth, at which another reader stops.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// An object of which some members are looked at.
pub(crate) trait Members<'de>: Default {
    /// The name of a member, or that of all the others.
    type Name: Deserialize<'de> + Copy;

    /// The name as a bit; none, if it may come again.
    fn bit(name: Self::Name) -> u8;

    /// Takes the value of the member, which comes next.
    fn take<A: MapAccess<'de>>(&mut self, name: Self::Name, map: &mut A) -> Result<(), A::Error>;
}

/// Such an object, if it is clear what is meant: it is one, and none of the members is given twice,
/// of which another reader might take the other one.
#[derive(Default)]
pub(crate) struct Clear<M>(pub(crate) Option<M>);

impl<'de, M: Members<'de>> Deserialize<'de> for Clear<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Of(PhantomData))
    }
}

struct Of<M>(PhantomData<M>);

impl<'de, M: Members<'de>> Visitor<'de> for Of<M> {
    type Value = Clear<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Clear<M>, A::Error> {
        let (mut members, mut unclear, mut seen) = (M::default(), false, 0);
        while let Some(name) = map.next_key()? {
            let bit = M::bit(name);
            unclear |= seen & bit != 0;
            seen |= bit;
            members.take(name, &mut map)?;
        }
        Ok(Clear((!unclear).then_some(members)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Clear<M>, A::Error> {
        while list.next_element::<Sound>()?.is_some() {}
        Ok(Clear(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Clear<M>, E> {
        Ok(Clear(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Clear<M>, E> {
        Ok(Clear(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Clear<M>, E> {
        Ok(Clear(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Clear<M>, E> {
        Ok(Clear(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Clear<M>, E> {
        Ok(Clear(None))
    }

    fn visit_unit<E>(self) -> Result<Clear<M>, E> {
        Ok(Clear(None))
    }
}

/// Anything, down to its last text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sound;

impl<'de> Members<'de> for Sound {
    type Name = Self;

    fn bit(_: Self) -> u8 {
        0
    }

    fn take<A: MapAccess<'de>>(&mut self, _: Self, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<Self>().map(drop)
    }
}

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Clear::<Self>::deserialize(from).map(|_| Self)
    }
}

/// Is a value that was only skipped such as everybody takes, wherever in the message it stands?
pub(crate) fn is_sound(value: &RawValue) -> bool {
    let opens = |byte: &u8| matches!(byte, b'{' | b'[');
    // rmcp counts to 128, from the outside of the message.
    value.get().bytes().filter(|byte| opens(byte)).count() < 100
        && serde_json::from_str::<Sound>(value.get()).is_ok()
}
