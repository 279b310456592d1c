//! The scopes of `#[provider]` and `#[catalogue]`, and the macro that carries them.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, ItemEnum, Path, Visibility, ext::IdentExt};

use crate::{
    args::scope::Access,
    doc_text::{doc_text, with_attribute},
    errors::Errors,
    model::{
        catalogue::{self, Declared},
        encoding::{Catalogue, Kind, Scope},
    },
};

/// Expands the enum. The tokens of `provider` come between the catalogue and the macro. `name` is
/// the name for people; without it, they see the name of the enum.
pub(super) fn expand(
    mut item: ItemEnum,
    krate: &Path,
    name: Option<String>,
    (kind, has_accounts): (Kind, bool),
    provider: impl FnOnce(&ItemEnum, &Declared) -> TokenStream,
    mut errors: Errors,
) -> TokenStream {
    let declared = catalogue::declared(&item, &mut errors);
    let provider = provider(&item, &declared);
    let catalogue = catalogue::read(&item, &declared, kind, &mut errors);
    let catalogue = catalogue.filter(|_| errors.is_empty());
    let catalogue = catalogue.map(|catalogue| catalogue.with_accounts(has_accounts));
    let name = name.unwrap_or_else(|| item.ident.unraw().to_string());
    let implementation = emit_catalogue(&item, krate, &name, catalogue.as_ref());
    let text = catalogue.as_ref().map(Catalogue::to_string).unwrap_or_default();
    let catalogue_macro = emit_catalogue_macro(&item, &text);
    for variant in &mut item.variants {
        variant.attrs.retain(|attr| !attr.path().is_ident("scope"));
    }
    let attrs = with_attribute(&std::mem::take(&mut item.attrs), &quote!(#[allow(dead_code)]));
    quote! {
        #attrs
        #item
        #implementation
        #provider
        #catalogue_macro
        #errors
    }
}

fn emit_catalogue(
    item: &ItemEnum,
    krate: &Path,
    name: &str,
    catalogue: Option<&Catalogue>,
) -> TokenStream {
    let ident = &item.ident;
    let scopes = catalogue.map(Catalogue::scopes).unwrap_or_default();
    let scopes = scopes.iter().zip(&item.variants).map(|(scope, variant)| {
        let Scope { token, implies, .. } = scope;
        let description = doc_text(&variant.attrs);
        let access = match scope.access {
            Access::Read => "Read",
            Access::Write => "Write",
            Access::Destructive => "Destructive",
        };
        let access = Ident::new(access, Span::call_site());
        quote! {
            Scope {
                name: #token,
                description: #description,
                access: Access::#access,
                implies: &[#(#implies),*],
            }
        }
    });
    let count = scopes.len();
    // A static, because the compiler evaluates a constant again for every tool that refers to it.
    // An import, because hundreds of full paths would slow this macro, which is not optimized.
    quote! {
        #[automatically_derived]
        impl #krate::__private::Catalogue for #ident {
            const NAME: &'static str = #name;
            const SCOPES: &'static [#krate::__private::Scope] = {
                use #krate::__private::{Access, Scope};
                static SCOPES: [Scope; #count] = [#(#scopes),*];
                &SCOPES
            };
        }
    }
}

/// The catalogue as a macro that has the name of the provider.
///
/// The name is in the macro namespace, so an import of the type imports the macro too.
fn emit_catalogue_macro(item: &ItemEnum, catalogue: &str) -> TokenStream {
    let ItemEnum { ident: provider, vis, .. } = item;
    let hidden = unique_name(item, catalogue);
    // Only a macro that is exported can be re-exported by a public path.
    let export = matches!(vis, Visibility::Public(_)).then(|| quote!(#[macro_export]));
    let misuse =
        format!("`{provider}!` carries the scopes of `{provider}`; it is not a macro to call");
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros, non_local_definitions)]
        #export
        macro_rules! #hidden {
            (#![callback = $callback:path] $($request:tt)*) => {
                $callback! { #catalogue $($request)* }
            };
            ($($other:tt)*) => {
                ::core::compile_error!(#misuse);
            };
        }

        #[doc(hidden)]
        #[allow(unused_imports)]
        #vis use #hidden as #provider;
    }
}

/// A name for the root of the crate, where providers of one name from two modules would clash.
///
/// The hash is of the declaration alone, so that builds are reproducible; equal declarations of one
/// crate are counted.
fn unique_name(item: &ItemEnum, catalogue: &str) -> Ident {
    static SEEN: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

    let ItemEnum { ident: provider, variants, .. } = item;
    let mut hash = DefaultHasher::new();
    catalogue.hash(&mut hash);
    variants.iter().for_each(|variant| variant.ident.hash(&mut hash));
    let name = format!("__catalogue_{}_{:016x}", provider.unraw(), hash.finish());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = seen.entry(name.clone()).or_default();
    *count += 1;
    if *count == 1 { format_ident!("{name}") } else { format_ident!("{name}_{count}") }
}
