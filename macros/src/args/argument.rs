//! `#[arg(..)]` on a parameter.

use darling::{Error, FromMeta, Result, ast::NestedMeta};
use syn::{Expr, ExprRange, Meta, parse::Parser, punctuated::Punctuated, spanned::Spanned};

use super::{
    keys,
    scope::tokens_of,
    value::{Keyed, Switch, Text, Texts, list_of, ungroup, written},
};
use crate::errors::Errors;

attribute! {
    struct ArgArgs {
        default: Option<Keyed<Default>>,
        rename: Option<Text>,
        range: Option<Keyed<Bounds>>,
        length: Option<Keyed<Bounds>>,
        pattern: Option<Keyed<Text>>,
        one_of: Option<Keyed<Texts>>,
        example: Option<Examples>,
        examples: Option<Examples>,
        flatten: Option<Switch>,
    }
}

const FLATTEN_CONFLICT: &str = "`flatten` takes no other keys, because the fields of the struct are the arguments\nhelp: write it on the field, as an attribute of serde or schemars: `#[serde(default)]`";

impl ArgArgs {
    /// All `#[arg]` of one parameter.
    pub(crate) fn parse(attributes: &[syn::Attribute], errors: &mut Errors) -> Option<Self> {
        let before = errors.len();
        let mut items = Vec::<NestedMeta>::new();
        for attribute in attributes {
            let tokens = errors.take(tokens_of(attribute))?;
            items.extend(keys::parse_items::<Self>(tokens, errors));
        }
        let items = keys::check_keys::<Self>(items, errors);
        let args = errors.take(Self::from_list(&items));
        args.filter(|_| errors.len() == before)
    }
}

impl ArgArgs {
    /// An error for each key that cannot be combined with `flatten`.
    pub(crate) fn conflicts_with_flatten(&self) -> Vec<syn::Error> {
        let rename = self.rename.as_ref().map(|name| name.0.span());
        let rules = [&self.range, &self.length].map(|rule| rule.as_ref().map(|rule| rule.key));
        let examples = [&self.example, &self.examples].map(|examples| {
            examples.as_ref().and_then(|examples| Some(examples.0.first()?.span()))
        });
        let keys = [
            self.default.as_ref().map(|default| default.key),
            self.pattern.as_ref().map(|pattern| pattern.key),
            self.one_of.as_ref().map(|list| list.key),
            rename,
        ];
        let keys = keys.into_iter().chain(rules).chain(examples).flatten();
        keys.map(|key| syn::Error::new(key, FLATTEN_CONFLICT)).collect()
    }
}

/// `default` or `default = value`
pub(crate) enum Default {
    OfType,
    Value(Expr),
}

impl FromMeta for Default {
    fn from_meta(item: &Meta) -> Result<Self> {
        match item {
            Meta::Path(_) => Ok(Self::OfType),
            Meta::NameValue(pair) => Ok(Self::Value(pair.value.clone())),
            Meta::List(list) => {
                let message = "`default` is written `default = value`, or `default` alone";
                Err(Error::custom(message).with_span(&list.path))
            }
        }
    }
}

/// `range(1..=100)`
pub(crate) struct Bounds(pub(crate) ExprRange);

impl FromMeta for Bounds {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = if item.path().is_ident("length") { "(1..=64)" } else { "(1..=100)" };
        let tokens = list_of(item, form)?;
        match syn::parse2::<Expr>(tokens.clone()) {
            Ok(Expr::Range(range)) => Ok(Self(range)),
            _ if tokens.is_empty() => Err(written(item.path(), form).with_span(item.path())),
            _ => Err(written(item.path(), form).with_span(&tokens.span())),
        }
    }
}

/// `example = value` or `examples(value, value)`
pub(crate) struct Examples(pub(crate) Vec<Expr>);

impl FromMeta for Examples {
    fn from_meta(item: &Meta) -> Result<Self> {
        match item {
            Meta::Path(path) => Err(written(path, " = value").with_span(path)),
            Meta::NameValue(pair) => Ok(Self(vec![ungroup(&pair.value).clone()])),
            Meta::List(list) => {
                let parser = Punctuated::<Expr, syn::Token![,]>::parse_terminated;
                Ok(Self(parser.parse2(list.tokens.clone())?.into_iter().collect()))
            }
        }
    }
}
