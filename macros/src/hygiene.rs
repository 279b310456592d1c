//! Spans: where errors are reported, and which names are visible.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The location of `span`, with names that the user's code cannot see.
pub(crate) fn hygienic(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The same path, at the location of `span`. `$crate` keeps its own span, because it decides which
/// crate is meant.
pub(crate) fn respanned(path: &impl ToTokens, span: Span) -> TokenStream {
    let tokens = path.to_token_stream().into_iter().map(|mut token| {
        if !matches!(&token, TokenTree::Ident(ident) if *ident == "$crate") {
            token.set_span(span);
        }
        token
    });
    tokens.collect()
}
