//! An enum whose variants are scopes: what `#[provider]` and `#[catalogue]` share.

use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Fields, Ident, ItemEnum, LitStr, Path, Result, Token, Variant, Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{
    attribute::{self, Entry, Value},
    catalogue::{self, Access, Catalogue},
    errors::Errors,
    suggest,
};

/// The enum, or the item as it is with an error beside it.
pub(crate) fn parse(
    attribute: &str,
    item: TokenStream,
) -> std::result::Result<ItemEnum, TokenStream> {
    syn::parse2::<ItemEnum>(item.clone()).map_err(|_| {
        let message = format!("`{attribute}` goes on an enum whose variants are the scopes");
        let error = Error::new_spanned(first_token(item.clone()), message).into_compile_error();
        quote!(#item #error)
    })
}

fn first_token(tokens: TokenStream) -> TokenStream {
    // Past doc comments and attributes, to the word that should be `enum`.
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '#' => drop(tokens.next()),
            _ => return token.into(),
        }
    }
    TokenStream::new()
}

/// What follows from the variants.
pub(crate) struct Declaration {
    implementation: TokenStream,
    catalogue_macro: TokenStream,
}

impl Declaration {
    /// Reads the variants, and takes `#[scope]` off them. People read `name`, else the enum's.
    pub(crate) fn take(
        item: &mut ItemEnum,
        krate: &Path,
        name: Option<String>,
        errors: &mut Errors,
    ) -> Self {
        let catalogue = read_catalogue(item, errors);
        for variant in &mut item.variants {
            variant.attrs.retain(|attr| !attr.path().is_ident("scope"));
        }
        let catalogue = catalogue.filter(|_| errors.is_empty());
        let text = catalogue.as_ref().map(Catalogue::to_string).unwrap_or_default();
        let name = name.unwrap_or_else(|| item.ident.unraw().to_string());
        Self {
            implementation: emit_catalogue(item, krate, &name, catalogue.as_ref()),
            catalogue_macro: emit_catalogue_macro(item, &text),
        }
    }

    /// The whole expansion.
    pub(crate) fn around(
        self,
        item: &ItemEnum,
        between: &TokenStream,
        errors: &Errors,
    ) -> TokenStream {
        let Self { implementation, catalogue_macro } = self;
        quote! {
            #[allow(dead_code)]
            #item
            #implementation
            #between
            #catalogue_macro
            #errors
        }
    }
}

/// `#[scope("repo", access = write, implies(RepoRead))]`
struct ScopeAttr {
    token: LitStr,
    access: Access,
    implies: Vec<Ident>,
}

impl ScopeAttr {
    fn find(variant: &Variant, errors: &mut Errors) -> Option<Self> {
        let name = &variant.ident;
        let mut attrs = variant.attrs.iter().filter(|attr| attr.path().is_ident("scope"));
        let Some(attr) = attrs.next() else {
            let message = format!(
                "`{name}` stands for no scope\nhelp: write `#[scope(\"repo:read\", access = read)]` above it"
            );
            errors.push(Error::new_spanned(name, message));
            return None;
        };
        if let Some(second) = attrs.next() {
            errors.push(Error::new_spanned(second, "a variant is one scope"));
        }
        let scope = Self::parse(attr, errors);
        errors.take(scope)
    }

    fn parse(attr: &Attribute, errors: &mut Errors) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let token: LitStr = input.parse().map_err(|error| {
                Error::new(error.span(), "the scope token comes first: `#[scope(\"repo:read\")]`")
            })?;
            input.parse::<Option<Token![,]>>()?;
            Ok((token, input.parse::<TokenStream>()?))
        };
        let (token, rest) = parser.parse2(attribute::tokens_of(attr)?)?;
        if !catalogue::is_scope_token(&token.value()) {
            let message = format!(
                "`{}` is not a scope token (RFC 6749 §3.3)\nhelp: one word of printable ASCII, without spaces, quotes and backslashes",
                token.value()
            );
            return Err(Error::new(token.span(), message));
        }
        // Nobody is harmed by a scope that is taken for more than it is.
        let mut scope = Self { token, access: Access::Write, implies: Vec::new() };
        for entry in Entry::all("#[scope]", rest, &["access", "implies"], errors) {
            let key = entry.key.clone();
            match (key.to_string().as_str(), entry.value) {
                ("access", Value::Equals(tokens)) => scope.access = access(tokens)?,
                ("implies", Value::List(tokens)) => {
                    let parser = Punctuated::<Ident, Token![,]>::parse_terminated;
                    scope.implies = parser.parse2(tokens)?.into_iter().collect();
                }
                ("access", _) => {
                    return Err(Error::new(key.span(), "`access` is written `access = read`"));
                }
                _ => {
                    return Err(Error::new(key.span(), "`implies` is written `implies(RepoRead)`"));
                }
            }
        }
        Ok(scope)
    }
}

fn access(tokens: TokenStream) -> Result<Access> {
    let word: Ident = syn::parse2(tokens)?;
    let name = word.to_string();
    Access::parse(&name).ok_or_else(|| {
        let known = Access::ALL.iter().map(|(name, _)| *name);
        let help = suggest::help(&name, known, "it is one of");
        Error::new(word.span(), format!("there is no access `{name}`\nhelp: {help}"))
    })
}

fn read_catalogue(item: &ItemEnum, errors: &mut Errors) -> Option<Catalogue> {
    if item.variants.is_empty() {
        let message = format!("`{}` has no scopes\nhelp: every variant is one", item.ident);
        errors.push(Error::new_spanned(&item.ident, message));
    }
    if !item.generics.params.is_empty() {
        errors.push(Error::new_spanned(&item.generics, "a catalogue has no generic parameters"));
    }
    for variant in &item.variants {
        if let Some(cfg) = variant.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            let message = "a scope cannot depend on `#[cfg]`: the catalogue is read before it is decided\nhelp: declare the scope always, and use it only where it is wanted";
            errors.push(Error::new_spanned(cfg, message));
        }
        if !matches!(variant.fields, Fields::Unit) {
            errors.push(Error::new_spanned(&variant.fields, "a scope holds no data"));
        }
    }
    let attrs: Vec<_> =
        item.variants.iter().map(|variant| ScopeAttr::find(variant, errors)).collect();
    let mut scopes = Vec::new();
    for (variant, attr) in item.variants.iter().zip(&attrs) {
        let Some(attr) = attr else { continue };
        let token = attr.token.value();
        if scopes.iter().any(|other: &catalogue::Scope| other.token == token) {
            errors.push(Error::new(
                attr.token.span(),
                format!("the scope `{token}` is declared twice"),
            ));
        }
        let mut implies = Vec::new();
        for implied in &attr.implies {
            match item.variants.iter().position(|other| other.ident == *implied) {
                Some(index) => implies.push(index),
                None => {
                    let name = implied.to_string();
                    let variants: Vec<_> =
                        item.variants.iter().map(|variant| variant.ident.to_string()).collect();
                    let known = variants.iter().map(String::as_str);
                    let help = suggest::help(&name, known, "its variants are");
                    let message =
                        format!("`{}` has no variant `{name}` to imply\nhelp: {help}", item.ident);
                    errors.push(Error::new(implied.span(), message));
                }
            }
        }
        scopes.push(catalogue::Scope {
            token,
            variant: variant.ident.unraw().to_string(),
            access: attr.access,
            implies,
        });
    }
    if !errors.is_empty() {
        return None; // The indices hold only if every scope was understood.
    }
    for (scope, attr) in scopes.iter().zip(attrs.iter().flatten()) {
        let above = scope
            .implies
            .iter()
            .map(|&index| &scopes[index])
            .find(|implied| implied.access > scope.access);
        if let Some(implied) = above {
            let message = format!(
                "`{0}` is `access = {1}` and implies `{2}`, which is `access = {3}`\nhelp: a scope allows what it implies: write `access = {3}`",
                scope.token,
                scope.access.word(),
                implied.token,
                implied.access.word(),
            );
            errors.push(Error::new(attr.token.span(), message));
        }
    }
    let cycle = |index: usize| {
        let attr = attrs[index].as_ref().expect("every scope was understood");
        let message = format!("`{}` implies itself, by way of what it implies", attr.token.value());
        Error::new(attr.token.span(), message)
    };
    errors.take(Catalogue::new(scopes).map_err(cycle))
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
        let catalogue::Scope { token, implies, .. } = scope;
        let description = attribute::doc(&variant.attrs);
        let access = match scope.access {
            Access::Read => quote!(Read),
            Access::Write => quote!(Write),
            Access::Destructive => quote!(Destructive),
        };
        quote! {
            #krate::__private::Scope {
                name: #token,
                description: #description,
                access: #krate::__private::Access::#access,
                implies: &[#(#implies),*],
            }
        }
    });
    let count = scopes.len();
    // A static, because the compiler looks through a constant anew for every tool that refers to it.
    quote! {
        #[automatically_derived]
        impl #krate::__private::Catalogue for #ident {
            const NAME: &'static str = #name;
            const SCOPES: &'static [#krate::__private::Scope] = {
                static SCOPES: [#krate::__private::Scope; #count] = [#(#scopes),*];
                &SCOPES
            };
        }
    }
}

/// The catalogue as a macro that has the name of the provider.
///
/// The name is in the macro namespace, so whoever imports the type imports the macro too.
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
/// The hash is of the declaration alone, so that builds are reproducible.
fn unique_name(item: &ItemEnum, catalogue: &str) -> Ident {
    let ItemEnum { ident: provider, variants, .. } = item;
    let mut hash = DefaultHasher::new();
    catalogue.hash(&mut hash);
    variants.iter().for_each(|variant| variant.ident.hash(&mut hash));
    format_ident!("__catalogue_{}_{:016x}", provider.unraw(), hash.finish())
}
