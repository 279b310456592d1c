//! Scopes as `#[requires(..)]` and `#[tool(scopes(..))]` declare them.

use darling::{Error, FromMeta, ast::NestedMeta};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, Ident, Lit, LitStr, Meta, Path,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use super::{
    scope::is_scope_token,
    value::{ungroup, written},
};

type Result<T> = darling::Result<T>;

/// One scope: its token, with the span of the literal, or a variant of the provider.
#[derive(Clone)]
pub(crate) enum ScopeName {
    Token(String, Span),
    Variant(Ident),
}

impl ScopeName {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Token(_, span) => *span,
            Self::Variant(variant) => variant.span(),
        }
    }
}

impl ToTokens for ScopeName {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Token(token, span) => LitStr::new(token, *span).to_tokens(tokens),
            Self::Variant(variant) => variant.to_tokens(tokens),
        }
    }
}

impl Parse for ScopeName {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self::Token(literal.value(), literal.span()));
        }
        Ok(Self::Variant(input.parse()?))
    }
}

/// The scopes of one client, with their span.
#[derive(Clone)]
pub(crate) struct ScopeList {
    pub(crate) names: Vec<ScopeName>,
    pub(crate) span: Span,
}

impl ScopeList {
    /// For messages: "scopes `repo:read`, `user:email`".
    pub(crate) fn describe(&self) -> String {
        let name = |name: &ScopeName| match name {
            ScopeName::Token(token, _) => format!("`{token}`"),
            ScopeName::Variant(variant) => format!("`{variant}`"),
        };
        let names: Vec<_> = self.names.iter().map(name).collect();
        let noun = if names.len() == 1 { "scope" } else { "scopes" };
        format!("{noun} {}", names.join(", "))
    }
}

/// The scopes of a tool or a helper: those of its only client, or those of each client, by the name
/// of its parameter.
pub(crate) enum Scopes {
    Only(ScopeList),
    Keyed(Vec<(Ident, ScopeList)>),
}

impl FromMeta for Scopes {
    fn from_meta(item: &Meta) -> Result<Self> {
        match item {
            Meta::Path(path) => Err(written(path, " = \"repo:read\"").with_span(path)),
            Meta::NameValue(pair) => scope_list(&pair.value).map(Self::Only),
            Meta::List(list) => {
                let items = NestedMeta::parse_meta_list(list.tokens.clone())?;
                Self::from_items(&items, item.path().span())
            }
        }
    }
}

impl Scopes {
    /// `"a", "b"`, `Variant`, or `github = "a", slack("b", "c")`.
    pub(super) fn from_items(items: &[NestedMeta], span: Span) -> Result<Self> {
        let is_keyed = |item: &NestedMeta| {
            matches!(
                item,
                NestedMeta::Meta(Meta::NameValue(_) | Meta::List(_))
                    | NestedMeta::NameValueInvalidExpr(_)
            )
        };
        if items.first().is_some_and(is_keyed) {
            return keyed(items).map(Self::Keyed);
        }
        let mut names = Vec::new();
        for item in items {
            match item {
                NestedMeta::Lit(Lit::Str(literal)) => names.extend(tokens(literal)?),
                NestedMeta::Meta(Meta::Path(path)) => names.push(variant(path)?),
                other => return Err(not_a_scope(other.span())),
            }
        }
        checked(names, span).map(Self::Only)
    }
}

fn keyed(items: &[NestedMeta]) -> Result<Vec<(Ident, ScopeList)>> {
    let mut keyed = Vec::<(Ident, ScopeList)>::new();
    for item in items {
        let (path, list) = match item {
            NestedMeta::Meta(Meta::NameValue(pair)) => (&pair.path, scope_list(&pair.value)?),
            NestedMeta::Meta(Meta::List(list)) => {
                let inner = NestedMeta::parse_meta_list(list.tokens.clone())?;
                match Scopes::from_items(&inner, list.delimiter.span().join())? {
                    Scopes::Only(scopes) => (&list.path, scopes),
                    Scopes::Keyed(_) => return Err(not_a_scope(list.tokens.span())),
                }
            }
            NestedMeta::NameValueInvalidExpr(pair) => return Err(pair.error.clone()),
            NestedMeta::Meta(Meta::Path(_)) | NestedMeta::Lit(_) => {
                let message = "which client is this scope for?\nhelp: name the parameter, as for the others: `github = \"..\"`";
                return Err(Error::custom(message).with_span(item));
            }
        };
        let key = path.require_ident().map_err(Error::from)?;
        if keyed.iter().any(|(other, _)| other == key) {
            return Err(Error::custom(format!("`{key}` is given twice")).with_span(key));
        }
        keyed.push((key.clone(), list));
    }
    Ok(keyed)
}

/// `"a b"`, `["a", "b"]` or `Variant`.
fn scope_list(value: &Expr) -> Result<ScopeList> {
    let value = ungroup(value);
    if let Expr::Array(list) = value {
        let mut names = Vec::new();
        for element in &list.elems {
            names.extend(element_names(element)?);
        }
        return checked(names, list.bracket_token.span.join());
    }
    checked(element_names(value)?, value.span())
}

fn element_names(value: &Expr) -> Result<Vec<ScopeName>> {
    match ungroup(value) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(literal) => tokens(literal),
            other => Err(not_a_scope(other.span())),
        },
        Expr::Path(path) => Ok(vec![variant(&path.path)?]),
        other => Err(not_a_scope(other.span())),
    }
}

/// The scope tokens of a literal, separated by spaces.
fn tokens(literal: &LitStr) -> Result<Vec<ScopeName>> {
    let span = literal.span();
    let text = literal.value();
    let mut names = Vec::new();
    for token in text.split(' ').filter(|token| !token.is_empty()) {
        if !is_scope_token(token) {
            let shown =
                |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.into() };
            let token: String = token.chars().map(shown).collect();
            let message = format!(
                "`{token}` is not a scope token (RFC 6749 §3.3)\nhelp: scopes are separated by one space, as in \"repo:read user:email\""
            );
            return Err(Error::custom(message).with_span(&span));
        }
        names.push(ScopeName::Token(token.to_owned(), span));
    }
    Ok(names)
}

/// `RepoRead`, or `GitHub::RepoRead`, whose last segment is what counts.
fn variant(path: &Path) -> Result<ScopeName> {
    match path.get_ident() {
        Some(ident) => Ok(ScopeName::Variant(ident.clone())),
        None => {
            let last = path.segments.last().map(|segment| segment.ident.to_string());
            let message = format!(
                "a scope is named by its variant alone\nhelp: write `{}`",
                last.unwrap_or_default()
            );
            Err(Error::custom(message).with_span(path))
        }
    }
}

fn checked(names: Vec<ScopeName>, span: Span) -> Result<ScopeList> {
    if names.is_empty() {
        let message = "the list of scopes is empty\nhelp: name a scope, or remove the key";
        return Err(Error::custom(message).with_span(&span));
    }
    Ok(ScopeList { names, span })
}

fn not_a_scope(span: Span) -> Error {
    let message = "a scope is a string, or a variant of the provider\nhelp: write `\"repo:read\"`, or `[\"repo:read\", \"user:email\"]`";
    Error::custom(message).with_span(&span)
}
