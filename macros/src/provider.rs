//! `#[provider]`: an enum whose variants are the scopes of an upstream provider.

use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Fields, Ident, ItemEnum, LitStr, Path, Result, Token, Variant, Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    parse_quote,
    punctuated::Punctuated,
};

use crate::{
    attribute::{self, Entry, Value},
    catalogue::{self, Access, Catalogue},
    errors::Errors,
    suggest,
};

const KEYS: [&str; 13] = [
    "api",
    "authorize",
    "token",
    "revoke",
    "issuer",
    "id",
    "name",
    "scope_separator",
    "answer_separator",
    "client_auth",
    "authorize_params",
    "refresh",
    "crate",
];

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(mut item) = syn::parse2::<ItemEnum>(item.clone()) else {
        let message = "`#[provider]` goes on an enum whose variants are the scopes";
        let error = Error::new_spanned(first_token(item.clone()), message).into_compile_error();
        return quote!(#item #error);
    };
    let mut errors = Errors::default();
    let args = Args::new(attr, &mut errors);
    let catalogue = read_catalogue(&item, &mut errors);
    for variant in &mut item.variants {
        variant.attrs.retain(|attr| !attr.path().is_ident("scope"));
    }
    let catalogue = catalogue.filter(|_| errors.is_empty());
    let text = catalogue.as_ref().map(Catalogue::to_string).unwrap_or_default();
    let implementation = emit_provider(&args, &item, catalogue.as_ref());
    let catalogue_macro = emit_catalogue_macro(&item, &text);
    quote! {
        #[allow(dead_code)]
        #item
        #implementation
        #catalogue_macro
        #errors
    }
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

/// What stands in `#[provider(..)]`.
struct Args {
    krate: Path,
    texts: Vec<(String, LitStr)>,
    client_auth: Option<Ident>,
    authorize_params: Vec<(LitStr, LitStr)>,
}

impl Args {
    fn new(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self {
            krate: parse_quote!(::toolgate),
            texts: Vec::new(),
            client_auth: None,
            authorize_params: Vec::new(),
        };
        let entries = Entry::all("#[provider]", tokens, &KEYS, errors);
        let given: Vec<_> = entries.iter().map(|entry| entry.key.to_string()).collect();
        let before = errors.is_empty();
        for entry in entries {
            let result = args.set(entry);
            errors.take(result);
        }
        let missing: Vec<_> = [
            ("api", "https://api.example.com"),
            ("authorize", "https://example.com/authorize"),
            ("token", "https://example.com/token"),
        ]
        .into_iter()
        .filter(|(key, _)| !given.iter().any(|given| given == key))
        .collect();
        // A misspelt key is reported already.
        if before && !missing.is_empty() {
            let keys: Vec<_> = missing.iter().map(|(key, _)| format!("`{key}`")).collect();
            let help: Vec<_> =
                missing.iter().map(|(key, url)| format!("{key} = \"{url}\"")).collect();
            errors.push(Error::new(
                Span::call_site(),
                format!(
                    "a provider names its endpoints, and {} {} missing\nhelp: add `{}`",
                    keys.join(", "),
                    if missing.len() == 1 { "is" } else { "are" },
                    help.join(", ")
                ),
            ));
        }
        args
    }

    fn set(&mut self, entry: Entry) -> Result<()> {
        let key = entry.key.to_string();
        match key.as_str() {
            "crate" => self.krate = entry.krate()?,
            "client_auth" => self.client_auth = Some(client_auth(entry)?),
            "authorize_params" => self.authorize_params = params(entry)?,
            "id" => {
                let id = entry.text()?;
                let value = id.value();
                let fits =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if value.is_empty() || !value.bytes().all(fits) {
                    let message = "an `id` is of a-z, 0-9 and `-`: it stands in URLs and environment variables";
                    return Err(Error::new(id.span(), message));
                }
                self.texts.push((key, id));
            }
            "api" | "authorize" | "token" | "revoke" | "refresh" => {
                let url = entry.text()?;
                check_endpoint(&key, &url)?;
                self.texts.push((key, url));
            }
            _ => self.texts.push((key, entry.text()?)),
        }
        Ok(())
    }

    fn text(&self, key: &str) -> Option<&LitStr> {
        self.texts.iter().find(|(name, _)| name == key).map(|(_, text)| text)
    }
}

fn client_auth(entry: Entry) -> Result<Ident> {
    let span = entry.key.span();
    let Value::Equals(tokens) = entry.value else {
        return Err(Error::new(span, "`client_auth` is written `client_auth = basic`"));
    };
    let word: Ident = syn::parse2(tokens)?;
    match word.to_string().as_str() {
        "basic" => Ok(Ident::new("Basic", word.span())),
        "body" => Ok(Ident::new("Body", word.span())),
        other => {
            let message = format!(
                "there is no client authentication `{other}`\nhelp: `basic` (the header, as the RFC wants) or `body`"
            );
            Err(Error::new(word.span(), message))
        }
    }
}

/// `authorize_params("access_type" = "offline")`
fn params(entry: Entry) -> Result<Vec<(LitStr, LitStr)>> {
    let span = entry.key.span();
    let Value::List(tokens) = entry.value else {
        let message =
            "`authorize_params` is written `authorize_params(\"access_type\" = \"offline\")`";
        return Err(Error::new(span, message));
    };
    let pair = |input: ParseStream<'_>| {
        let name: LitStr = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok((name, input.parse::<LitStr>()?))
    };
    let parser = |input: ParseStream<'_>| {
        Punctuated::<(LitStr, LitStr), Token![,]>::parse_terminated_with(input, pair)
    };
    Ok(parser.parse2(tokens)?.into_iter().collect())
}

/// https, or http to this machine. The runtime checks again what the environment says.
fn check_endpoint(key: &str, url: &LitStr) -> Result<()> {
    let value = url.value();
    let loopback = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        value
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_prefix(host))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    let rest = value.strip_prefix("https://").unwrap_or_default();
    let https = rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        && !value.contains(char::is_whitespace);
    if https || loopback {
        return Ok(());
    }
    let message = if value.starts_with("http://") {
        format!(
            "`{key}` is not https: tokens travel to it\nhelp: plain http is accepted for 127.0.0.1, [::1] and localhost"
        )
    } else {
        format!("`{key}` is not an absolute URL\nhelp: write `https://..`")
    };
    Err(Error::new(url.span(), message))
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
        errors.push(Error::new_spanned(&item.generics, "a provider has no generic parameters"));
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
    let cycle = |index: usize| {
        let attr = attrs[index].as_ref().expect("every scope was understood");
        let message = format!("`{}` implies itself, by way of what it implies", attr.token.value());
        Error::new(attr.token.span(), message)
    };
    errors.take(Catalogue::new(scopes).map_err(cycle))
}

fn emit_provider(args: &Args, item: &ItemEnum, catalogue: Option<&Catalogue>) -> TokenStream {
    let krate = &args.krate;
    let provider = &item.ident;
    let name = provider.unraw().to_string();
    let id = args.text("id").map_or_else(|| name.to_lowercase().replace('_', "-"), LitStr::value);
    let display = args.text("name").map_or(name, LitStr::value);
    let url = |key: &str| args.text(key).map(LitStr::value).unwrap_or_default();
    let (api, authorize, token) = (url("api"), url("authorize"), url("token"));
    let optional = [("revoke", "REVOKE"), ("issuer", "ISSUER")].map(|(key, constant)| {
        let value = args.text(key)?;
        let constant = Ident::new(constant, Span::call_site());
        Some(quote! {
            const #constant: ::core::option::Option<&'static str> = ::core::option::Option::Some(#value);
        })
    });
    let optional = optional.into_iter().flatten();
    let dialect = emit_dialect(args);
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
            #krate::Scope {
                name: #token,
                description: #description,
                access: #krate::Access::#access,
                implies: &[#(#implies),*],
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #krate::Provider for #provider {
            const ID: &'static str = #id;
            const NAME: &'static str = #display;
            const API: &'static str = #api;
            const AUTHORIZE: &'static str = #authorize;
            const TOKEN: &'static str = #token;
            #(#optional)*
            const SCOPES: &'static [#krate::Scope] = &[#(#scopes),*];
            #dialect
        }
    }
}

fn emit_dialect(args: &Args) -> Option<TokenStream> {
    let krate = &args.krate;
    let mut chain = TokenStream::new();
    for key in ["scope_separator", "answer_separator", "refresh"] {
        if let Some(text) = args.text(key) {
            let method = Ident::new(key, Span::call_site());
            chain.extend(quote!(.#method(#text)));
        }
    }
    if let Some(client_auth) = &args.client_auth {
        chain.extend(quote!(.client_auth(#krate::provider::ClientAuth::#client_auth)));
    }
    if !args.authorize_params.is_empty() {
        let pairs = args.authorize_params.iter().map(|(name, value)| quote!((#name, #value)));
        chain.extend(quote!(.authorize_params(&[#(#pairs),*])));
    }
    (!chain.is_empty()).then(|| {
        quote! {
            const DIALECT: #krate::provider::Dialect = #krate::provider::Dialect::STANDARD #chain;
        }
    })
}

/// The catalogue as a macro that has the name of the provider.
///
/// The name is in the macro namespace, so whoever imports the type imports the macro too.
fn emit_catalogue_macro(item: &ItemEnum, catalogue: &str) -> TokenStream {
    let ItemEnum { ident: provider, vis, .. } = item;
    let hidden = unique_name(item, catalogue);
    // Only a macro that is exported can be re-exported by a public path.
    let export = matches!(vis, Visibility::Public(_)).then(|| quote!(#[macro_export]));
    let misuse = format!("`{provider}!` is a detail of `#[provider]`, not a macro to call");
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
