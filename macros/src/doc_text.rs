//! Doc comments as text.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of the doc comments among `attrs`, as markdown.
pub(crate) fn doc_text(attrs: &[Attribute]) -> String {
    let mut text = String::new();
    for attr in attrs {
        if !attr.path().is_ident("doc") {
            continue;
        }
        let Meta::NameValue(pair) = &attr.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        let line = line.value();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
    }
    text.trim().to_owned()
}

/// The value of `#[doc = include_str!(..)]`, which is expanded after this macro.
pub(crate) fn expanded_later(attrs: &[Attribute]) -> Option<&Expr> {
    attrs.iter().filter(|attr| attr.path().is_ident("doc")).find_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if matches!(pair.value, Expr::Macro(_)) => Some(&pair.value),
        _ => None,
    })
}

/// Inserts an attribute after the doc comments, where readers expect it.
pub(crate) fn with_attribute(attrs: &[Attribute], attribute: &TokenStream) -> TokenStream {
    let at = attrs.iter().position(|attr| !attr.path().is_ident("doc")).unwrap_or(attrs.len());
    let (docs, others) = attrs.split_at(at);
    quote!(#(#docs)* #attribute #(#others)*)
}
