//! The type that carries what is declared of a function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, Visibility, ext::IdentExt};

/// The type of the function's name. Braces keep it out of the value namespace.
pub(super) fn marker(vis: &Visibility, name: &Ident, noun: &str) -> TokenStream {
    let doc = format!(" The {noun} [`{0}`](fn@{0}).", name.unraw());
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #vis struct #name {}
    }
}

/// Silences what would only follow from a fault that is reported already. Only emitted together
/// with a `compile_error!`.
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
