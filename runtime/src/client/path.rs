//! Paths of an API, in which a value is one segment and nothing else.

use std::fmt::{self, Display, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, ErrorKind};

/// All but the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path below the provider's API; [`path!`](crate::path) makes it, or a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    /// Why it cannot be asked for. It surfaces when the request is sent, so that building a
    /// request needs no `?`.
    fault: Option<&'static str>,
}

impl Path {
    /// The literals with the values between them; what [`path!`](crate::path) expands to.
    pub fn from_parts(literals: &[&'static str], values: &[&dyn Display]) -> Self {
        let mut path = Self { text: String::new(), fault: None };
        let mut values = values.iter();
        for literal in literals {
            path.text.push_str(literal);
            let Some(value) = values.next() else { continue };
            let value = value.to_string();
            // RFC 3986 gives the dots a meaning that no encoding takes away.
            if matches!(value.as_str(), "" | "." | "..") {
                path.fault = Some("a value in the path is empty, `.` or `..`");
            }
            // Writing to a string cannot fail.
            let _ = write!(path.text, "{}", utf8_percent_encode(&value, SEGMENT));
        }
        path.check()
    }

    fn check(mut self) -> Self {
        let path = &self.text;
        if !path.starts_with('/') || path.starts_with("//") {
            self.fault = Some("a path begins with one `/`");
        } else if path.contains(['?', '#', '\\']) {
            self.fault = Some("a path has neither a query nor a fragment; use `.query(..)`");
        } else if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            self.fault = self.fault.or(Some("a path has no `.` or `..` segment"));
        }
        self
    }

    pub(super) fn into_text(self) -> Result<String, Error> {
        match self.fault {
            None => Ok(self.text),
            Some(fault) => Err(Error::of(
                ErrorKind::InvalidArgument,
                format!("{fault}, so nothing was asked for; correct the arguments and call again"),
            )),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a request may be for: a [`path!`](crate::path) or a literal, never a `String`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a path of an API",
    label = "not a path",
    note = "a value could climb out of its place; write `path!(\"/repos/{{owner}}\")`"
)]
pub trait IntoPath {
    /// The path.
    fn into_path(self) -> Path;
}

impl IntoPath for Path {
    fn into_path(self) -> Path {
        self
    }
}

impl IntoPath for &'static str {
    fn into_path(self) -> Path {
        Path::from_parts(&[self], &[])
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_hostile_value_stays_one_segment() {
        let base = Url::parse("https://api.example.com/v1").unwrap();
        for value in [
            "a/b",
            "..%2f",
            "%2e%2e",
            "..\\..",
            "a?b",
            "a#b",
            "a b",
            "\u{0}",
            "\r\nHost: x",
            "é",
            "//evil.example",
            "https://evil.example",
            "@evil.example",
            ":80",
            ";a=b",
            "%",
            "%00",
        ] {
            let text = Path::from_parts(&["/repos/", "/issues"], &[&value]).into_text().unwrap();
            let url = Url::parse(&format!("{base}{text}")).unwrap();
            assert_eq!(url.origin(), base.origin(), "{value:?}");
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            assert_eq!(segments.len(), 4, "{value:?}: {url}");
            assert_eq!((segments[0], segments[1], segments[3]), ("v1", "repos", "issues"));
            assert_eq!((url.query(), url.fragment()), (None, None), "{value:?}");
        }
    }

    #[test]
    fn dots_and_nothing_are_refused() {
        for value in ["", ".", ".."] {
            let path = Path::from_parts(&["/repos/", "/issues"], &[&value]);
            let error = path.into_text().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::InvalidArgument);
        }
        for literal in ["repos", "//evil.example/x", "/a/../b", "/a?b=c", "/a\\b"] {
            assert!(literal.into_path().into_text().is_err(), "{literal}");
        }
    }
}
