//! The constant of an argument: `Arg::<u8>::new("limit", "How many.").default(|| 30)`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::model::{
    argument::{Argument, DefaultValue},
    rule::{Limits, Rule, RuleKind},
    types::inside_option,
};

impl Argument {
    pub(super) fn emit(&self, krate: &Path) -> TokenStream {
        let Self { name, ty, description, examples, .. } = self;
        let mut chain = TokenStream::new();
        if let Some(default) = &self.default {
            chain.extend(default.emit());
        }
        if self.flatten {
            chain.extend(quote!(.flatten()));
        }
        if !examples.is_empty() {
            chain.extend(quote!(.examples(&[#(#examples),*])));
        }
        let rules: Vec<_> = self.rules.iter().map(|rule| self.emit_rule(krate, rule)).collect();
        match rules.as_slice() {
            [] => {}
            [rule] => chain.extend(quote!(.check(#rule))),
            rules => chain.extend(quote!(.checks(&[#(#rules),*]))),
        }
        quote!(<#ty as #krate::__private::Argument>::ARG.named(#name, #description) #chain)
    }

    fn emit_rule(&self, krate: &Path, rule: &Rule) -> TokenStream {
        let span = rule.key;
        match &rule.kind {
            RuleKind::Range(limits) => {
                let ty = inside_option(&self.ty);
                let (min, max) = limits.emit();
                quote_spanned!(span=> &#krate::__private::Range::<#ty>(#min, #max))
            }
            RuleKind::Length(limits) => {
                let (min, max) = limits.emit();
                quote_spanned!(span=> &#krate::__private::Length(#min, #max))
            }
            RuleKind::Pattern(pattern) => {
                quote_spanned!(span=> &#krate::__private::Pattern(#pattern))
            }
            RuleKind::OneOf(texts) => {
                quote_spanned!(span=> &#krate::__private::OneOf(&[#(#texts),*]))
            }
        }
    }
}

impl DefaultValue {
    fn emit(&self) -> TokenStream {
        match self {
            Self::OfType(span) => {
                quote_spanned!(*span=> .default(::core::default::Default::default))
            }
            Self::Text(text) => quote!(.default(|| ::std::borrow::ToOwned::to_owned(#text))),
            Self::Value(value) => quote!(.default(|| #value)),
        }
    }
}

impl Limits {
    fn emit(&self) -> (TokenStream, TokenStream) {
        let option = |limit: &Option<Expr>| match limit {
            Some(limit) => quote!(::core::option::Option::Some(#limit)),
            None => quote!(::core::option::Option::None),
        };
        (option(&self.min), option(&self.max))
    }
}
