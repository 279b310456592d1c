//! The constant of an argument: `Arg::<u8>::new("limit", "How many.").default(|| 30)`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, Type, spanned::Spanned as _};

use crate::{
    hygiene::{hygienic, respanned},
    model::{
        argument::{Argument, DefaultValue},
        rule::{Limits, Rule, RuleKind},
    },
};

impl Argument {
    pub(super) fn emit(&self, krate: &Path) -> TokenStream {
        let Self { name, ty, description, examples, .. } = self;
        let mut chain = TokenStream::new();
        if let Some(default) = &self.default {
            chain.extend(default.emit(krate, ty));
        }
        if self.flatten {
            chain.extend(quote!(.flatten()));
        }
        if !examples.is_empty() {
            chain.extend(quote!(.examples(&[#(#examples),*])));
        }
        let rules: Vec<_> = self.rules.iter().map(|rule| emit_rule(krate, rule)).collect();
        match rules.as_slice() {
            [] => {}
            [rule] => chain.extend(quote!(.check(#rule))),
            rules => chain.extend(quote!(.checks(&[#(#rules),*]))),
        }
        quote!(<#ty as #krate::__private::Argument>::ARG.named(#name, #description) #chain)
    }
}

fn emit_rule(krate: &Path, rule: &Rule) -> TokenStream {
    // All of it has the span of the key, where rustc reports a type that cannot have the rule.
    let span = rule.key;
    let krate = respanned(krate, span);
    match &rule.kind {
        RuleKind::Range(limits) => {
            let call = limits.emit(span, ["range", "at_least", "at_most"]);
            quote_spanned!(span=> &#krate::__private::#call)
        }
        RuleKind::Length(limits) => {
            let call = limits.emit(span, ["length", "min_length", "max_length"]);
            quote_spanned!(span=> &#krate::__private::#call)
        }
        RuleKind::Pattern(pattern) => {
            quote_spanned!(span=> &#krate::__private::Pattern(#pattern))
        }
        RuleKind::OneOf(texts) => {
            quote_spanned!(span=> &#krate::__private::OneOf(&[#(#texts),*]))
        }
    }
}

impl DefaultValue {
    fn emit(&self, krate: &Path, ty: &Type) -> TokenStream {
        match self {
            Self::OfType(span) => {
                let krate = respanned(krate, *span);
                let default =
                    quote_spanned!(*span=> <#ty as #krate::__private::ShownDefault>::DEFAULT);
                quote_spanned!(*span=> .default_of_type(#default))
            }
            Self::Text(text) => quote!(.default(|| ::std::borrow::ToOwned::to_owned(#text))),
            Self::Value(value) => {
                // rustc reports a type that cannot have a default at the closure.
                let span = hygienic(value.span());
                quote_spanned!(span=> .default(|| #value))
            }
        }
    }
}

impl Limits {
    /// The call of the function for the limits that are given: `range(1, 100)`.
    fn emit(&self, span: Span, [both, min_only, max_only]: [&str; 3]) -> TokenStream {
        let name = match (&self.min, &self.max) {
            (Some(_), None) => min_only,
            (None, Some(_)) => max_only,
            _ => both,
        };
        let name = Ident::new(name, span);
        let limits = self.min.iter().chain(&self.max);
        quote_spanned!(span=> #name(#(#limits),*))
    }
}
