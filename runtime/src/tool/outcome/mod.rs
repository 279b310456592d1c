//! Results of tools: the types that a tool may return, and their conversion to MCP results.

pub(crate) mod schema;

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use rmcp::model::{CallToolResult, ContentBlock, Resource};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// The result of a call, as hosts receive it.
pub type ToolResult = Result<CallToolResult, Error>;

/// A type that a tool may return, by itself or in a [`Result`]: text, [`Json`], an [`Image`], rmcp's
/// content types, or `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a tool",
    label = "not a result",
    note = "return a `String`, `Json<T>`, `Image`, rmcp's content, `()`, or a `Result` of these",
    note = "`Json<T>` needs `#[derive(serde::Serialize, schemars::JsonSchema)]` on `T`"
)]
pub trait IntoToolResult {
    /// Converts the value to the result of a call.
    ///
    /// # Errors
    ///
    /// The tool failed, or its value cannot be written as JSON.
    fn into_tool_result(self) -> ToolResult;

    /// Returns the schema of the structured content, if there is any.
    fn output_schema() -> Option<Map<String, Value>> {
        None
    }
}

/// A value as JSON: structured content with an output schema, and the same as text for hosts that
/// read only text.
///
/// MCP revisions before 2026-07-28 accept only objects as structured content. So a value of a type
/// whose values are not all objects is sent as `{"result": value}`, in every revision.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// Counts the letters of each word.
/// #[tool]
/// async fn count_letters(words: Vec<String>) -> Json<Vec<usize>> {
///     Json(words.iter().map(|word| word.chars().count()).collect())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its media type: `image/png`.
    pub media_type: Cow<'static, str>,
}

/// A link to a resource that the host may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceLink {
    /// The resource's URI.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// Its media type, if known.
    pub media_type: Option<String>,
}

#[diagnostic::do_not_recommend]
impl IntoToolResult for () {
    fn into_tool_result(self) -> ToolResult {
        Ok(CallToolResult::success(Vec::new()))
    }
}

#[diagnostic::do_not_recommend]
impl IntoToolResult for CallToolResult {
    fn into_tool_result(self) -> ToolResult {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl IntoToolResult for Vec<ContentBlock> {
    fn into_tool_result(self) -> ToolResult {
        Ok(CallToolResult::success(self))
    }
}

macro_rules! content {
    ($($T:ty: $value:ident => $content:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl IntoToolResult for $T {
            fn into_tool_result(self) -> ToolResult {
                let $value = self;
                Ok(CallToolResult::success(vec![$content]))
            }
        }
    )*};
}

content! {
    String: text => ContentBlock::text(text);
    &'static str: text => ContentBlock::text(text);
    Cow<'static, str>: text => ContentBlock::text(text);
    ContentBlock: content => content;
    Resource: resource => ContentBlock::resource_link(resource);
    Image: image => ContentBlock::image(BASE64_STANDARD.encode(image.bytes), image.media_type);
    ResourceLink: link => {
        let mut resource = Resource::new(link.uri, link.name);
        resource.mime_type = link.media_type;
        ContentBlock::resource_link(resource)
    };
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema + 'static> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> ToolResult {
        let value = serde_json::to_value(self.0).map_err(Error::internal)?;
        let text = ContentBlock::text(value.to_string());
        let is_bare = value.is_object() && !schema::wraps::<T>();
        let structured = if is_bare { value } else { json!({ schema::WRAPPED: value }) };
        let mut result = CallToolResult::success(vec![text]);
        result.structured_content = Some(structured);
        Ok(result)
    }

    fn output_schema() -> Option<Map<String, Value>> {
        schema::of::<T>().map(|(schema, _)| schema)
    }
}

/// A value that succeeded, or a [`Result`] of one.
pub trait IntoResult {
    /// What the tool returns if it succeeds.
    type Value;
    /// What it returns if it fails.
    type Error;

    /// Returns the value or the error.
    #[allow(clippy::missing_errors_doc, reason = "it is the error of the tool")]
    fn into_result(self) -> Result<Self::Value, Self::Error>;
}

impl<T: IntoToolResult> IntoResult for T {
    type Value = T;
    type Error = Error;

    fn into_result(self) -> Result<T, Error> {
        Ok(self)
    }
}

impl<T, E> IntoResult for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        self
    }
}

/// What a tool may return: an [`IntoToolResult`], or a [`Result`] of one with an [`IntoError`].
///
/// Its one implementation is for a type parameter, so rustc lists no types that would do; it names
/// the value or the error that does not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a tool",
    label = "not a result",
    note = "return a `String`, `Json<T>`, `Image`, rmcp's content, `()`, or a `Result` of these",
    note = "`Json<T>` needs `#[derive(serde::Serialize, schemars::JsonSchema)]` on `T`"
)]
pub trait ToolOutput {
    /// Converts the output to the result of a call.
    ///
    /// # Errors
    ///
    /// As [`IntoToolResult::into_tool_result`].
    fn into_call_result(self) -> ToolResult;

    /// Returns the schema of the structured content, if there is any.
    fn output_schema() -> Option<Map<String, Value>>;
}

impl<R: IntoResult> ToolOutput for R
where
    R::Value: IntoToolResult,
    R::Error: IntoError,
{
    fn into_call_result(self) -> ToolResult {
        self.into_result().map_err(IntoError::into_error)?.into_tool_result()
    }

    fn output_schema() -> Option<Map<String, Value>> {
        <R::Value as IntoToolResult>::output_schema()
    }
}

/// An error that a tool may return: whatever `?` converts to an [`Error`].
#[diagnostic::on_unimplemented(
    message = "a tool cannot fail with `{Self}`",
    label = "does not convert to `toolgate::Error`",
    note = "implement `std::error::Error` for the type, or return `toolgate::Error::new(\"what the model should know\")`"
)]
pub trait IntoError {
    #[doc(hidden)]
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> IntoError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}
