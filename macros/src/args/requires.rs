//! `#[requires(..)]`: scopes, and `crate`.

use darling::{FromMeta, ast::NestedMeta};
use proc_macro2::{Span, TokenStream};
use syn::{Path, spanned::Spanned};

use super::{Parsed, default_crate, is_crate, scopes::Scopes, value::CratePath};
use crate::errors::Errors;

/// Parses `#[requires("repo", crate = ::path)]`.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Parsed<Scopes> {
    let krate: Path = default_crate();
    let span = tokens.span();
    let Some(mut items) = errors.take(NestedMeta::parse_meta_list(tokens)) else {
        return Parsed { krate, args: None };
    };
    let before = errors.len();
    let given = items.iter().position(is_crate).map(|at| items.remove(at));
    let given = given.and_then(|item| errors.take(CratePath::from_nested_meta(&item)));
    let krate = given.map_or(krate, |path| path.0);
    if items.is_empty() && errors.len() == before {
        let message = "name the scopes that the helper needs: `#[requires(\"repo:read\")]`";
        errors.push(syn::Error::new(Span::call_site(), message));
        return Parsed { krate, args: None };
    }
    let scopes = errors.take(Scopes::from_items(&items, span));
    Parsed { krate, args: scopes.filter(|_| errors.len() == before) }
}
