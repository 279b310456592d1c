//! Arguments: one constant is both the schema for the model and the decoder of a call.
//!
//! An [`Arg`] holds the name, the description and function pointers for its *type*, so that each
//! type is compiled once, however many tools use it.

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
        absent: || T::deserialize(object::MissingField).ok(),
        default: None,
        default_json: None,
        check: None,
        checks: &[],
        examples: &[],
    };
}

type Decode<T> = fn(&str) -> Result<T, serde_path_to_error::Error<serde_json::Error>>;

/// One argument of a tool: its name, its description, its type, its default and its checks.
pub struct Arg<T: 'static> {
    name: &'static str,
    description: &'static str,
    flatten: bool,
    decode: Decode<T>,
    schema: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// The value of an argument that was not given: `None` for an `Option`.
    absent: fn() -> Option<T>,
    default: Option<fn() -> T>,
    default_json: Option<fn(T) -> Option<serde_json::Value>>,
    check: Option<&'static dyn Check<T>>,
    checks: &'static [&'static dyn Check<T>],
    examples: &'static [&'static str],
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
    pub const fn default(mut self, default: fn() -> T) -> Self
    where
        T: serde::Serialize,
    {
        self.default = Some(default);
        self.default_json = Some(|value| serde_json::to_value(value).ok());
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
            (self.decode)(&object).map_err(|error| undecodable("", &error))?
        } else {
            match fields.take(self.name) {
                Some(raw) => (self.decode)(raw).map_err(|error| undecodable(self.name, &error))?,
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
    /// For each argument the names of its fields, if it is flattened. They are computed once and
    /// kept outside of the arguments, which are a constant.
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

/// Names the field by its path and the value by its kind. The value itself may be a secret.
fn undecodable(name: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
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
    invalid(format_args!("`{path}`: {}", object::without_values(&rule)))
}
