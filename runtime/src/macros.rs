//! The macros that are no attributes.

/// A table of tools, for `Server::tools`: `tools![list_issues, issues::close]`.
///
/// The table is a constant. What is not a tool, is named twice or has another's name does not
/// compile.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// Adds two numbers.
/// #[tool]
/// async fn add(a: i64, b: i64) -> Json<i64> {
///     Json(a + b)
/// }
///
/// assert_eq!(tools![add].entries()[0].name(), "add");
/// ```
#[macro_export]
macro_rules! tools {
    ($($tools:tt)*) => { $crate::__private::tools!($crate; $($tools)*) };
}

/// A path of a provider's API, in which every value is percent-encoded as one segment.
///
/// So a value cannot climb out of its place: neither `/` nor `..` nor `?` means anything in it.
///
/// ```
/// use toolgate::path;
///
/// let (owner, repo) = ("rust-lang", "../../admin?x");
/// let path = path!("/repos/{owner}/{repo}/issues");
/// assert_eq!(path.to_string(), "/repos/rust-lang/..%2F..%2Fadmin%3Fx/issues");
/// ```
#[macro_export]
macro_rules! path {
    ($($path:tt)*) => { $crate::__private::path!($crate; $($path)*) };
}

/// A [`Server`](crate::Server) with the name and the version of the crate that calls it.
#[macro_export]
macro_rules! server {
    () => {
        $crate::Server::new(::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_PKG_VERSION"))
    };
}
