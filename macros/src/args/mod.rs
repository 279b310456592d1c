//! Attributes as they were written: one struct for each, which darling fills.
//!
//! darling matches keys with fields, converts the values and gathers their errors. Values without a
//! key, unknown keys and repeated keys are found before it runs, so that the messages are ours.

#[macro_use]
mod keys;

pub(crate) mod account;
mod advice;
pub(crate) mod argument;
pub(crate) mod catalogue;
pub(crate) mod condition;
pub(crate) mod endpoint;
pub(crate) mod placeholder;
pub(crate) mod provider;
pub(crate) mod requires;
pub(crate) mod revocation;
pub(crate) mod scope;
pub(crate) mod scopes;
pub(crate) mod token_endpoint;
pub(crate) mod tool;
pub(crate) mod value;
pub(crate) mod widget;

use darling::{FromMeta, ast::NestedMeta};
use proc_macro2::{Span, TokenStream};
use syn::{Ident, Path, Token};

pub(crate) use self::keys::{Attribute, Group, Keys};
use self::value::CratePath;
use crate::errors::Errors;

/// An attribute after parsing.
pub(crate) struct Parsed<A> {
    /// The path of toolgate, known even where another key is faulty.
    pub(crate) krate: Path,
    /// `None` if an error was reported, so that nothing that depends on the values is checked.
    pub(crate) args: Option<A>,
    /// Whether a key such as `description` was reported, so that a missing doc comment is not
    /// reported as well.
    pub(crate) is_described: bool,
}

/// Parses the tokens between the parentheses of an attribute that may have a `crate` key.
pub(crate) fn parse<A: Attribute>(tokens: TokenStream, errors: &mut Errors) -> Parsed<A> {
    let before = errors.len();
    let items = keys::parse_items::<A>(tokens, errors);
    let is_described = items.iter().any(advice::is_description);
    let mut items = keys::check_keys::<A>(items, errors);
    let krate = items.iter().position(is_crate).map(|at| items.remove(at));
    let krate = krate.and_then(|item| errors.take(CratePath::from_nested_meta(&item)));
    let args = errors.take(A::from_list(&items));
    Parsed {
        krate: krate.map_or_else(default_crate, |path| path.0),
        args: args.filter(|_| errors.len() == before),
        is_described,
    }
}

fn is_crate(item: &NestedMeta) -> bool {
    keys::path_of(item).is_some_and(|path| path.is_ident("crate"))
}

/// `::toolgate`, built without the parser, because every tool needs it.
pub(crate) fn default_crate() -> Path {
    let mut path = Path::from(Ident::new("toolgate", Span::call_site()));
    path.leading_colon = Some(Token![::](Span::call_site()));
    path
}
