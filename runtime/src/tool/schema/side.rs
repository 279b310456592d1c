//! Sides of a tool: its arguments and its result.

/// Who writes the values of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The model does. A member without a value is left out.
    Input,
    /// The tool does. A member without a value may be `null`.
    Output,
}
