//! `#[provider]`: an enum whose variants are the scopes of an upstream provider.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, Ident, ItemEnum, LitStr, Path, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    parse_quote,
    punctuated::Punctuated,
};

use crate::{
    attribute::{Entry, Value},
    declaration::{self, Declaration},
    errors::Errors,
};

const KEYS: [&str; 14] = [
    "api",
    "authorize",
    "token",
    "revoke",
    "issuer",
    "id",
    "name",
    "scope_separator",
    "response_scope_separator",
    "client_auth",
    "authorize_params",
    "refresh",
    "token_check",
    "crate",
];

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = match declaration::parse("#[provider]", item) {
        Ok(item) => item,
        Err(tokens) => return tokens,
    };
    let mut errors = Errors::default();
    let args = Args::new(attr, &mut errors);
    let name = args.text("name").map(LitStr::value);
    let declared = Declaration::take(&mut item, &args.krate, name, &mut errors);
    let implementation = emit_provider(&args, &item);
    declared.around(&item, &implementation, &errors)
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
            "token_check" => {
                let path = entry.text()?;
                let value = path.value();
                let in_path = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\');
                if !value.starts_with('/') || value.starts_with("//") || !value.chars().all(in_path)
                {
                    let message = "`token_check` is a path of the API that every good token may read: `/user`";
                    return Err(Error::new(path.span(), message));
                }
                self.texts.push((key, path));
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

fn emit_provider(args: &Args, item: &ItemEnum) -> TokenStream {
    let krate = &args.krate;
    let provider = &item.ident;
    let name = provider.unraw().to_string();
    let id = args.text("id").map_or_else(|| name.to_lowercase().replace('_', "-"), LitStr::value);
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
    quote! {
        #[automatically_derived]
        impl #krate::__private::Provider for #provider {
            const ID: &'static str = #id;
            const API: &'static str = #api;
            const AUTHORIZE: &'static str = #authorize;
            const TOKEN: &'static str = #token;
            #(#optional)*
            #dialect
        }
    }
}

fn emit_dialect(args: &Args) -> Option<TokenStream> {
    let krate = &args.krate;
    let mut chain = TokenStream::new();
    for key in ["scope_separator", "response_scope_separator", "refresh", "token_check"] {
        if let Some(text) = args.text(key) {
            let method = Ident::new(key, Span::call_site());
            chain.extend(quote!(.#method(#text)));
        }
    }
    if let Some(client_auth) = &args.client_auth {
        chain.extend(quote!(.client_auth(#krate::__private::ClientAuth::#client_auth)));
    }
    if !args.authorize_params.is_empty() {
        let pairs = args.authorize_params.iter().map(|(name, value)| quote!((#name, #value)));
        chain.extend(quote!(.authorize_params(&[#(#pairs),*])));
    }
    (!chain.is_empty()).then(|| {
        quote! {
            const DIALECT: #krate::__private::Dialect = #krate::__private::Dialect::STANDARD #chain;
        }
    })
}
