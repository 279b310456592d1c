//! Props of widgets: the results that views show.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::tool::outcome::{IntoResult, IntoToolResult, Json, ToolResult};

/// A type that a widget may return: `Serialize` and `JsonSchema`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the props of a view",
    label = "needs `serde::Serialize` and `schemars::JsonSchema`",
    note = "add `#[derive(serde::Serialize, schemars::JsonSchema)]` to the type"
)]
pub trait Props: Serialize + JsonSchema + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema + 'static> Props for T {}

/// The props of a view as the result of a call: as [`Json`].
#[derive(Debug)]
pub struct Shown<T>(pub T);

impl<T: Props> IntoToolResult for Shown<T> {
    fn into_tool_result(self) -> ToolResult {
        Json(self.0).into_tool_result()
    }

    fn output_schema() -> Option<Map<String, Value>> {
        Json::<T>::output_schema()
    }
}

/// A `Result` whose value is the props of a view.
pub trait Fallible {
    /// The result of the call.
    type Outcome;
}

impl<T, E> Fallible for Result<T, E> {
    type Outcome = ShownResult<T, E>;
}

/// [`Shown`], or an error. No `Result`, because rustc would explain an unmet bound in more lines.
#[derive(Debug)]
pub struct ShownResult<T, E>(pub Result<T, E>);

impl<T, E> IntoResult for ShownResult<T, E> {
    type Value = Shown<T>;
    type Error = E;

    fn into_result(self) -> Result<Shown<T>, E> {
        self.0.map(Shown)
    }
}
