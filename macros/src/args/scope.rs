//! `#[scope("repo", access = write, implies(RepoRead))]`

use darling::{Error, FromMeta, Result, ast::NestedMeta};
use proc_macro2::TokenStream;
use syn::{
    Attribute as SynAttribute, Ident, LitStr, Meta, Token,
    parse::{ParseStream, Parser},
};

use super::{
    keys,
    value::{Texts, list_of, path, unquoted, value_of, written},
};
use crate::{errors::Errors, suggest};

/// A scope token (RFC 6749 §3.3), and the rest of the attribute.
pub(crate) struct ScopeAttribute {
    pub(crate) token: LitStr,
    pub(crate) args: ScopeArgs,
}

attribute! {
    struct ScopeArgs {
        access: Option<Access>,
        implies: Option<Variants>,
        also: Option<Synonyms>,
    }
}

impl ScopeAttribute {
    pub(crate) fn parse(attribute: &SynAttribute, errors: &mut Errors) -> Option<Self> {
        let parser = |input: ParseStream<'_>| {
            let token: LitStr =
                input.parse().map_err(|error| syn::Error::new(error.span(), TOKEN_FIRST))?;
            input.parse::<Option<Token![,]>>()?;
            Ok((token, input.parse::<TokenStream>()?))
        };
        let tokens = errors.take(tokens_of(attribute))?;
        // An error of the parser would have no span here.
        if tokens.is_empty() {
            errors.push(syn::Error::new_spanned(attribute, TOKEN_FIRST));
            return None;
        }
        let (token, rest) = errors.take(parser.parse2(tokens))?;
        errors.take(check_token(&token))?;
        let before = errors.len();
        let items = keys::parse_items::<ScopeArgs>(rest, errors);
        let items = keys::check_keys::<ScopeArgs>(items, errors);
        let args = errors.take(ScopeArgs::from_list(&items))?;
        (errors.len() == before).then_some(Self { token, args })
    }
}

const TOKEN_FIRST: &str = "the scope token comes first: `#[scope(\"repo:read\")]`";

fn check_token(token: &LitStr) -> syn::Result<()> {
    if is_scope_token(&token.value()) {
        return Ok(());
    }
    let message = format!(
        "`{}` is not a scope token (RFC 6749 §3.3)\nhelp: write printable ASCII without spaces, quotes and backslashes",
        token.value()
    );
    Err(syn::Error::new(token.span(), message))
}

/// The grammar of a scope token (RFC 6749 §3.3).
pub(crate) fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// The tokens between the parentheses of `#[name(..)]`, or none for `#[name]`.
pub(crate) fn tokens_of(attribute: &SynAttribute) -> syn::Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) if matches!(list.delimiter, syn::MacroDelimiter::Paren(_)) => {
            Ok(list.tokens.clone())
        }
        other => Err(syn::Error::new_spanned(other, "write the keys in parentheses")),
    }
}

/// What a scope allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Read,
    Write,
    Destructive,
}

impl Access {
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("read", Self::Read), ("write", Self::Write), ("destructive", Self::Destructive)];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, access)| access)
    }

    pub(crate) fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, access)| *access == self).map_or("", |(name, _)| name)
    }
}

impl FromMeta for Access {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = " = read";
        let value = value_of(item, form)?;
        let word = path(value).and_then(|path| path.get_ident().cloned()).ok_or_else(|| {
            let names = Access::ALL.map(|(name, _)| name);
            unquoted(item, value, &names)
                .unwrap_or_else(|| written(item.path(), form))
                .with_span(value)
        })?;
        let name = word.to_string();
        Access::parse(&name).ok_or_else(|| {
            let help = suggest::help(&name, Access::ALL.map(|(name, _)| name), "its values are");
            let message = format!("`access` has no value `{name}`\nhelp: {help}");
            Error::custom(message).with_span(&word)
        })
    }
}

/// `also = "https://www.googleapis.com/auth/userinfo.email"`
pub(crate) struct Synonyms(pub(crate) Vec<LitStr>);

impl FromMeta for Synonyms {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Texts(names) = Texts::from_meta(item)?;
        names.iter().try_for_each(check_token)?;
        Ok(Self(names))
    }
}

/// `implies(RepoRead)`
pub(crate) struct Variants(pub(crate) Vec<Ident>);

impl FromMeta for Variants {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = "(RepoRead)";
        let variants = NestedMeta::parse_meta_list(list_of(item, form)?.clone())?;
        let variant = |variant: &NestedMeta| match variant {
            NestedMeta::Meta(Meta::Path(path)) if path.get_ident().is_some() => {
                Ok(path.segments[0].ident.clone())
            }
            other => Err(written(item.path(), form).with_span(other)),
        };
        variants.iter().map(variant).collect::<Result<_>>().map(Self)
    }
}
