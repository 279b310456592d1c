//! Rules for arguments: `range`, `length`, `pattern` and `one_of`.
//!
//! A default or an example that is a literal is checked here, so that it is an error of the
//! compiler; the server checks every other default when it starts.

use std::cmp::Ordering;

use proc_macro2::Span;
use quote::ToTokens;
use regex_lite::Regex;
use syn::{Error, Expr, ExprRange, LitStr, RangeLimits, Result, Type};

use super::{
    known::{Known, Number},
    types::last_ident,
};
use crate::{
    args::{
        argument::{Bounds, Default},
        value::{Keyed, Text, Texts},
    },
    suggest,
};

/// A rule, with the span of its key.
pub(crate) struct Rule {
    pub(crate) key: Span,
    pub(crate) kind: RuleKind,
}

pub(crate) enum RuleKind {
    Range(Limits),
    Length(Limits),
    Pattern(LitStr),
    OneOf(Vec<LitStr>),
}

/// Limits, both included; `None` is no limit.
pub(crate) struct Limits {
    pub(crate) min: Option<Expr>,
    pub(crate) max: Option<Expr>,
}

/// The names of the number types.
pub(super) const NUMBERS: [&str; 14] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64",
];

impl Rule {
    pub(super) fn range(range: Keyed<Bounds>, ty: &str) -> Result<Self> {
        let help = "`length(..)` limits strings and collections";
        check_type("range", "numbers", help, ty, range.key, |ty| {
            !["String", "bool", "Vec", "char"].contains(&ty)
        })?;
        let limits = Limits::new(range.value.0)?;
        limits.check_numbers(ty)?;
        Ok(Self { key: range.key, kind: RuleKind::Range(limits) })
    }

    pub(super) fn length(length: Keyed<Bounds>, ty: &str) -> Result<Self> {
        let help = "`range(..)` limits numbers";
        check_type("length", "strings and collections", help, ty, length.key, |ty| !is_scalar(ty))?;
        let limits = Limits::new(length.value.0)?;
        limits.check_lengths()?;
        Ok(Self { key: length.key, kind: RuleKind::Length(limits) })
    }

    pub(super) fn pattern(pattern: Keyed<Text>, ty: &str) -> Result<Self> {
        check_text("pattern", ty, pattern.key)?;
        let Text(text) = pattern.value;
        if let Err(error) = Regex::new(&text.value()) {
            let message = format!("`{}` is not a regular expression: {error}", text.value());
            return Err(Error::new(text.span(), message));
        }
        Ok(Self { key: pattern.key, kind: RuleKind::Pattern(text) })
    }

    pub(super) fn one_of(list: Keyed<Texts>, ty: &str) -> Result<Self> {
        check_text("one_of", ty, list.key)?;
        let Texts(texts) = list.value;
        if texts.is_empty() {
            let message =
                "`one_of` is empty, so it accepts no value\nhelp: write `one_of(\"a\", \"b\")`";
            return Err(Error::new(list.key, message));
        }
        for (at, text) in texts.iter().enumerate() {
            if texts[..at].contains(text) {
                let message = format!("`{}` is listed twice", text.value());
                return Err(Error::new(text.span(), message));
            }
        }
        Ok(Self { key: list.key, kind: RuleKind::OneOf(texts) })
    }

    /// Checks a default against the rule. `None`, of an optional argument, satisfies every rule.
    pub(super) fn check_default(&self, default: &Default, key: Span, ty: &Type) -> Result<()> {
        let value = match default {
            Default::Value(value) => return self.check_value(value, "the default"),
            Default::OfType => match last_ident(ty).map(ToString::to_string).as_deref() {
                Some("String") => Known::Text(String::new()),
                Some(ty) if NUMBERS.contains(&ty) => Known::Number(Number::Int(0)),
                _ => return Ok(()),
            },
        };
        self.check(&value).map_err(|broken| {
            let shown = if let Known::Text(_) = value { "\"\"" } else { "0" };
            Error::new(key, format!("the default `{shown}` {broken}"))
        })
    }

    /// Checks a value that is a literal.
    pub(super) fn check_value(&self, value: &Expr, what: &str) -> Result<()> {
        let Some(known) = Known::new(value) else { return Ok(()) };
        self.check(&known).map_err(|broken| {
            let shown = value.to_token_stream().to_string().replace("- ", "-");
            Error::new_spanned(value, format!("{what} `{shown}` {broken}"))
        })
    }

    /// The rule that the value breaks, in words.
    fn check(&self, value: &Known) -> std::result::Result<(), String> {
        match (&self.kind, value) {
            (RuleKind::Range(limits), Known::Number(number)) if !limits.contain(*number) => {
                Err(format!("is outside of `range({})`", limits.shown()))
            }
            (RuleKind::Length(limits), Known::Text(text)) => {
                let length = text.chars().count();
                let number = Number::Int(length.try_into().unwrap_or(i128::MAX));
                if limits.contain(number) {
                    return Ok(());
                }
                let noun = if length == 1 { "character" } else { "characters" };
                Err(format!("has {length} {noun}, which `length({})` excludes", limits.shown()))
            }
            (RuleKind::Pattern(pattern), Known::Text(text)) => {
                let fits = Regex::new(&pattern.value()).is_ok_and(|regex| regex.is_match(text));
                if fits { Ok(()) } else { Err(format!("does not match `{}`", pattern.value())) }
            }
            (RuleKind::OneOf(texts), Known::Text(text)) => {
                let texts: Vec<_> = texts.iter().map(LitStr::value).collect();
                if texts.contains(text) {
                    return Ok(());
                }
                let known = texts.iter().map(String::as_str);
                Err(format!("is not in `one_of`\nhelp: {}", suggest::help(text, known, "it lists")))
            }
            _ => Ok(()),
        }
    }
}

fn is_scalar(ty: &str) -> bool {
    NUMBERS.contains(&ty) || ["bool", "char"].contains(&ty)
}

fn check_text(key: &str, ty: &str, span: Span) -> Result<()> {
    let help = "`range(..)` limits numbers, and `length(..)` collections";
    check_type(key, "strings", help, ty, span, |ty| !is_scalar(ty) && ty != "Vec")
}

/// Fails if a rule is not for a type that is known by its name. For an alias the error is one of
/// rustc, and longer.
fn check_type(
    key: &str,
    is_for: &str,
    help: &str,
    ty: &str,
    span: Span,
    fits: impl Fn(&str) -> bool,
) -> Result<()> {
    if fits(ty) {
        return Ok(());
    }
    let message = format!("`{key}` is for {is_for}, not for `{ty}`\nhelp: {help}");
    Err(Error::new(span, message))
}

impl Limits {
    fn new(range: ExprRange) -> Result<Self> {
        if let (RangeLimits::HalfOpen(dots), Some(_)) = (&range.limits, &range.end) {
            let message = "the end of a range is included\nhelp: write `..=`";
            return Err(Error::new_spanned(dots, message));
        }
        if range.start.is_none() && range.end.is_none() {
            let message = "this range has neither a start nor an end\nhelp: write `1..`, `..=100` or `1..=100`";
            return Err(Error::new_spanned(&range, message));
        }
        let number = |end: &Option<Box<Expr>>| end.as_deref().and_then(Number::new);
        if let (Some(min), Some(max)) = (number(&range.start), number(&range.end))
            && min.compare(max) == Some(Ordering::Greater)
        {
            let message = "this range is empty: it ends before it starts";
            return Err(Error::new_spanned(&range, message));
        }
        Ok(Self { min: range.start.map(|min| *min), max: range.end.map(|max| *max) })
    }

    /// Checks that the numbers are of the argument's type, where that is known.
    fn check_numbers(&self, ty: &str) -> Result<()> {
        let is_float = match ty {
            "f32" | "f64" => true,
            ty if NUMBERS.contains(&ty) => false,
            _ => return Ok(()),
        };
        for end in [&self.min, &self.max].into_iter().flatten() {
            let shown = end.to_token_stream().to_string().replace("- ", "-");
            let help = match Number::new(end) {
                Some(Number::Int(number)) if is_float => format!("write `{number}.0`"),
                Some(Number::Float(_)) if !is_float => "write a whole number".to_owned(),
                _ => continue,
            };
            let message = format!("`{shown}` is not a number of type `{ty}`\nhelp: {help}");
            return Err(Error::new_spanned(end, message));
        }
        Ok(())
    }

    fn check_lengths(&self) -> Result<()> {
        for end in [&self.min, &self.max].into_iter().flatten() {
            let fits = match Number::new(end) {
                Some(Number::Int(number)) => number >= 0,
                Some(Number::Float(_)) => false,
                None => true,
            };
            if !fits {
                let message =
                    "a length is a whole number\nhelp: write 0 or more, without a fraction";
                return Err(Error::new_spanned(end, message));
            }
        }
        Ok(())
    }

    /// Whether a number is within the limits. One that is not a literal is ignored here.
    fn contain(&self, number: Number) -> bool {
        let end = |end: &Option<Expr>| end.as_ref().and_then(Number::new);
        let below = end(&self.min).and_then(|min| number.compare(min)) == Some(Ordering::Less);
        let above = end(&self.max).and_then(|max| number.compare(max)) == Some(Ordering::Greater);
        !below && !above
    }

    /// `1..=100`, as in the attribute.
    fn shown(&self) -> String {
        let end = |end: &Option<Expr>| {
            end.as_ref().map(|end| end.to_token_stream().to_string().replace("- ", "-"))
        };
        match (end(&self.min), end(&self.max)) {
            (min, Some(max)) => format!("{}..={max}", min.unwrap_or_default()),
            (min, None) => format!("{}..", min.unwrap_or_default()),
        }
    }
}
