//! One argument: its name, its description, its type, its default and its checks.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::{
    argument_type::ArgumentType,
    check::Check,
    invalid::{broken, undecodable},
    lenient,
    object::{Fields, MissingField},
};
use crate::error::Error;

/// A type that a tool takes as an argument: owned, `Deserialize` and `JsonSchema`.
///
/// Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "needs `serde::Deserialize` and `schemars::JsonSchema`",
    note = "add `#[derive(serde::Deserialize, schemars::JsonSchema)]` to the type"
)]
pub trait Argument: Sized + 'static {
    /// An argument of this type, without a name.
    #[doc(hidden)]
    const ARG: Arg<Self>;
}

// A constant and not a bound of `Arg::new`: the compiler explains an unmet bound in ten more lines.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + 'static> Argument for T {
    const ARG: Arg<Self> = Arg {
        name: "",
        description: "",
        flatten: false,
        decode: |raw| {
            serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(raw))
        },
        schema: |generator| generator.subschema_for::<T>(),
        // As for a missing field of a serde struct: only an `Option` reads a value from it.
        absent: || T::deserialize(MissingField).ok(),
        default: None,
        default_json: None,
        check: None,
        checks: &[],
        examples: &[],
    };
}

/// A type whose values a schema can show: `Serialize`. Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "an argument of type `{Self}` cannot have a default",
    label = "needs `serde::Serialize`, because the schema shows the default",
    note = "add `#[derive(serde::Serialize)]` to the type"
)]
pub trait ShownValue: Sized {
    #[doc(hidden)]
    const SHOW: Show<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize> ShownValue for T {
    const SHOW: Show<Self> = |value| serde_json::to_value(value).ok();
}

/// A type whose default a schema can show: `Default` and `Serialize`. Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "an argument of type `{Self}` has no default of its own",
    label = "needs `Default` and `serde::Serialize`",
    note = "add `#[derive(Default, serde::Serialize)]` to the type"
)]
pub trait ShownDefault: Sized {
    #[doc(hidden)]
    const DEFAULT: (fn() -> Self, Show<Self>);
}

#[diagnostic::do_not_recommend]
impl<T: Default + serde::Serialize> ShownDefault for T {
    const DEFAULT: (fn() -> Self, Show<Self>) = (Self::default, Self::SHOW);
}

/// The JSON of a value; `None` if it has none.
type Show<T> = fn(T) -> Option<serde_json::Value>;

type Decode<T> = fn(&str) -> Result<T, serde_path_to_error::Error<serde_json::Error>>;

/// One argument of a tool: its name, its description, its type, its default and its checks.
pub struct Arg<T: 'static> {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) flatten: bool,
    decode: Decode<T>,
    pub(super) schema: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// The value of an argument that was not given: `None` for an `Option`.
    pub(super) absent: fn() -> Option<T>,
    pub(super) default: Option<fn() -> T>,
    pub(super) default_json: Option<Show<T>>,
    check: Option<&'static dyn Check<T>>,
    checks: &'static [&'static dyn Check<T>],
    pub(super) examples: &'static [&'static str],
}

impl<T: 'static> Arg<T> {
    /// Sets the name and the description. An empty description is none.
    #[must_use]
    pub const fn named(mut self, name: &'static str, description: &'static str) -> Self {
        self.name = name;
        self.description = description;
        self
    }

    /// Sets the value of the argument when it is not given. The schema shows it.
    #[must_use]
    pub const fn default(self, default: fn() -> T) -> Self
    where
        T: ShownValue,
    {
        self.default_of_type((default, T::SHOW))
    }

    /// Sets [`ShownDefault::DEFAULT`] as the value of the argument when it is not given.
    // Without a bound, which the compiler would explain at the type and here.
    #[must_use]
    pub const fn default_of_type(mut self, (default, show): (fn() -> T, Show<T>)) -> Self {
        self.default = Some(default);
        self.default_json = Some(show);
        self
    }

    /// Adds a rule. The schema shows it.
    #[must_use]
    pub const fn check(mut self, check: &'static dyn Check<T>) -> Self {
        self.check = Some(check);
        self
    }

    /// Adds several rules. One rule is less work for the compiler with [`Self::check`].
    #[must_use]
    pub const fn checks(mut self, checks: &'static [&'static dyn Check<T>]) -> Self {
        self.checks = checks;
        self
    }

    /// Adds examples to the schema, each as JSON text.
    #[must_use]
    pub const fn examples(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }

    /// Makes the fields of the type arguments of the tool.
    #[must_use]
    pub const fn flatten(mut self) -> Self {
        self.flatten = true;
        self
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &'static dyn Check<T>> {
        self.check.into_iter().chain(self.checks.iter().copied())
    }

    pub(super) fn argument_type(&self) -> ArgumentType {
        ArgumentType::new(self.schema, self.flatten)
    }

    pub(super) fn read(&self, fields: &mut Fields<'_>, of: &ArgumentType) -> Result<T, Error> {
        let value = if self.flatten {
            let object = fields.take_object(&of.names);
            match (self.decode)(&object) {
                Ok(value) => value,
                Err(error) => self.read_again(&object, fields, of, &error)?,
            }
        } else {
            match fields.take(self.name) {
                Some(raw) => match (self.decode)(raw) {
                    Ok(value) => value,
                    Err(error) => self.read_again(raw, fields, of, &error)?,
                },
                None => match self.value_without() {
                    Some(value) => return Ok(value),
                    None => return Err(fields.missing(self.name)),
                },
            }
        };
        for check in self.rules() {
            check.check(&value).map_err(|why| broken(self.name, &why, check.rule()))?;
        }
        Ok(value)
    }

    /// The value of an argument that was not given.
    fn value_without(&self) -> Option<T> {
        self.default.map_or_else(self.absent, |default| Some(default()))
    }

    /// Decodes a value that failed to, as hosts may mean it.
    #[cold]
    fn read_again(
        &self,
        raw: &str,
        fields: &Fields<'_>,
        of: &ArgumentType,
        error: &serde_path_to_error::Error<serde_json::Error>,
    ) -> Result<T, Error> {
        let name = if self.flatten { "" } else { self.name };
        if fields.is_strict() {
            return Err(undecodable(name, error));
        }
        if !self.flatten
            && lenient::is_unwanted_null(raw, of.schema())
            && let Some(value) = self.value_without()
        {
            return Ok(value);
        }
        match lenient::coerce(raw, of.schema()) {
            Some(text) => (self.decode)(&text).map_err(|error| undecodable(name, &error)),
            None => Err(undecodable(name, error)),
        }
    }
}
