//! Function-like macros.

/// Makes a table of tools for [`Server::tools`](crate::Server::tools): `tools![list_issues, issues::close]`.
///
/// The table is a constant. A path that is not a tool, a tool that is listed twice, and two tools of
/// one name are compile errors.
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

/// Makes a path of a provider's API, in which every value is percent-encoded as one segment.
///
/// So a value cannot leave its segment: `/`, `..` and `?` have no special meaning in it.
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

/// Creates a [`Server`](crate::Server) with the name and the version of the calling crate.
#[macro_export]
macro_rules! server {
    () => {
        $crate::Server::new(::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_PKG_VERSION"))
    };
}
