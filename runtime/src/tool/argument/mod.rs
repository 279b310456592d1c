//! Arguments: one constant is both the schema for the model and the decoder of a call.
//!
//! An [`Arg`] holds the name, the description and function pointers for its *type*, so that each
//! type is compiled once, however many tools use it.

pub(crate) mod account;
pub(crate) mod arg;
pub(crate) mod argument_type;
pub(crate) mod check;
pub(crate) mod invalid;
mod lenient;
pub(crate) mod list;
pub(crate) mod object;
pub(crate) mod schema;

#[doc(hidden)]
pub use self::check::Number;
pub(crate) use self::schema::ArgumentsSchema;
pub use self::{
    arg::{Arg, Argument, ShownDefault, ShownValue},
    check::{Check, Length, Measured, OneOf, Pattern, Range},
    list::ArgumentList,
};
