//! The type that carries the scopes of a function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, Visibility, ext::IdentExt};

/// A type with the name of the function. Braces keep it out of the value namespace.
pub(super) fn marker(vis: &Visibility, name: &Ident, noun: &str) -> TokenStream {
    let doc = format!(" The {noun} [`{0}`](fn@{0}).", name.unraw());
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #vis struct #name {}
    }
}

/// Implements the traits for all scopes, so that no error follows from one that is reported
/// already. Only emitted together with a `compile_error!`.
pub(super) fn holds_all(krate: &Path, holder: &Ident, provider: &Path) -> TokenStream {
    quote! {
        impl #krate::__private::Requires<#provider> for #holder {
            type Of = #krate::__private::NoProvider;
            fn scopes() -> &'static [&'static str] { &[] }
        }
        impl<const SCOPE: usize> #krate::__private::Holds<#provider, SCOPE> for #holder {}
        impl #krate::__private::DeclaresWrite<#provider> for #holder {}
    }
}
