//! The catalogue that the variants of an enum declare.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Error, Fields, Generics, ItemEnum, LitStr, Meta, MetaList, MetaNameValue, Variant,
    ext::IdentExt, parse_quote,
};

use super::encoding::{Catalogue, Kind, Scope};
use crate::{
    args::scope::{Access, ScopeAttribute},
    errors::Errors,
    suggest,
};

/// Parses the enum, or returns the item as it is, with an error.
pub(crate) fn parse_enum(
    attribute: &str,
    item: TokenStream,
    errors: &mut Errors,
) -> Result<ItemEnum, TokenStream> {
    let parsed = syn::parse2::<ItemEnum>(item.clone()).map_err(|_| {
        let message = format!("`{attribute}` goes on an enum whose variants are the scopes");
        let error = Error::new_spanned(first_token(item.clone()), message).into_compile_error();
        quote!(#item #error)
    });
    let mut item = parsed?;
    take_second_attribute(&mut item.attrs, errors);
    if !item.generics.params.is_empty() {
        let message = "a catalogue has no generic parameters\nhelp: remove them";
        errors.push(Error::new_spanned(&item.generics, message));
        // The expansion does not repeat generic parameters, so the enum loses them.
        item.generics = Generics::default();
    }
    for variant in &mut item.variants {
        take_misspelt_attribute(variant, errors);
    }
    Ok(item)
}

fn first_token(tokens: TokenStream) -> TokenStream {
    // Skips doc comments and attributes, up to the word that should be `enum`.
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '#' => drop(tokens.next()),
            _ => return token.into(),
        }
    }
    TokenStream::new()
}

/// Treats a misspelt `#[scopes(..)]` as `#[scope(..)]`, so that the spelling is the only error.
fn take_misspelt_attribute(variant: &mut Variant, errors: &mut Errors) {
    let is_scope = |attr: &Attribute| attr.path().is_ident("scope");
    if variant.attrs.iter().any(is_scope) {
        return;
    }
    let near = |attr: &&mut Attribute| {
        let name = attr.path().get_ident().map(ToString::to_string).unwrap_or_default();
        suggest::nearest(&name, ["scope"]).is_some()
    };
    if let Some(attr) = variant.attrs.iter_mut().find(near) {
        let message = "a scope is declared with the attribute `scope`\nhelp: write `#[scope(..)]`";
        errors.push(Error::new_spanned(attr.path(), message));
        let (Meta::Path(path)
        | Meta::List(MetaList { path, .. })
        | Meta::NameValue(MetaNameValue { path, .. })) = &mut attr.meta;
        *path = parse_quote!(scope);
    }
}

/// The scopes that the variants declare, before they are checked against each other.
pub(crate) struct Declared(Vec<Option<ScopeAttribute>>);

/// Checks the enum, and parses the attributes of its variants.
pub(crate) fn declared(item: &ItemEnum, errors: &mut Errors) -> Declared {
    if item.variants.is_empty() {
        let message =
            format!("`{}` has no scopes\nhelp: write a variant for each scope", item.ident);
        errors.push(Error::new_spanned(&item.ident, message));
    }
    for variant in &item.variants {
        if let Some(cfg) = variant.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            let message = "a scope cannot depend on `#[cfg]`, which is evaluated after the scopes are read\nhelp: declare the scope always, and request it only where it is needed";
            errors.push(Error::new_spanned(cfg, message));
        }
        if !matches!(variant.fields, Fields::Unit) {
            errors.push(Error::new_spanned(&variant.fields, "a scope holds no data"));
        }
    }
    Declared(item.variants.iter().map(|variant| find_scope(variant, errors)).collect())
}

/// Reads the scopes of the variants. `None` where a fault was reported.
pub(crate) fn read(
    item: &ItemEnum,
    Declared(attrs): &Declared,
    kind: Kind,
    errors: &mut Errors,
) -> Option<Catalogue> {
    let mut scopes = Vec::new();
    for (variant, attr) in item.variants.iter().zip(attrs) {
        let Some(attr) = attr else { continue };
        let token = attr.token.value();
        if scopes.iter().any(|other: &Scope| other.token == token) {
            errors.push(Error::new(
                attr.token.span(),
                format!("the scope `{token}` is declared twice"),
            ));
        }
        for other in attr.args.also.iter().flat_map(|synonyms| &synonyms.0) {
            errors.take(check_synonym(other, kind, attrs));
        }
        let mut implies = Vec::new();
        for implied in attr.args.implies.iter().flat_map(|variants| &variants.0) {
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
        scopes.push(Scope {
            token,
            variant: variant.ident.unraw().to_string(),
            // A scope without `access` is assumed to allow writes.
            access: attr.args.access.unwrap_or(Access::Write),
            implies,
        });
    }
    if !errors.is_empty() {
        return None; // The indices are right only if every scope was read.
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
        let attr = attrs[index].as_ref().expect("every scope was read");
        let message =
            format!("`{}` implies itself through the scopes that it implies", attr.token.value());
        Error::new(attr.token.span(), message)
    };
    errors.take(Catalogue::new(scopes, kind).map_err(cycle))
}

impl Declared {
    /// The other names of a provider's scopes, each with the scope's own name.
    pub(crate) fn synonyms(&self) -> Vec<(String, String)> {
        let mut synonyms = Vec::new();
        for scope in self.0.iter().flatten() {
            for other in scope.args.also.iter().flat_map(|synonyms| &synonyms.0) {
                synonyms.push((other.value(), scope.token.value()));
            }
        }
        synonyms
    }
}

/// Checks that a synonym belongs to one scope, of a provider.
fn check_synonym(
    synonym: &LitStr,
    kind: Kind,
    attrs: &[Option<ScopeAttribute>],
) -> Result<(), Error> {
    let name = synonym.value();
    if kind == Kind::Callers {
        let message = "only the scopes of a provider have other names\nhelp: remove `also`";
        return Err(Error::new(synonym.span(), message));
    }
    let scopes = attrs.iter().flatten();
    let same = |other: &LitStr| other.value() == name && !std::ptr::eq(other, synonym);
    let is_known = scopes.clone().any(|scope| scope.token.value() == name)
        || scopes.flat_map(|scope| &scope.args.also).any(|also| also.0.iter().any(same));
    if is_known {
        let message = format!("`{name}` is the name of another scope");
        return Err(Error::new(synonym.span(), message));
    }
    Ok(())
}

fn find_scope(variant: &Variant, errors: &mut Errors) -> Option<ScopeAttribute> {
    let name = &variant.ident;
    let mut attrs = variant.attrs.iter().filter(|attr| attr.path().is_ident("scope"));
    let Some(attr) = attrs.next() else {
        let message = format!(
            "`{name}` has no scope\nhelp: write `#[scope(\"repo:read\", access = read)]` above it"
        );
        errors.push(Error::new_spanned(name, message));
        return None;
    };
    if let Some(second) = attrs.next() {
        errors.push(Error::new_spanned(
            second,
            "a variant has one `#[scope]`\nhelp: remove this one",
        ));
    }
    ScopeAttribute::parse(attr, errors)
}

/// Removes another attribute of toolgate, which would declare the same catalogue again.
fn take_second_attribute(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    let is_ours = |attr: &mut Attribute| {
        ["provider", "catalogue"].iter().any(|name| attr.path().is_ident(name))
    };
    for attr in attrs.extract_if(.., is_ours) {
        let message = "an enum has one of `#[provider]` and `#[catalogue]`\nhelp: remove this one";
        errors.push(Error::new_spanned(attr.path(), message));
    }
}
