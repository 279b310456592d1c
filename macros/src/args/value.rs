//! Values that several attributes have.

use darling::{Error, FromMeta, Result, ast::NestedMeta};
use proc_macro2::Span;
use syn::{Expr, ExprLit, Lit, LitBool, LitStr, Meta, Path, spanned::Spanned};

use crate::suggest;

/// A value with the span of its key.
pub(crate) struct Keyed<T> {
    pub(crate) key: Span,
    pub(crate) value: T,
}

impl<T: FromMeta> FromMeta for Keyed<T> {
    fn from_meta(item: &Meta) -> Result<Self> {
        Ok(Self { key: item.path().span(), value: T::from_meta(item)? })
    }
}

/// `key = "text"`
pub(crate) struct Text(pub(crate) LitStr);

impl FromMeta for Text {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = " = \"..\"";
        let value = value_of(item, form)?;
        text(value).map(Self).ok_or_else(|| written(item.path(), form).with_span(value))
    }
}

/// `key` or `key = true`
#[derive(Clone, Copy)]
pub(crate) struct Switch {
    pub(crate) on: bool,
    pub(crate) span: Span,
}

impl FromMeta for Switch {
    fn from_meta(item: &Meta) -> Result<Self> {
        let span = item.path().span();
        let form = " = true";
        let on = match item {
            Meta::Path(_) => true,
            Meta::List(_) => return Err(written(item.path(), form).with_span(&span)),
            Meta::NameValue(pair) => match ungroup(&pair.value) {
                Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value, .. }), .. }) => *value,
                other => return Err(written(item.path(), form).with_span(other)),
            },
        };
        Ok(Self { on, span })
    }
}

/// `key("a", "b")` or `key = "a"`
pub(crate) struct Texts(pub(crate) Vec<LitStr>);

impl FromMeta for Texts {
    fn from_meta(item: &Meta) -> Result<Self> {
        let fault = || written(item.path(), "(\"..\")");
        match item {
            Meta::Path(path) => Err(fault().with_span(path)),
            Meta::NameValue(pair) => match ungroup(&pair.value) {
                Expr::Array(list) => list
                    .elems
                    .iter()
                    .map(|element| text(element).ok_or_else(|| fault().with_span(element)))
                    .collect::<Result<_>>()
                    .map(Self),
                value => {
                    text(value).map(|text| Self(vec![text])).ok_or_else(|| fault().with_span(value))
                }
            },
            Meta::List(list) => NestedMeta::parse_meta_list(list.tokens.clone())?
                .iter()
                .map(|item| match item {
                    NestedMeta::Lit(Lit::Str(text)) => Ok(text.clone()),
                    other => Err(fault().with_span(other)),
                })
                .collect::<Result<_>>()
                .map(Self),
        }
    }
}

/// The value that a word stands for, where a key takes one of several words.
pub(crate) fn word<T: Copy>(item: &Meta, words: &[(&'static str, T)]) -> Result<T> {
    let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
    let form = format!(" = {}", names[0]);
    let value = value_of(item, &form)?;
    let word = path(value).and_then(|path| path.get_ident().cloned()).ok_or_else(|| {
        unquoted(item, value, &names)
            .unwrap_or_else(|| written(item.path(), &form))
            .with_span(value)
    })?;
    let name = word.to_string();
    let found = words.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let key = darling::util::path_to_string(item.path());
        let help = suggest::help(&name, names.iter().copied(), "its values are");
        Error::custom(format!("`{key}` has no value `{name}`\nhelp: {help}")).with_span(&word)
    })
}

/// The error for a word in quotes: `key = "word"`.
pub(crate) fn unquoted(item: &Meta, value: &Expr, words: &[&str]) -> Option<Error> {
    let word = text(value)?.value();
    let key = darling::util::path_to_string(item.path());
    let message = format!("the value of `{key}` cannot be quoted\nhelp: write `{key} = {word}`");
    words.contains(&word.as_str()).then(|| Error::custom(message))
}

/// `key = path`
pub(crate) struct PathValue(pub(crate) Path);

impl FromMeta for PathValue {
    fn from_meta(item: &Meta) -> Result<Self> {
        let value = value_of(item, " = path")?;
        path(value).map(Self).ok_or_else(|| written(item.path(), " = path").with_span(value))
    }
}

/// `crate = ::path`. A relative path would name something else in every module.
pub(crate) struct CratePath(pub(crate) Path);

impl FromMeta for CratePath {
    fn from_meta(item: &Meta) -> Result<Self> {
        let PathValue(path) = PathValue::from_meta(item)?;
        let starts = path.segments.first().map(|segment| segment.ident.to_string());
        if path.leading_colon.is_some() || matches!(starts.as_deref(), Some("crate" | "$crate")) {
            return Ok(Self(path));
        }
        let message = "`crate` is an absolute path: `crate = ::toolgate`";
        Err(Error::custom(message).with_span(&path))
    }
}

/// The value of `key = value`.
pub(crate) fn value_of<'m>(item: &'m Meta, form: &str) -> Result<&'m Expr> {
    match item {
        Meta::NameValue(pair) => Ok(ungroup(&pair.value)),
        Meta::Path(_) | Meta::List(_) => Err(written(item.path(), form).with_span(item.path())),
    }
}

/// The tokens of `key(..)`.
pub(crate) fn list_of<'m>(item: &'m Meta, form: &str) -> Result<&'m proc_macro2::TokenStream> {
    match item {
        Meta::List(list) => Ok(&list.tokens),
        Meta::Path(_) | Meta::NameValue(_) => {
            Err(written(item.path(), form).with_span(item.path()))
        }
    }
}

/// The error for a key that is written in another form than `key` with `form` after it.
pub(crate) fn written(key: &Path, form: &str) -> Error {
    let key = darling::util::path_to_string(key);
    Error::custom(format!("`{key}` is written `{key}{form}`"))
}

/// A string literal.
pub(crate) fn text(value: &Expr) -> Option<LitStr> {
    match ungroup(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}

/// A path without generic arguments.
pub(crate) fn path(value: &Expr) -> Option<Path> {
    match ungroup(value) {
        Expr::Path(path) if path.qself.is_none() => Some(path.path.clone()),
        _ => None,
    }
}

/// Looks through the invisible delimiters around a fragment of a `macro_rules!`.
pub(crate) fn ungroup(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}
