//! Constants of a tool: what its attribute declares.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::{args::tool::MAX_PORTABLE_NAME_LEN, model::tool::Tool};

impl Tool {
    /// The constants that have a default, where they differ from it.
    pub(super) fn emit_constants(&self, of_output: &TokenStream) -> TokenStream {
        let Self { krate, attribute, .. } = self;
        let mut constants = TokenStream::new();
        if let Some(title) = &attribute.title {
            constants.extend(quote! {
                const TITLE: ::core::option::Option<&'static str> = ::core::option::Option::Some(#title);
            });
        }
        if !attribute.hints.is_empty() {
            let hints = attribute.hints.iter().map(|(hint, value)| {
                let hint = Ident::new(hint, Span::call_site());
                quote!(#hint: ::core::option::Option::Some(#value))
            });
            constants.extend(quote! {
                const HINTS: #krate::__private::Hints = #krate::__private::Hints { #(#hints,)* ..#krate::__private::Hints::DERIVED };
            });
        }
        let icons = &attribute.icons;
        if !icons.is_empty() {
            constants.extend(quote! {
                const ICONS: &'static [&'static str] = &[#(#icons),*];
            });
        }
        if let Some(meta) = &attribute.meta {
            constants.extend(quote! {
                const META: ::core::option::Option<&'static str> = ::core::option::Option::Some(#meta);
            });
        }
        if attribute.app_only {
            constants.extend(quote!(
                const APP_ONLY: bool = true;
            ));
        }
        if attribute.model_only {
            constants.extend(quote!(
                const MODEL_ONLY: bool = true;
            ));
        }
        if attribute.strict {
            constants.extend(quote!(
                const STRICT: bool = true;
            ));
        }
        constants.extend(of_output.clone());
        constants
    }

    /// A warning about a long name, as the lint `deprecated`, because a macro cannot define lints.
    pub(super) fn emit_name_lint(&self) -> Option<TokenStream> {
        let (name, length) = (&self.name, self.name.value().len());
        let note = format!(
            "it has {length} characters, and some hosts refuse more than {MAX_PORTABLE_NAME_LEN}: shorten it with `name = \"..\"`, or write `long_name` in the attribute"
        );
        self.attribute.warns_of_name.then(|| {
            let long = quote_spanned!(name.span()=> LONG_TOOL_NAME);
            quote! {
                const _: () = {
                    #[deprecated(note = #note)]
                    const LONG_TOOL_NAME: () = ();
                    #long
                };
            }
        })
    }
}
