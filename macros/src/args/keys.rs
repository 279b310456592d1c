//! The keys of an attribute: which exist, and that each is given once.

use darling::{FromMeta, ast::NestedMeta, util::path_to_string};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Error, Expr, Ident, LitStr, Meta, Path, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use super::value::{list_of, text, ungroup};
use crate::{errors::Errors, suggest};

/// The keys of an attribute, which are the names of its struct's fields.
pub(crate) trait Keys: FromMeta {
    fn keys() -> Vec<&'static str>;
}

/// What error messages say about an attribute.
pub(crate) trait Attribute: Keys {
    /// The attribute, as messages name it: `#[tool]`.
    const NAME: &'static str;
    /// Whether it takes the key `crate = ::path`.
    const HAS_CRATE: bool = true;

    /// The advice for a key that belongs to another attribute.
    fn misplaced(_key: &str) -> Option<String> {
        None
    }

    /// What to write instead of `value`, which has no key: `scopes = "repo:read"`.
    fn with_key(_value: &str) -> Option<String> {
        None
    }
}

/// Declares the struct of an attribute, and [`Keys`] from its fields. `..` comes before a field
/// whose keys are keys of this attribute too.
macro_rules! attribute {
    (
        $(#[$meta:meta])*
        struct $Args:ident {
            $(..$flat:ident: $Flat:ty,)?
            $($(#[$field_meta:meta])* $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Default, darling::FromMeta)]
        pub(crate) struct $Args {
            $(#[darling(flatten)] pub(crate) $flat: $Flat,)?
            $($(#[$field_meta])* pub(crate) $field: $ty,)*
        }

        impl $crate::args::Keys for $Args {
            fn keys() -> Vec<&'static str> {
                #[allow(unused_mut)]
                let mut keys = vec![$(stringify!($field)),*];
                $(keys.extend(<$Flat as $crate::args::Keys>::keys());)?
                keys
            }
        }
    };
}

/// The items of an attribute up to a syntax error.
pub(super) fn parse_items<A: Attribute>(
    tokens: TokenStream,
    errors: &mut Errors,
) -> Vec<NestedMeta> {
    let mut items = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if input.peek(Ident::peek_any) || input.peek(Token![::]) {
                check_value(input)?;
                items.push(input.parse()?);
            } else {
                errors.push(without_key::<A>(input, items.last())?);
            }
            if input.is_empty() {
                break;
            }
            if !input.peek(Token![,]) {
                return Err(no_comma(input, items.pop()));
            }
            input.parse::<Token![,]>()?;
        }
        Ok(())
    };
    let parsed = parser.parse2(tokens);
    errors.take(parsed);
    items
}

/// The items whose keys are known and given once.
pub(super) fn check_keys<A: Attribute>(
    items: Vec<NestedMeta>,
    errors: &mut Errors,
) -> Vec<NestedMeta> {
    check_keys_of::<A>(A::NAME, items, errors)
}

/// Like [`check_keys`], with another name for the attribute in messages.
fn check_keys_of<A: Attribute>(
    name: &str,
    items: Vec<NestedMeta>,
    errors: &mut Errors,
) -> Vec<NestedMeta> {
    let mut known = A::keys();
    known.extend(A::HAS_CRATE.then_some("crate"));
    let mut seen = Vec::<String>::new();
    let mut check = |item: &NestedMeta| {
        let Some(path) = path_of(item) else { return Ok(()) };
        let key = path_to_string(path);
        if !known.contains(&key.as_str()) {
            let message = A::misplaced(&key).unwrap_or_else(|| {
                let help = suggest::help(&key, known.iter().copied(), "its keys are");
                format!("`{name}` has no key `{key}`\nhelp: {help}")
            });
            return Err(Error::new_spanned(path, message));
        }
        if seen.contains(&key) {
            return Err(Error::new_spanned(path, format!("`{key}` is given twice")));
        }
        seen.push(key);
        Ok(())
    };
    items.into_iter().filter(|item| errors.take(check(item)).is_some()).collect()
}

/// Keys within a key: `revocation(method = delete)`.
pub(crate) struct Group<A> {
    /// The place of the key.
    pub(crate) key: Span,
    pub(crate) value: A,
}

impl<A: Attribute> FromMeta for Group<A> {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let (key, name) = (item.path().span(), path_to_string(item.path()));
        let tokens = list_of(item, "(..)")?.clone();
        let mut errors = Errors::default();
        let items = parse_items::<A>(tokens, &mut errors);
        let items = check_keys_of::<A>(&name, items, &mut errors);
        let value = errors.take(A::from_list(&items));
        match (value, errors.finish()) {
            (Some(value), Ok(())) => Ok(Self { key, value }),
            (_, Err(errors)) => {
                let errors = errors.into_iter().map(darling::Error::from).collect();
                Err(darling::Error::multiple(errors))
            }
            (None, Ok(())) => unreachable!("what has no value has an error"),
        }
    }
}

/// The key of an item.
pub(super) fn path_of(item: &NestedMeta) -> Option<&Path> {
    match item {
        NestedMeta::Meta(meta) => Some(meta.path()),
        NestedMeta::NameValueInvalidExpr(pair) => Some(&pair.path),
        NestedMeta::Lit(_) => None,
    }
}

/// Fails for `key = ` without a value, and for a text without quotes, `key = repo:read`.
fn check_value(input: ParseStream<'_>) -> Result<()> {
    let input = input.fork();
    let (Ok(key), Ok(_)) = (input.call(Ident::parse_any), input.parse::<Token![=]>()) else {
        return Ok(());
    };
    if input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{key}` has no value\nhelp: write `{key} = ..`");
        return Err(Error::new(key.span(), message));
    }
    let span = input.span();
    let is_word = input.call(Ident::parse_any).is_ok();
    // `::` and `.` follow the name of a path or of a value, and a default may be a division.
    let goes_on = input.peek(Token![:]) && !input.peek(Token![::])
        || key != "default" && input.peek(Token![/]);
    if !is_word || !goes_on {
        return Ok(());
    }
    let message = format!("this value needs quotes\nhelp: write `{key} = \"..\"`");
    Err(Error::new(span, message))
}

/// Takes a value that has no key, up to the next comma, and scopes that follow it. `before` is the
/// item before it.
fn without_key<A: Attribute>(input: ParseStream<'_>, before: Option<&NestedMeta>) -> Result<Error> {
    let span = input.span();
    let mut value = TokenStream::new();
    let is_quoted_key = input.peek(LitStr) && input.peek2(Token![=]);
    while !input.is_empty() && !input.peek(Token![,]) {
        value.extend(Some(input.parse::<TokenTree>()?));
    }
    if is_quoted_key {
        return Ok(Error::new(span, "a key cannot be quoted\nhelp: write it without quotes"));
    }
    let value = value.to_string();
    let help = match before.and_then(scopes_of).filter(|_| is_scope::<A>(&value)) {
        Some(mut scopes) => {
            scopes.push(value);
            while let Some(scope) = next_literal(input).filter(|scope| is_scope::<A>(scope)) {
                input.parse::<Token![,]>()?;
                input.parse::<LitStr>()?;
                scopes.push(scope);
            }
            Some(format!("scopes = [{}]", scopes.join(", ")))
        }
        None => A::with_key(&value),
    };
    let help = help.map(|help| format!("\nhelp: write `{help}`")).unwrap_or_default();
    Ok(Error::new(span, format!("this value has no key{help}")))
}

/// The values of `scopes = "a"` or `scopes = ["a", "b"]`.
fn scopes_of(item: &NestedMeta) -> Option<Vec<String>> {
    let NestedMeta::Meta(Meta::NameValue(pair)) = item else { return None };
    let values: Vec<&Expr> = match ungroup(&pair.value) {
        Expr::Array(list) => list.elems.iter().collect(),
        value => vec![text(value).map(|_| value)?],
    };
    let shown = values.into_iter().map(|value| value.to_token_stream().to_string());
    pair.path.is_ident("scopes").then(|| shown.collect())
}

/// Whether a value without a key is a string literal that belongs to `scopes`.
fn is_scope<A: Attribute>(value: &str) -> bool {
    syn::parse_str::<LitStr>(value).is_ok()
        && A::with_key(value).is_none_or(|help| help.starts_with("scopes"))
}

/// The next item, if it is a string literal.
fn next_literal(input: ParseStream<'_>) -> Option<String> {
    let input = input.fork();
    input.parse::<Token![,]>().ok()?;
    let literal: LitStr = input.parse().ok()?;
    let is_whole = input.is_empty() || input.peek(Token![,]);
    is_whole.then(|| literal.to_token_stream().to_string())
}

fn no_comma(input: ParseStream<'_>, before: Option<NestedMeta>) -> Error {
    let message = match before {
        Some(NestedMeta::Meta(Meta::Path(key))) => {
            let key = path_to_string(&key);
            format!("`=` is missing before the value of `{key}`\nhelp: write `{key} = ..`")
        }
        _ => "a comma is missing before this".to_owned(),
    };
    Error::new(input.span(), message)
}
