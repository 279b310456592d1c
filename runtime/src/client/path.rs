//! Paths of an API, in which a value is one segment and nothing else.

use std::fmt::{self, Display, Write};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, ErrorKind};

/// In a value, all but the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// In a literal, what no path may hold as it is; `%` stays, so that a literal can be encoded.
const LITERAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The longest value, in bytes: no API has longer segments, and a model can be made to repeat.
const LONGEST: usize = 4096;

/// A path below the provider's API; [`path!`](crate::path) makes it, or a literal.
///
/// # Security
///
/// Whatever a value holds, it stays one segment: `/`, `%`, `?`, `#`, `\` and all but the
/// unreserved characters are percent-encoded. `.` and `..` mean something in every encoding, and
/// nothing at all would shorten the path, so these three are refused. The refusal surfaces when
/// the request is sent, so that building one needs no `?`; nothing is sent then.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// The caller's: a value that cannot be a segment.
    Value(String),
    /// The tool's: a literal that is no path.
    Literal(String),
}

impl Path {
    /// The literals with the values between them; what [`path!`](crate::path) expands to.
    pub fn from_parts(literals: &[&'static str], values: &[&dyn Display]) -> Self {
        // With something harmless for the values, since `/{a}/{b}` is not `//`.
        let mut path = Self { text: String::new(), fault: literal_fault(&literals.join("x")) };
        let mut values = values.iter();
        for literal in literals {
            // Writing to a string cannot fail.
            let _ = write!(path.text, "{}", utf8_percent_encode(literal, LITERAL));
            if let Some(value) = values.next() {
                path.push(*value);
            }
        }
        // Pieces of a segment that are harmless alone may be dots together: `.{a}` with `.`.
        if path.fault.is_none() && has_dot_segment(&path.text) {
            path.fault =
                Some(Fault::Value("a segment of the request's path is `.` or `..`".into()));
        }
        path
    }

    fn push(&mut self, value: &dyn Display) {
        let mut text = String::new();
        // `to_string` panics where a `Display` fails.
        let fault = match write!(text, "{value}") {
            Err(fmt::Error) => "cannot be written",
            Ok(()) if text.is_empty() => "is empty",
            Ok(()) if text == "." || text == ".." => "is `.` or `..`",
            Ok(()) if text.len() > LONGEST => "is too long",
            Ok(()) => {
                let _ = write!(self.text, "{}", utf8_percent_encode(&text, SEGMENT));
                return;
            }
        };
        let before = &self.text;
        self.fault.get_or_insert_with(|| {
            Fault::Value(format!("the value after `{before}` in the request's path {fault}"))
        });
    }

    pub(super) fn into_text(self) -> Result<String, Error> {
        match self.fault {
            None => Ok(self.text),
            Some(Fault::Value(fault)) => Err(Error::with_kind(
                ErrorKind::InvalidArgument,
                format!("{fault}, so nothing was asked for; correct the arguments and call again"),
            )),
            Some(Fault::Literal(fault)) => Err(Error::internal(fault)),
        }
    }
}

/// Why the literals of a path are none, whatever the values between them.
fn literal_fault(literal: &str) -> Option<Fault> {
    let fault = if !literal.starts_with('/') || literal.starts_with("//") {
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
    Some(Fault::Literal(format!("`{literal}` is not a path of an API: one {fault}")))
}

/// URL parsers take `%2e` for a dot, so it counts as one here.
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        let segment = segment.replace("%2e", ".").replace("%2E", ".");
        segment == "." || segment == ".."
    })
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a request may be for: a [`path!`](crate::path) or a literal, never a `String`.
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
    /// The path.
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
            path.fault = Some(Fault::Literal(format!(
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
    fn dots_nothing_and_too_much_are_refused() {
        let long = "x".repeat(LONGEST + 1);
        for value in ["", ".", "..", &long] {
            let error =
                Path::from_parts(&["/repos/", "/issues"], &[&value]).into_text().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("after `/repos/`"), "{error}");
            assert!(error.message().len() < 200, "{error}");
        }
        // Harmless alone, dots together.
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
    fn a_literal_that_is_no_path_is_the_servers_fault() {
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
