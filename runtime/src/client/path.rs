//! Paths of an API, in which each value is exactly one segment.

use std::fmt::{self, Display, Write};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    error::{Error, ErrorKind},
    trace::PathTemplate,
};

/// Encoded in a value: all but the unreserved characters of RFC 3986 §2.3.
const VALUE_ENCODE_SET: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encoded in a literal: characters that no path may contain. `%` is kept, so that a literal can be
/// encoded already.
const LITERAL_ENCODE_SET: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The longest value, in bytes. A model may produce much longer ones than any API has.
const MAX_VALUE_LEN: usize = 4096;

/// A path below the provider's API: a [`path!`](crate::path) or a literal.
///
/// # Security
///
/// Any value stays one segment: `/`, `%`, `?`, `#`, `\` and all but the unreserved characters are
/// percent-encoded. `.` and `..` have a meaning in every encoding, and an empty value would shorten
/// the path, so these three are errors. They are errors of sending the request, so that building one
/// needs no `?`; nothing is sent then.
///
/// ```
/// use toolgate::{AuthedClient, ErrorKind, path};
/// # use toolgate::prelude::*;
/// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Reads.
/// #     #[scope("repo:read", access = read)]
/// #     Read,
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let forge: AuthedClient<Forge> = AuthedClient::testing_with(|_| unreachable!("nothing is sent"));
/// let repo = "..";
/// let error = forge.delete(path!("/repos/{repo}")).send().await.unwrap_err();
/// assert_eq!(*error.kind(), ErrorKind::InvalidArgument);
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    /// The same with `{}` for each value: for the log.
    template: PathTemplate,
    error: Option<PathError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathError {
    /// A value that cannot be a segment: an error of the caller.
    Value(String),
    /// A literal that is not a path: an error in the tool.
    Literal(String),
}

impl Path {
    /// Joins the literals with the values between them. [`path!`](crate::path) expands to this.
    pub fn from_parts(literals: &[&'static str], values: &[&dyn Display]) -> Self {
        // With a harmless text for the values, because `/{a}/{b}` is not `//`.
        let error = literal_error(&literals.join("x"));
        let mut path = Self { text: String::new(), template: PathTemplate::new(literals), error };
        let mut values = values.iter();
        for literal in literals {
            // Writing to a string cannot fail.
            let _ = write!(path.text, "{}", utf8_percent_encode(literal, LITERAL_ENCODE_SET));
            if let Some(value) = values.next() {
                path.push(*value);
            }
        }
        // A literal and a value may form a dot segment together: `.{a}` with `.`.
        if path.error.is_none() && has_dot_segment(&path.text) {
            path.error =
                Some(PathError::Value("a segment of the request's path is `.` or `..`".into()));
        }
        path
    }

    fn push(&mut self, value: &dyn Display) {
        let mut text = String::new();
        // `to_string` panics where a `Display` fails.
        let problem = match write!(text, "{value}") {
            Err(fmt::Error) => "cannot be written",
            Ok(()) if text.is_empty() => "is empty",
            Ok(()) if text == "." || text == ".." => "is `.` or `..`",
            Ok(()) if text.len() > MAX_VALUE_LEN => "is too long",
            Ok(()) => {
                let _ = write!(self.text, "{}", utf8_percent_encode(&text, VALUE_ENCODE_SET));
                return;
            }
        };
        let before = &self.text;
        self.error.get_or_insert_with(|| {
            PathError::Value(format!("the value after `{before}` in the request's path {problem}"))
        });
    }

    /// The path with `{}` for each value.
    pub(super) fn template(&self) -> &PathTemplate {
        &self.template
    }

    pub(super) fn into_text(self) -> Result<String, Error> {
        match self.error {
            None => Ok(self.text),
            Some(PathError::Value(error)) => Err(Error::with_kind(
                ErrorKind::InvalidArgument,
                format!("{error}, so no request was sent; correct the arguments and call again"),
            )),
            Some(PathError::Literal(error)) => Err(Error::internal(error)),
        }
    }
}

/// Checks the literals of a path, whatever the values between them.
fn literal_error(literal: &str) -> Option<PathError> {
    let rule = if !literal.starts_with('/') || literal.starts_with("//") {
        "begins with one `/`, and the API's base URL comes before it"
    } else if literal.contains(['?', '#']) {
        "has neither a query nor a fragment: use `.query(..)`"
    } else if literal.contains('\\') || literal.contains("://") {
        "has no `\\` and no `://`"
    } else if has_dot_segment(literal) {
        "has no `.` or `..` segment"
    } else {
        return None;
    };
    Some(PathError::Literal(format!("`{literal}` is not a path of an API: one {rule}")))
}

/// `%2e` counts as a dot, as in URL parsers.
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        let segment = segment.replace("%2e", ".").replace("%2E", ".");
        segment == "." || segment == ".."
    })
}

impl fmt::Debug for Path {
    // Without the values, which are arguments of calls.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.template.to_string()).finish()
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A conversion into the path of a request, from a [`path!`](crate::path) or a literal, but not from
/// a `String`.
///
/// ```compile_fail,E0277
/// use toolgate::client::IntoPath;
///
/// let owner = "alice";
/// format!("/repos/{owner}").into_path();
/// ```
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not a path",
    label = "not a path",
    note = "a value could climb out of its place; write `path!(\"/repos/{{owner}}\")`"
)]
pub trait IntoPath {
    /// Converts into the path.
    fn into_path(self) -> Path;
}

#[diagnostic::do_not_recommend]
impl IntoPath for Path {
    fn into_path(self) -> Path {
        self
    }
}

#[diagnostic::do_not_recommend]
impl IntoPath for &'static str {
    fn into_path(self) -> Path {
        let mut path = Path::from_parts(&[self], &[]);
        if self.contains(['{', '}']) {
            path.error = Some(PathError::Literal(format!(
                "`{self}` names a value, which only `path!(\"{self}\")` puts in its place"
            )));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use url::Url;

    use super::*;

    const HOSTILE: [&str; 32] = [
        "a/b",
        "..%2f",
        "%2e%2e",
        "%2E.",
        "..\\..",
        "../..",
        "a?b",
        "a#b",
        "a b",
        "\u{0}",
        "\r\nHost: x",
        "é",
        "\u{202e}",
        "//evil.example",
        "https://evil.example",
        "@evil.example",
        ":80",
        ";a=b",
        "%",
        "%00",
        "%25",
        "...",
        "a:b@c",
        "\\\\evil.example",
        "{x}",
        "<b>",
        "\"",
        "'",
        "`",
        "\u{7f}",
        "\t",
        "~-._",
    ];

    /// One segment of the URL, and the very value when it is decoded.
    fn stays_one_segment(value: &str) {
        let base = Url::parse("https://api.example.com/v1").unwrap();
        let text = Path::from_parts(&["/repos/", "/issues"], &[&value]).into_text().unwrap();
        let url = Url::parse(&format!("{base}{text}")).unwrap();
        assert_eq!(url.origin(), base.origin(), "{value:?}");
        assert_eq!((url.query(), url.fragment()), (None, None), "{value:?}");
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        assert_eq!(segments.len(), 4, "{value:?}: {url}");
        assert_eq!((segments[0], segments[1], segments[3]), ("v1", "repos", "issues"));
        assert_eq!(percent_decode_str(segments[2]).decode_utf8().unwrap(), value);
    }

    #[test]
    fn a_hostile_value_stays_one_segment() {
        for first in HOSTILE {
            stays_one_segment(first);
            for second in HOSTILE {
                stays_one_segment(&format!("{first}{second}"));
            }
        }
        for code in 1..=0x2ff {
            let character = char::from_u32(code).unwrap();
            stays_one_segment(&format!("{character}x"));
        }
    }

    #[test]
    fn dots_empty_and_long_values_are_errors() {
        let long = "x".repeat(MAX_VALUE_LEN + 1);
        for value in ["", ".", "..", &long] {
            let error =
                Path::from_parts(&["/repos/", "/issues"], &[&value]).into_text().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("after `/repos/`"), "{error}");
            assert!(error.message().len() < 200, "{error}");
        }
        // Each is harmless, and together they are a dot segment.
        assert!(Path::from_parts(&["/", "%2e"], &[&"%2e"]).into_text().is_ok());
        for literals in [["/", "/", ""], ["/x/", "..", ""], ["/", ".", ""], ["/", "...", "/x"]] {
            let path = Path::from_parts(&literals, &[&"a", &"b"]).into_text().unwrap();
            assert_eq!(path, format!("{}a{}b{}", literals[0], literals[1], literals[2]));
        }
        assert!(Path::from_parts(&["/%2", ""], &[&"e"]).into_text().is_err());
        assert!(Path::from_parts(&["/.", ""], &[&"x"]).into_text().is_ok());
    }

    #[test]
    fn a_display_that_fails_is_an_error() {
        struct Broken;
        impl Display for Broken {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        assert!(Path::from_parts(&["/", ""], &[&Broken]).into_text().is_err());
    }

    #[test]
    fn a_literal_that_is_no_path_is_an_internal_error() {
        for literal in [
            "",
            "repos",
            "//evil.example/x",
            "https://evil.example/",
            "/a/../b",
            "/a/%2e%2E/b",
            "/.",
            "/a?b=c",
            "/a#b",
            "/a\\b",
            "/x/https://evil.example",
            "/repos/{owner}",
        ] {
            let error = literal.into_path().into_text().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Internal, "{literal}");
        }
        assert_eq!("/a/ü b/c%2Fd".into_path().into_text().unwrap(), "/a/%C3%BC%20b/c%2Fd");
        assert_eq!(Path::from_parts(&["/{x}"], &[]).to_string(), "/%7Bx%7D");
    }
}
