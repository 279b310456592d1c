//! Texts that an event may have: each type can only be made of what is no secret.

use std::{collections::BTreeSet, fmt};

use serde::{Serialize, Serializer, ser::SerializeSeq};
use url::Url;

use crate::support::escape::{MAX_LOGGED_CHARS, escape, escape_to};

/// The most members of a list.
const MAX_LISTED: usize = 32;

/// What a text is replaced by that looks like a token.
const MASKED: &str = "[masked]";

/// A text that came from outside, such as a claim or the name of a client.
///
/// It is shown on one line with at most 120 characters, and what is not printable is escaped. A text
/// in the form of a token is masked: a client may put one where it does not belong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Found<'a>(&'a str);

impl<'a> Found<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text as it came, for the audit log, which escapes it.
    pub(crate) fn unescaped(self) -> &'a str {
        self.0
    }

    fn is_token(self) -> bool {
        let prefixed = ["tgc_", "tgr_", "Bearer ", "bearer ", "DPoP ", "Basic "];
        prefixed.iter().any(|prefix| self.0.starts_with(prefix))
            || self.0.starts_with("eyJ")
            || self.0.contains(".eyJ")
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_token() { f.write_str(MASKED) } else { f.write_str(&escape(self.0)) }
    }
}

impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Found<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_token() {
            return serializer.serialize_str(MASKED);
        }
        serializer.serialize_str(&escape(self.0))
    }
}

/// A sentence for the operator, which a verifier composed. It is shown as [`Found`] is, with at most 1000
/// characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Advice<'a>(Found<'a>);

impl<'a> Advice<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(Found::new(text))
    }
}

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_token() {
            return f.write_str(MASKED);
        }
        f.write_str(&escape_to(self.0.0, MAX_LOGGED_CHARS))
    }
}

impl fmt::Debug for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Advice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Texts that came from outside, such as the scopes of a token: at most 32 are shown.
#[derive(Clone, Copy)]
pub struct FoundList<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    Set(&'a BTreeSet<String>),
    Slice(&'a [String]),
}

impl<'a> FoundList<'a> {
    /// Returns the texts that are shown.
    pub fn iter(&self) -> impl Iterator<Item = Found<'a>> + use<'a> {
        let (set, slice) = match self.0 {
            Source::Set(set) => (Some(set), None),
            Source::Slice(slice) => (None, Some(slice)),
        };
        let all = set.into_iter().flatten().chain(slice.into_iter().flatten());
        all.take(MAX_LISTED).map(|text| Found(text))
    }
}

impl<'a> From<&'a BTreeSet<String>> for FoundList<'a> {
    fn from(set: &'a BTreeSet<String>) -> Self {
        Self(Source::Set(set))
    }
}

impl<'a> From<&'a [String]> for FoundList<'a> {
    fn from(slice: &'a [String]) -> Self {
        Self(Source::Slice(slice))
    }
}

impl fmt::Debug for FoundList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for FoundList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The origin of a URL, without the rest of it.
#[derive(Clone, Copy)]
pub struct Origin<'a>(&'a Url);

impl<'a> Origin<'a> {
    pub(crate) fn of(url: &'a Url) -> Self {
        Self(url)
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0.origin().ascii_serialization()))
    }
}

impl fmt::Debug for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Origin<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The path of a request to a provider's API, as the tool declares it: with `{}` for each value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate(Template);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Template {
    Parts(Box<[&'static str]>),
    /// A link that the provider gave, such as that of the next page.
    Link,
}

impl PathTemplate {
    /// Of the literals of a path, between which are its values.
    pub(crate) fn new(literals: &[&'static str]) -> Self {
        Self(Template::Parts(literals.into()))
    }

    pub(crate) fn link() -> Self {
        Self(Template::Link)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Template::Link => f.write_str(".."),
            Template::Parts(parts) => parts.iter().enumerate().try_for_each(|(at, part)| {
                f.write_str(if at == 0 { "" } else { "{}" })?;
                f.write_str(part)
            }),
        }
    }
}

impl Serialize for PathTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Names that the code of the server declares, separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeNames(String);

impl ScopeNames {
    /// Returns the names, separated by spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromIterator<&'static str> for ScopeNames {
    fn from_iter<I: IntoIterator<Item = &'static str>>(names: I) -> Self {
        Self(names.into_iter().collect::<Vec<_>>().join(" "))
    }
}

impl Serialize for ScopeNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What a check of a token found.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum FoundValue<'a> {
    /// One text.
    Text(Found<'a>),
    /// Several.
    List(FoundList<'a>),
}

impl Serialize for FoundValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
        }
    }
}

/// Serializes what an iterator returns as a list.
pub(super) fn serialize_list<S, T>(
    serializer: S,
    items: impl Iterator<Item = T>,
) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Serialize,
{
    let mut list = serializer.serialize_seq(None)?;
    for item in items.take(MAX_LISTED) {
        list.serialize_element(&item)?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap()
    }

    #[test]
    fn a_text_from_outside_is_one_short_line_and_no_token() {
        assert_eq!(json(Found::new("a\nb")), r#""a\\u{a}b""#);
        assert!(json(Found::new(&"x".repeat(5000))).len() < 200);
        for token in ["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "Bearer x", "tgr_a.1.b"] {
            assert_eq!(json(Found::new(token)), "\"[masked]\"");
            assert_eq!(Found::new(token).to_string(), "[masked]");
            assert_eq!(format!("{:?}", Found::new(token)), "\"[masked]\"");
        }
        let many: BTreeSet<String> = (0..500).map(|n| format!("s{n}")).collect();
        assert_eq!(FoundList::from(&many).iter().count(), MAX_LISTED);
    }

    #[test]
    fn an_origin_has_no_password_and_no_path() {
        let url = Url::parse("https://a:secret@api.example:8443/v1?key=secret#secret").unwrap();
        assert_eq!(json(Origin::of(&url)), "\"https://api.example:8443\"");
    }

    #[test]
    fn a_path_has_places_instead_of_values() {
        assert_eq!(
            json(PathTemplate::new(&["/repos/", "/issues/", ""])),
            "\"/repos/{}/issues/{}\""
        );
        assert_eq!(json(PathTemplate::link()), "\"..\"");
    }
}
