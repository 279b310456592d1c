//! Arguments: one constant is both the schema that the model reads and the decoder that checks.
//!
//! Nothing is derived for a tool. An [`Arg`] holds the name, the description and function pointers
//! for its *type*, so that each type is compiled once however many tools use it.

pub(crate) mod check;
pub(crate) mod object;
pub(crate) mod schema;

use std::fmt::Display;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use self::check::{Check, Length, Measured, Number, OneOf, Pattern, Range};
pub(crate) use self::{object::Fields, schema::ArgumentsSchema};
use crate::error::{Error, ErrorKind};

/// What a tool's argument must be: `Deserialize` and `JsonSchema`, owned.
///
/// Implemented for every such type; there is nothing to write by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "needs `serde::Deserialize` and `schemars::JsonSchema`",
    note = "add `#[derive(serde::Deserialize, schemars::JsonSchema)]` to `{Self}`"
)]
pub trait Argument: Sized + 'static {
    #[doc(hidden)]
    fn decode(raw: &str) -> Result<Self, serde_path_to_error::Error<serde_json::Error>>;
    #[doc(hidden)]
    fn schema(generator: &mut SchemaGenerator) -> schemars::Schema;
    /// What stands in for an argument that was not given: `None` for an `Option`.
    #[doc(hidden)]
    fn absent() -> Option<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + 'static> Argument for T {
    fn decode(raw: &str) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(raw))
    }

    fn schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<T>()
    }

    fn absent() -> Option<Self> {
        // As serde has it for a missing field: only what reads itself from nothing may be absent.
        T::deserialize(object::Nothing).ok()
    }
}

type Decode<T> = fn(&str) -> Result<T, serde_path_to_error::Error<serde_json::Error>>;

/// One argument of a tool: its name, its description, its type, its default and its checks.
pub struct Arg<T: 'static> {
    name: &'static str,
    description: &'static str,
    flatten: bool,
    decode: Decode<T>,
    schema: fn(&mut SchemaGenerator) -> schemars::Schema,
    absent: fn() -> Option<T>,
    default: Option<fn() -> T>,
    default_json: Option<fn(T) -> Option<serde_json::Value>>,
    check: Option<&'static dyn Check<T>>,
    checks: &'static [&'static dyn Check<T>],
    examples: &'static [&'static str],
}

impl<T: 'static> Arg<T> {
    /// An argument under `name`. An empty description is none.
    pub const fn new(name: &'static str, description: &'static str) -> Self
    where
        T: Argument,
    {
        Self {
            name,
            description,
            flatten: false,
            decode: T::decode,
            schema: T::schema,
            absent: T::absent,
            default: None,
            default_json: None,
            check: None,
            checks: &[],
            examples: &[],
        }
    }

    /// What the argument is when it was not given. The schema shows it.
    #[must_use]
    pub const fn default(mut self, default: fn() -> T) -> Self
    where
        T: serde::Serialize,
    {
        self.default = Some(default);
        self.default_json = Some(|value| serde_json::to_value(value).ok());
        self
    }

    /// What the argument must satisfy. The schema shows it.
    #[must_use]
    pub const fn check(mut self, check: &'static dyn Check<T>) -> Self {
        self.check = Some(check);
        self
    }

    /// As [`Self::check`], for several rules: a slice is more work for the compiler than one.
    #[must_use]
    pub const fn checks(mut self, checks: &'static [&'static dyn Check<T>]) -> Self {
        self.checks = checks;
        self
    }

    /// Examples for the schema, each as JSON text.
    #[must_use]
    pub const fn examples(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }

    /// The fields of the type are arguments themselves, beside the others.
    #[must_use]
    pub const fn flatten(mut self) -> Self {
        self.flatten = true;
        self
    }

    fn rules(&self) -> impl Iterator<Item = &'static dyn Check<T>> {
        self.check.into_iter().chain(self.checks.iter().copied())
    }

    /// The names of a flattened struct's fields.
    fn names(&self) -> Vec<String> {
        if self.flatten { schema::property_names(self.schema) } else { Vec::new() }
    }

    fn read(&self, fields: &mut Fields<'_>, names: &[String]) -> Result<T, Error> {
        let value = if self.flatten {
            let object = fields.take_object(names);
            (self.decode)(&object).map_err(|error| undecodable("", &object, &error))?
        } else {
            match fields.take(self.name) {
                Some(raw) => {
                    (self.decode)(raw).map_err(|error| undecodable(self.name, raw, &error))?
                }
                None => match self.default.map_or_else(self.absent, |default| Some(default())) {
                    Some(value) => return Ok(value),
                    None => return Err(invalid(format_args!("`{}` is missing", self.name))),
                },
            }
        };
        for check in self.rules() {
            check.check(&value).map_err(|rule| invalid(format_args!("`{}`: {rule}", self.name)))?;
        }
        Ok(value)
    }
}

/// The arguments of a tool, as a tuple of [`Arg`]s; implemented for up to 16.
#[diagnostic::on_unimplemented(
    message = "a tool takes at most 16 arguments",
    note = "put some of them into a struct, as one parameter with `#[arg(flatten)]`"
)]
pub trait ArgumentList {
    /// The decoded arguments.
    type Values: Send + 'static;
    /// For each argument the names of its fields, if it is flattened. They are found once, and kept
    /// outside of the arguments: these are a constant, which is cheapest as mere data.
    #[doc(hidden)]
    fn names(&self) -> Vec<Vec<String>>;
    #[doc(hidden)]
    fn read(&self, raw: &RawValue, names: &[Vec<String>]) -> Result<Self::Values, Error>;
    #[doc(hidden)]
    fn describe(&self, schema: &mut ArgumentsSchema);
}

macro_rules! lists {
    ($(($($T:ident $index:tt),*))*) => {$(
        impl<$($T: Send + 'static),*> ArgumentList for ($(Arg<$T>,)*) {
            type Values = ($($T,)*);

            fn names(&self) -> Vec<Vec<String>> {
                vec![$(self.$index.names()),*]
            }

            fn read(&self, raw: &RawValue, names: &[Vec<String>]) -> Result<Self::Values, Error> {
                let mut fields = Fields::parse(raw)?;
                $(if !self.$index.flatten { fields.know(self.$index.name); })*
                $(fields.know_all_of(&names[$index]);)*
                fields.refuse_unknown()?;
                Ok(($(self.$index.read(&mut fields, &names[$index])?,)*))
            }

            fn describe(&self, schema: &mut ArgumentsSchema) {
                $(schema.add(&self.$index);)*
            }
        }
    )*};
}

#[allow(unused_mut, unused_variables, clippy::unused_unit, reason = "the empty list")]
const _: () = {
    lists! {
        ()
        (A 0)
        (A 0, B 1)
        (A 0, B 1, C 2)
        (A 0, B 1, C 2, D 3)
        (A 0, B 1, C 2, D 3, E 4)
        (A 0, B 1, C 2, D 3, E 4, F 5)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15)
    }
};

fn invalid(message: impl Display) -> Error {
    Error::with_kind(
        ErrorKind::InvalidArgument,
        format!("{message}; correct the arguments and call again"),
    )
}

/// Names the field by its path, and what stands there by its kind: never its value.
fn undecodable(
    name: &str,
    raw: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> Error {
    let path = match (name, error.path().to_string().as_str()) {
        ("", path) => path.to_owned(),
        (name, ".") => name.to_owned(),
        (name, path) if path.starts_with('[') => format!("{name}{path}"),
        (name, path) => format!("{name}.{path}"),
    };
    let mut rule = error.inner().to_string();
    if let Some(position) = rule.find(" at line ") {
        rule.truncate(position);
    }
    invalid(format_args!("`{path}`: {}", object::without_values(&rule, raw)))
}
