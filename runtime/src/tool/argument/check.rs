//! Rules of `#[arg(..)]`: one constant is both part of the schema and the check of a call.

use std::{
    collections::HashMap,
    fmt::Display,
    sync::{LazyLock, Mutex, PoisonError},
};

use regex_lite::Regex;
use serde_json::{Map, Value};

use crate::error::{ConfigError, Rule};

/// A rule for values of type `T`.
#[diagnostic::on_unimplemented(
    message = "an argument of type `{T}` cannot have this rule",
    label = "not a rule for `{T}`",
    note = "`range` is for numbers, `length` for strings and collections, `pattern` and `one_of` for strings"
)]
pub trait Check<T: ?Sized>: Sync {
    /// Checks `value`. The error never contains it.
    ///
    /// # Errors
    ///
    /// `value` breaks the rule; the error is the rule in words.
    fn check(&self, value: &T) -> Result<(), String>;

    /// Returns which rule it is, for [`trace`](crate::trace).
    fn rule(&self) -> Rule;

    /// Writes the rule into the argument's schema.
    fn describe(&self, schema: &mut Map<String, Value>);

    /// Checks the rule itself, once, when the server starts.
    ///
    /// # Errors
    ///
    /// The rule is not sound.
    fn verify(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

macro_rules! for_options {
    ($($rule:ty: $value:ty $(, $N:ident)?;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl$(<$N: Number>)? Check<Option<$value>> for $rule {
            fn check(&self, value: &Option<$value>) -> Result<(), String> {
                value.as_ref().map_or(Ok(()), |value| self.check(value))
            }

            fn rule(&self) -> Rule {
                Check::<$value>::rule(self)
            }

            fn describe(&self, schema: &mut Map<String, Value>) {
                Check::<$value>::describe(self, schema);
            }

            fn verify(&self) -> Result<(), ConfigError> {
                Check::<$value>::verify(self)
            }
        }
    )*};
}

for_options! {
    Range<N>: N, N;
    Pattern: String;
    OneOf: String;
}

/// A number.
pub trait Number: Copy + PartialOrd + Display + Into<Value> + Send + Sync + 'static {}

macro_rules! numbers {
    ($($T:ty)*) => { $(impl Number for $T {})* };
}
numbers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64);

/// Between two numbers, both included; `None` is open.
#[derive(Debug)]
pub struct Range<N>(pub Option<N>, pub Option<N>);

/// `range(1..=100)`
pub const fn range<N>(min: N, max: N) -> Range<N> {
    Range(Some(min), Some(max))
}

/// `range(1..)`
pub const fn at_least<N>(min: N) -> Range<N> {
    Range(Some(min), None)
}

/// `range(..=100)`
pub const fn at_most<N>(max: N) -> Range<N> {
    Range(None, Some(max))
}

#[diagnostic::do_not_recommend]
impl<N: Number> Check<N> for Range<N> {
    fn check(&self, value: &N) -> Result<(), String> {
        let Self(min, max) = self;
        // Written so that NaN is in no range.
        let within = min.is_none_or(|min| *value >= min) && max.is_none_or(|max| *value <= max);
        if within { Ok(()) } else { Err(format!("must be {}", bounds(*min, *max))) }
    }

    fn rule(&self) -> Rule {
        Rule::Range
    }

    fn describe(&self, schema: &mut Map<String, Value>) {
        let Self(min, max) = self;
        // These replace the wider bounds of the type.
        for (key, bound) in [("minimum", min), ("maximum", max)] {
            if let Some(bound) = bound {
                schema.insert(key.into(), (*bound).into());
            }
        }
    }
}

fn bounds<N: Display>(min: Option<N>, max: Option<N>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any".to_owned(),
    }
}

/// A length between two numbers, both included: characters of a string, items of a collection.
#[derive(Debug)]
pub struct Length(pub Option<usize>, pub Option<usize>);

/// `length(1..=64)`
pub const fn length(min: usize, max: usize) -> Length {
    Length(Some(min), Some(max))
}

/// `length(1..)`
pub const fn min_length(min: usize) -> Length {
    Length(Some(min), None)
}

/// `length(..=64)`
pub const fn max_length(max: usize) -> Length {
    Length(None, Some(max))
}

/// A value with a length.
pub trait Measured {
    /// Returns the length, in [`Self::UNIT`]s.
    fn measure(&self) -> usize;
    /// The unit of the length.
    const UNIT: &'static str;
    /// The JSON Schema keywords of its bounds.
    const KEYWORDS: [&'static str; 2];
}

impl Measured for String {
    const KEYWORDS: [&'static str; 2] = ["minLength", "maxLength"];
    const UNIT: &'static str = "characters";

    fn measure(&self) -> usize {
        self.chars().count()
    }
}

macro_rules! collections {
    ($($T:ty: $keywords:expr $(, $K:ident)* ;)*) => {$(
        impl<$($K),*> Measured for $T {
            const KEYWORDS: [&'static str; 2] = $keywords;
            const UNIT: &'static str = "items";

            fn measure(&self) -> usize {
                self.len()
            }
        }
    )*};
}
collections! {
    Vec<T>: ["minItems", "maxItems"], T;
    std::collections::BTreeSet<T>: ["minItems", "maxItems"], T;
    std::collections::HashSet<T>: ["minItems", "maxItems"], T;
    std::collections::BTreeMap<K, V>: ["minProperties", "maxProperties"], K, V;
    HashMap<K, V>: ["minProperties", "maxProperties"], K, V;
}

impl<T: Measured> Measured for Option<T> {
    const KEYWORDS: [&'static str; 2] = T::KEYWORDS;
    const UNIT: &'static str = T::UNIT;

    fn measure(&self) -> usize {
        self.as_ref().map_or(0, Measured::measure)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Measured> Check<T> for Length {
    fn check(&self, value: &T) -> Result<(), String> {
        let Self(min, max) = self;
        let length = value.measure();
        if min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max) {
            let unit = T::UNIT;
            return Err(format!("must have {} {unit}, it has {length}", bounds(*min, *max)));
        }
        Ok(())
    }

    fn rule(&self) -> Rule {
        Rule::Length
    }

    fn describe(&self, schema: &mut Map<String, Value>) {
        for (key, bound) in T::KEYWORDS.into_iter().zip([self.0, self.1]) {
            if let Some(bound) = bound {
                schema.insert(key.into(), bound.into());
            }
        }
    }
}

/// A regular expression that the whole string or a part of it must match, as in JSON Schema:
/// anchor it with `^` and `$`.
///
/// Hosts evaluate it too, so it must be in the subset that JSON Schema recommends (§6.4): `\d`, `\w`
/// and `\s` are ASCII, and `\p{..}`, which not all hosts support, is an error at start-up.
#[derive(Debug)]
pub struct Pattern(pub &'static str);

static PATTERNS: LazyLock<Mutex<HashMap<&'static str, Regex>>> = LazyLock::new(Mutex::default);

impl Pattern {
    fn regex(&self) -> Result<Regex, regex_lite::Error> {
        let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = patterns.get(self.0) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(self.0)?;
        patterns.insert(self.0, regex.clone());
        Ok(regex)
    }
}

#[diagnostic::do_not_recommend]
impl Check<String> for Pattern {
    fn check(&self, value: &String) -> Result<(), String> {
        match self.regex() {
            Ok(regex) if regex.is_match(value) => Ok(()),
            _ => Err(format!("must match the pattern `{}`", self.0)),
        }
    }

    fn rule(&self) -> Rule {
        Rule::Pattern
    }

    fn describe(&self, schema: &mut Map<String, Value>) {
        schema.insert("pattern".into(), self.0.into());
    }

    fn verify(&self) -> Result<(), ConfigError> {
        self.regex().map(drop).map_err(|error| {
            ConfigError::new(format!("`{}` is not a regular expression: {error}", self.0))
        })
    }
}

/// One of a few strings.
#[derive(Debug)]
pub struct OneOf(pub &'static [&'static str]);

#[diagnostic::do_not_recommend]
impl Check<String> for OneOf {
    fn check(&self, value: &String) -> Result<(), String> {
        if self.0.contains(&value.as_str()) {
            return Ok(());
        }
        let known: Vec<_> = self.0.iter().map(|known| format!("`{known}`")).collect();
        Err(format!("must be one of {}", known.join(", ")))
    }

    fn rule(&self) -> Rule {
        Rule::OneOf
    }

    fn describe(&self, schema: &mut Map<String, Value>) {
        schema.insert("enum".into(), self.0.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_what_every_host_understands() {
        let fits = |pattern, text: &str| Pattern(pattern).check(&text.to_owned()).is_ok();
        assert!(fits(r"^\d+$", "12") && !fits(r"^\d+$", "١٢"));
        assert!(fits("^[a-zß-ÿ]+$", "größe") && !fits("^[a-z]+$", "größe"));
        assert!(fits(".b.", "äbö"), "what is counted are characters");
        let fault = Check::<String>::verify(&Pattern(r"^\p{L}+$")).unwrap_err().to_string();
        assert!(fault.contains("is not a regular expression"), "{fault}");
    }
}
