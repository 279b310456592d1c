//! Keys of our attributes: `key`, `key = value`, `key(..)`, each known and given once.

use proc_macro2::{Span, TokenStream};
use syn::{
    Error, Ident, LitBool, LitStr, MacroDelimiter, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{errors::Errors, suggest};

/// One `key`, `key = value` or `key(..)`.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// `key`
    Flag,
    /// `key = ..`
    Equals(TokenStream),
    /// `key(..)`
    List(TokenStream),
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            Value::Equals(until_comma(input)?)
        } else if input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            Value::List(content.parse()?)
        } else {
            Value::Flag
        };
        Ok(Self { key, value })
    }
}

/// The tokens up to the next comma: an expression is parsed where its type is known.
fn until_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend(Some(input.parse::<proc_macro2::TokenTree>()?));
    }
    if tokens.is_empty() { Err(input.error("expected a value")) } else { Ok(tokens) }
}

impl Entry {
    /// The entries of an attribute, without those that are unknown or repeated.
    pub(crate) fn all(
        attribute: &str,
        tokens: TokenStream,
        known: &[&str],
        errors: &mut Errors,
    ) -> Vec<Self> {
        let parser = Punctuated::<Self, Token![,]>::parse_terminated;
        let entries = errors.take(parser.parse2(tokens)).unwrap_or_default();
        let mut kept = Vec::<Self>::new();
        for entry in entries {
            let name = entry.key.to_string();
            if !known.contains(&name.as_str()) {
                let help = suggest::help(&name, known.iter().copied(), "its keys are");
                errors.push(Error::new(
                    entry.key.span(),
                    format!("`{attribute}` has no key `{name}`\nhelp: {help}"),
                ));
            } else if kept.iter().any(|other| other.key == entry.key) {
                errors.push(Error::new(entry.key.span(), format!("`{name}` is given twice")));
            } else {
                kept.push(entry);
            }
        }
        kept
    }

    fn wants(&self, form: &str) -> Error {
        let key = &self.key;
        Error::new(key.span(), format!("`{key}` is written `{key}{form}`"))
    }

    /// `key = "text"`
    pub(crate) fn text(self) -> Result<LitStr> {
        match self.value {
            Value::Equals(tokens) => syn::parse2(tokens),
            _ => Err(self.wants(" = \"..\"")),
        }
    }

    /// `key` or `key = true`
    pub(crate) fn flag(self) -> Result<(bool, Span)> {
        match self.value {
            Value::Flag => Ok((true, self.key.span())),
            Value::Equals(tokens) => {
                let value: LitBool = syn::parse2(tokens)?;
                Ok((value.value, self.key.span()))
            }
            Value::List(_) => Err(self.wants(" = true")),
        }
    }

    /// `key = path`
    pub(crate) fn path(self) -> Result<Path> {
        match self.value {
            Value::Equals(tokens) => Path::parse_mod_style.parse2(tokens),
            _ => Err(self.wants(" = path")),
        }
    }

    /// `crate = ::path`: relative paths would mean something else in every module.
    pub(crate) fn krate(self) -> Result<Path> {
        let path = self.path()?;
        let starts = path.segments.first().map(|segment| segment.ident.to_string());
        if path.leading_colon.is_some() || matches!(starts.as_deref(), Some("crate" | "$crate")) {
            return Ok(path);
        }
        let message = "`crate` is an absolute path: `crate = ::toolgate`";
        Err(Error::new_spanned(path, message))
    }

    /// `key("a", "b")`
    pub(crate) fn texts(self) -> Result<Vec<LitStr>> {
        match self.value {
            Value::List(tokens) => {
                let parser = Punctuated::<LitStr, Token![,]>::parse_terminated;
                Ok(parser.parse2(tokens)?.into_iter().collect())
            }
            Value::Equals(tokens) => Ok(vec![syn::parse2(tokens)?]),
            Value::Flag => Err(self.wants("(\"..\")")),
        }
    }
}

/// The tokens between the parentheses of `#[name(..)]`, or none for `#[name]`.
pub(crate) fn tokens_of(attribute: &syn::Attribute) -> Result<TokenStream> {
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(TokenStream::new()),
        syn::Meta::List(list) if matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
            Ok(list.tokens.clone())
        }
        other => Err(Error::new_spanned(other, "write the keys in parentheses")),
    }
}

/// The text of the doc comments among `attrs`, as markdown.
pub(crate) fn doc(attrs: &[syn::Attribute]) -> String {
    let mut text = String::new();
    for attr in attrs {
        if !attr.path().is_ident("doc") {
            continue;
        }
        let syn::Meta::NameValue(pair) = &attr.meta else { continue };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &pair.value else {
            continue;
        };
        let line = line.value();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
    }
    text.trim().to_owned()
}
