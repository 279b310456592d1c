//! Elided lifetimes of a helper's types.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

/// Replaces each elided lifetime by the lifetime `name`: the boxed future borrows for that long.
pub(super) fn with_lifetime(tokens: TokenStream, name: &str) -> TokenStream {
    let lifetime = |span: Span| {
        let mut quote = Punct::new('\'', Spacing::Joint);
        quote.set_span(span);
        [TokenTree::Punct(quote), TokenTree::Ident(Ident::new(name, span))]
    };
    let mut output = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut after_fn = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let span = punct.span();
                output.extend([TokenTree::Punct(punct)]);
                let named =
                    matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                if !named {
                    output.extend(lifetime(span));
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(ident)) if *ident == "_" => {
                    let span = ident.span();
                    tokens.next();
                    output.extend(lifetime(span));
                }
                _ => output.extend([TokenTree::Punct(punct)]),
            },
            // The lifetimes of a closure's parameters are the closure's own.
            TokenTree::Group(group) if after_fn => output.extend([TokenTree::Group(group)]),
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
                let mut replaced =
                    Group::new(group.delimiter(), with_lifetime(group.stream(), name));
                replaced.set_span(group.span());
                output.extend([TokenTree::Group(replaced)]);
            }
            TokenTree::Ident(ident) => {
                after_fn = ["fn", "Fn", "FnMut", "FnOnce"].iter().any(|word| ident == word);
                output.extend([TokenTree::Ident(ident)]);
                continue;
            }
            other => output.extend([other]),
        }
        after_fn = false;
    }
    output
}
