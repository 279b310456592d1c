//! Errors of sealed values.

/// Why a sealed value cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// Another key sealed it.
    #[error("it was sealed with another key")]
    OtherKey,
    /// It was cut short, changed, or sealed for something else.
    #[error("it is damaged or belongs elsewhere")]
    Damaged,
    /// A newer toolgate sealed it.
    #[error("its format, version {0}, is newer than this toolgate")]
    Version(u8),
    /// It was opened, but its content has an unknown form.
    #[error("its content has a form that this toolgate does not know")]
    Form,
}
