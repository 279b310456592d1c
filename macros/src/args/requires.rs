//! `#[requires(..)]`: scopes, and `crate`.

use darling::{FromMeta, ast::NestedMeta};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::{Path, spanned::Spanned};

use super::{Parsed, default_crate, is_crate, scopes::Scopes, value::CratePath};
use crate::errors::Errors;

/// The error for `#[requires(["a", "b"])]`.
fn list(tokens: &TokenStream) -> Option<syn::Error> {
    let mut all = tokens.clone().into_iter();
    let (Some(TokenTree::Group(group)), None) = (all.next(), all.next()) else { return None };
    if group.delimiter() != Delimiter::Bracket {
        return None;
    }
    let scopes = group.stream().to_string();
    let message =
        format!("`#[requires]` takes scopes without brackets\nhelp: write `#[requires({scopes})]`");
    Some(syn::Error::new(group.span_open(), message))
}

/// Parses `#[requires("repo", crate = ::path)]`.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Parsed<Scopes> {
    let krate: Path = default_crate();
    let span = tokens.span();
    if let Some(error) = list(&tokens) {
        errors.push(error);
        return Parsed { krate, args: None, is_described: false };
    }
    let Some(mut items) = errors.take(NestedMeta::parse_meta_list(tokens)) else {
        return Parsed { krate, args: None, is_described: false };
    };
    let before = errors.len();
    let given = items.iter().position(is_crate).map(|at| items.remove(at));
    let given = given.and_then(|item| errors.take(CratePath::from_nested_meta(&item)));
    let krate = given.map_or(krate, |path| path.0);
    if items.is_empty() && errors.len() == before {
        let message = "name the scopes that the helper needs: `#[requires(\"repo:read\")]`";
        errors.push(syn::Error::new(Span::call_site(), message));
        return Parsed { krate, args: None, is_described: false };
    }
    let scopes = errors.take(Scopes::from_items(&items, span));
    Parsed { krate, args: scopes.filter(|_| errors.len() == before), is_described: false }
}
