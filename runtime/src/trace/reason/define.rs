//! Definition of reasons.

/// Defines enumerations that are serialized by the names of their variants.
macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }
    )*};
}
pub(super) use reasons;
