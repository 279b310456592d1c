//! Scopes as `#[tool]` and `#[requires]` are given them, not yet looked up in a catalogue.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Error, Ident, LitStr, Result, Token, bracketed, parenthesized,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::catalogue;

/// One scope: its token, with the literal it stands in, or a variant of the provider.
#[derive(Clone)]
pub(crate) enum ScopeName {
    Token(String, Span),
    Variant(Ident),
}

impl ScopeName {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Token(_, span) => *span,
            Self::Variant(variant) => variant.span(),
        }
    }
}

impl ToTokens for ScopeName {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Token(token, span) => LitStr::new(token, *span).to_tokens(tokens),
            Self::Variant(variant) => variant.to_tokens(tokens),
        }
    }
}

impl Parse for ScopeName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self::Token(literal.value(), literal.span()));
        }
        Ok(Self::Variant(input.parse()?))
    }
}

/// The scopes of one client, and where they were written.
pub(crate) struct ScopeList {
    pub(crate) names: Vec<ScopeName>,
    pub(crate) span: Span,
}

impl ScopeList {
    /// As a person would say them: `repo:read`, `user:email`.
    pub(crate) fn spoken(&self) -> String {
        let names: Vec<_> = self
            .names
            .iter()
            .map(|name| match name {
                ScopeName::Token(token, _) => format!("`{token}`"),
                ScopeName::Variant(variant) => format!("`{variant}`"),
            })
            .collect();
        let noun = if names.len() == 1 { "scope" } else { "scopes" };
        format!("{noun} {}", names.join(", "))
    }

    pub(crate) fn tokens(&self) -> TokenStream {
        let names = &self.names;
        quote!(#(#names)*)
    }

    /// Appends what stands in a value: `"a b"`, `["a", "b"]` or `Variant`.
    fn parse_value(input: ParseStream<'_>) -> Result<Self> {
        let span = input.span();
        let mut names = Vec::new();
        if input.peek(syn::token::Bracket) {
            let content;
            let bracket = bracketed!(content in input);
            for element in Punctuated::<ScopeElement, Token![,]>::parse_terminated(&content)? {
                names.extend(element.0);
            }
            return Self::checked(names, bracket.span.join());
        }
        names.extend(input.parse::<ScopeElement>()?.0);
        Self::checked(names, span)
    }

    fn checked(names: Vec<ScopeName>, span: Span) -> Result<Self> {
        if names.is_empty() {
            let message = "an empty list of scopes\nhelp: name a scope, or remove the key";
            return Err(Error::new(span, message));
        }
        Ok(Self { names, span })
    }
}

/// A literal, which may hold several tokens, or a variant.
struct ScopeElement(Vec<ScopeName>);

impl Parse for ScopeElement {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (literal, span) = match input.parse()? {
            ScopeName::Token(literal, span) => (literal, span),
            variant @ ScopeName::Variant(_) => return Ok(Self(vec![variant])),
        };
        let mut names = Vec::new();
        for token in literal.split(' ').filter(|token| !token.is_empty()) {
            if !catalogue::is_scope_token(token) {
                let message = format!(
                    "`{token}` is not a scope token (RFC 6749 §3.3)\nhelp: scopes are separated by one space, as in \"repo:read user:email\""
                );
                return Err(Error::new(span, message));
            }
            names.push(ScopeName::Token(token.to_owned(), span));
        }
        Ok(Self(names))
    }
}

/// The scopes of a tool or a helper: of its only client, or by the name of each client's parameter.
pub(crate) enum Scopes {
    Only(ScopeList),
    Keyed(Vec<(Ident, ScopeList)>),
}

impl Scopes {
    /// `= "a b"`
    pub(crate) fn parse_equals(tokens: TokenStream) -> Result<Self> {
        ScopeList::parse_value.parse2(tokens).map(Self::Only)
    }

    /// `("a", "b")`, `(Variant)` or `(github = "a", slack = "b")`
    pub(crate) fn parse_list(tokens: TokenStream, span: Span) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            if input.peek(Ident) && input.peek2(Token![=]) {
                return Self::parse_keyed(input).map(Self::Keyed);
            }
            let mut names = Vec::new();
            for element in Punctuated::<ScopeElement, Token![,]>::parse_terminated(input)? {
                names.extend(element.0);
            }
            ScopeList::checked(names, span).map(Self::Only)
        };
        parser.parse2(tokens)
    }

    fn parse_keyed(input: ParseStream<'_>) -> Result<Vec<(Ident, ScopeList)>> {
        let pair = |input: ParseStream<'_>| {
            let key: Ident = input.parse()?;
            let list = if input.peek(syn::token::Paren) {
                let content;
                let paren = parenthesized!(content in input);
                let mut names = Vec::new();
                for element in Punctuated::<ScopeElement, Token![,]>::parse_terminated(&content)? {
                    names.extend(element.0);
                }
                ScopeList::checked(names, paren.span.join())?
            } else {
                input.parse::<Token![=]>()?;
                ScopeList::parse_value(input)?
            };
            Ok((key, list))
        };
        let pairs =
            Punctuated::<(Ident, ScopeList), Token![,]>::parse_terminated_with(input, pair)?;
        let mut keyed = Vec::<(Ident, ScopeList)>::new();
        for (key, list) in pairs {
            if keyed.iter().any(|(other, _)| *other == key) {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            keyed.push((key, list));
        }
        Ok(keyed)
    }
}
