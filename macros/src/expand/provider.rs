//! `#[provider]`: an enum whose variants are the scopes of an upstream provider.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemEnum, LitStr, Path, ext::IdentExt};

use super::{dialect, scope_enum};
use crate::{
    args::{
        self, Parsed,
        endpoint::Endpoint,
        provider::ProviderArgs,
        value::{PathValue, Text},
    },
    errors::Errors,
    model::{
        catalogue::{Declared, parse_enum},
        encoding::Kind,
        provider, token_exchange,
    },
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item = match parse_enum("#[provider]", item, &mut errors) {
        Ok(item) => item,
        Err(tokens) => return tokens,
    };
    let Parsed { krate, args, .. } = args::parse::<ProviderArgs>(attr.clone(), &mut errors);
    if let Some(args) = &args {
        errors.take(args.check_endpoints());
        token_exchange::check(attr, args, &mut errors);
        provider::check(args, &mut errors);
    }
    // A faulty provider is implemented too, so that its tools have no errors that follow from it.
    let args = args.unwrap_or_default();
    let name = args.name.as_ref().map(|Text(name)| name.value());
    let provider =
        |item: &ItemEnum, scopes: &Declared| emit_provider(&krate, &args, item, &scopes.synonyms());
    let kind = (Kind::Provider, args.account.is_some());
    scope_enum::expand(item, &krate, name, kind, provider, errors)
}

fn emit_provider(
    krate: &Path,
    args: &ProviderArgs,
    item: &ItemEnum,
    synonyms: &[(String, String)],
) -> TokenStream {
    let provider = &item.ident;
    let name = provider.unraw().to_string();
    let id =
        args.id.as_ref().map_or_else(|| name.to_lowercase().replace('_', "-"), |id| id.0.value());
    let url = |endpoint: &Option<Endpoint>| {
        endpoint.as_ref().map(|endpoint| endpoint.0.value()).unwrap_or_default()
    };
    let (api, authorize, token) = (url(&args.api), url(&args.authorize), url(&args.token));
    let revoke = args.revoke.as_ref().map(|revoke| optional("REVOKE", &revoke.0));
    let issuer = args.issuer.as_ref().map(|issuer| optional("ISSUER", &issuer.0));
    let dialect = dialect::emit(krate, args, synonyms);
    let stand_in = args.stand_in.as_ref().map(|PathValue(profile)| {
        quote! {
            const STAND_IN: ::core::option::Option<&'static #krate::__private::Profile> =
                ::core::option::Option::Some(#profile);
        }
    });
    quote! {
        #[automatically_derived]
        impl #krate::__private::Provider for #provider {
            const ID: &'static str = #id;
            const API: &'static str = #api;
            const AUTHORIZE: &'static str = #authorize;
            const TOKEN: &'static str = #token;
            #revoke
            #issuer
            #dialect
            #stand_in
        }
    }
}

fn optional(constant: &str, value: &LitStr) -> TokenStream {
    let constant = syn::Ident::new(constant, proc_macro2::Span::call_site());
    quote! {
        const #constant: ::core::option::Option<&'static str> = ::core::option::Option::Some(#value);
    }
}
