//! Lists of arguments: tuples of [`Arg`]s.

use serde_json::value::RawValue;

use super::{
    arg::Arg,
    argument_type::ArgumentType,
    object::{Fields, Reading},
    schema::ArgumentsSchema,
};
use crate::error::Error;

/// The arguments of a tool, as a tuple of [`Arg`]s; implemented for up to 16.
#[diagnostic::on_unimplemented(
    message = "a tool takes at most 16 arguments",
    note = "put some of them into a struct, as one parameter with `#[arg(flatten)]`"
)]
pub trait ArgumentList {
    /// The decoded arguments.
    type Values: Send + 'static;
    #[doc(hidden)]
    fn types(&self) -> Vec<ArgumentType>;
    #[doc(hidden)]
    fn read(
        &self,
        raw: &RawValue,
        types: &[ArgumentType],
        reading: Reading<'_>,
    ) -> Result<Self::Values, Error>;
    #[doc(hidden)]
    fn describe(&self, schema: &mut ArgumentsSchema);
}

macro_rules! lists {
    ($(($($T:ident $index:tt),*))*) => {$(
        impl<$($T: Send + 'static),*> ArgumentList for ($(Arg<$T>,)*) {
            type Values = ($($T,)*);

            fn types(&self) -> Vec<ArgumentType> {
                vec![$(self.$index.argument_type()),*]
            }

            fn read(
                &self,
                raw: &RawValue,
                types: &[ArgumentType],
                reading: Reading<'_>,
            ) -> Result<Self::Values, Error> {
                let mut fields = Fields::parse(raw, reading)?;
                $(if !self.$index.flatten { fields.know(self.$index.name); })*
                $(fields.know_all_of(&types[$index].names);)*
                fields.refuse_unknown()?;
                let values = ($(self.$index.read(&mut fields, &types[$index])?,)*);
                fields.finish();
                Ok(values)
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
