//! `#[arg(..)]`: an argument's default, checks and examples.

use std::fmt::Write;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Error, Expr, ExprLit, ExprRange, ExprUnary, GenericArgument, Lit, LitStr, Path, PathArguments,
    RangeLimits, Result, Type, UnOp, ext::IdentExt, spanned::Spanned,
};

use crate::{
    attribute::{self, Entry, Value},
    errors::Errors,
    function::Parameter,
};

const KEYS: [&str; 9] =
    ["default", "rename", "range", "length", "pattern", "one_of", "example", "examples", "flatten"];

/// The constant of an argument: `Arg::<u8>::new("limit", "How many.").default(|| 30)`.
pub(crate) struct Argument {
    pub(crate) name: LitStr,
    pub(crate) constant: TokenStream,
}

impl Argument {
    pub(crate) fn new(krate: &Path, parameter: &Parameter, errors: &mut Errors) -> Self {
        let Parameter { ident, ty, args, doc, .. } = parameter;
        let mut name = LitStr::new(&ident.unraw().to_string(), ident.span());
        let mut chain = TokenStream::new();
        let mut checks = Vec::new();
        let mut faulty = false;
        for attr in args {
            let Some(tokens) = errors.take(attribute::tokens_of(attr)) else { continue };
            for entry in Entry::all("#[arg]", tokens, &KEYS, errors) {
                let key = entry.key.to_string();
                let result = match key.as_str() {
                    "rename" => entry.text().map(|text| name = text),
                    "default" => default(entry, ty).map(|default| chain.extend(default)),
                    "flatten" => entry.flag().map(|_| chain.extend(quote!(.flatten()))),
                    "example" | "examples" => {
                        examples(entry).map(|examples| chain.extend(examples))
                    }
                    _ => check(krate, entry, &key, ty).map(|check| checks.push(check)),
                };
                faulty |= errors.take(result).is_none();
            }
        }
        check_type(ty, errors);
        if faulty {
            chain = TokenStream::new();
            checks.clear();
        }
        match checks.as_slice() {
            [] => {}
            [check] => chain.extend(quote!(.check(#check))),
            checks => chain.extend(quote!(.checks(&[#(#checks),*]))),
        }
        let constant = quote!(<#ty as #krate::__private::Argument>::ARG.named(#name, #doc) #chain);
        Self { name, constant }
    }
}

fn check_type(ty: &Type, errors: &mut Errors) {
    let help = match ty {
        Type::Reference(reference) => match reference.elem.to_token_stream().to_string().as_str() {
            "str" => "write `String`".to_owned(),
            other => format!("write `{other}`"),
        },
        Type::ImplTrait(_) => "write the type".to_owned(),
        _ => return,
    };
    let what = match ty {
        Type::ImplTrait(_) => "an argument has one type, which its schema describes",
        _ => "an argument is owned: it is decoded for this call",
    };
    errors.push(Error::new_spanned(ty, format!("{what}\nhelp: {help}")));
}

fn default(entry: Entry, ty: &Type) -> Result<TokenStream> {
    let span = entry.key.span();
    match entry.value {
        Value::Flag => Ok(quote_spanned!(span=> .default(::core::default::Default::default))),
        Value::Equals(tokens) => {
            let value: Expr = syn::parse2(tokens)?;
            let is_text = matches!(&value, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }));
            let value = if is_text && last_ident(ty).is_some_and(|ident| ident == "String") {
                quote!(::std::borrow::ToOwned::to_owned(#value))
            } else {
                value.into_token_stream()
            };
            Ok(quote!(.default(|| #value)))
        }
        Value::List(_) => {
            Err(Error::new(span, "`default` is written `default = value`, or `default` alone"))
        }
    }
}

fn examples(entry: Entry) -> Result<TokenStream> {
    let tokens = match entry.value {
        Value::Equals(tokens) | Value::List(tokens) => tokens,
        Value::Flag => {
            return Err(Error::new(entry.key.span(), "`example` is written `example = value`"));
        }
    };
    let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
    let mut texts = Vec::new();
    for value in syn::parse::Parser::parse2(parser, tokens)? {
        texts.push(LitStr::new(&json(&value)?, value.span()));
    }
    Ok(quote!(.examples(&[#(#texts),*])))
}

/// A literal as JSON text.
fn json(value: &Expr) -> Result<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(quoted(&text.value())),
        Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) => Ok(value.value.to_string()),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Ok(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => Ok(number.base10_digits().to_owned()),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Ok(format!("-{}", json(expr)?)),
        other => Err(Error::new_spanned(other, "an example is a string, a number or a boolean")),
    }
}

pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

fn check(krate: &Path, entry: Entry, key: &str, ty: &Type) -> Result<TokenStream> {
    let span = entry.key.span();
    let inner = inside_option(ty);
    let kind = last_ident(inner).map(ToString::to_string).unwrap_or_default();
    if let Some(fault) = misfit(key, &kind) {
        return Err(Error::new(span, fault));
    }
    match key {
        "range" => {
            let (min, max) = bounds(entry, "range(1..=100)")?;
            Ok(quote_spanned!(span=> &#krate::__private::Range::<#inner>(#min, #max)))
        }
        "length" => {
            let (min, max) = bounds(entry, "length(1..=100)")?;
            Ok(quote_spanned!(span=> &#krate::__private::Length(#min, #max)))
        }
        "pattern" => {
            let pattern = entry.text()?;
            Ok(quote_spanned!(span=> &#krate::__private::Pattern(#pattern)))
        }
        _ => {
            let texts = entry.texts()?;
            Ok(quote_spanned!(span=> &#krate::__private::OneOf(&[#(#texts),*])))
        }
    }
}

/// Says why the rule does not fit a type that is known by its name. For an alias rustc says it, in
/// more words and on the whole attribute.
fn misfit(key: &str, kind: &str) -> Option<String> {
    let numbers = "u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64";
    let number = numbers.split(' ').any(|number| number == kind);
    let scalar = number || ["bool", "char"].contains(&kind);
    let (fits, is_for, help) = match key {
        "range" => (
            !["String", "bool", "Vec", "char"].contains(&kind),
            "numbers",
            "`length(..)` bounds strings and collections",
        ),
        "length" => (!scalar, "strings and collections", "`range(..)` bounds numbers"),
        _ => (
            !scalar && kind != "Vec",
            "strings",
            "`range(..)` bounds numbers, `length(..)` collections",
        ),
    };
    (!fits).then(|| format!("`{key}` is for {is_for}, not for `{kind}`\nhelp: {help}"))
}

/// `(a..=b)`, `(a..)` or `(..=b)`, both ends included.
fn bounds(entry: Entry, form: &str) -> Result<(TokenStream, TokenStream)> {
    let key = entry.key.clone();
    let wanted = |span| Error::new(span, format!("`{key}` is written `{form}`"));
    let Value::List(tokens) = entry.value else { return Err(wanted(key.span())) };
    let range: ExprRange = match syn::parse2(tokens.clone()) {
        Ok(Expr::Range(range)) => range,
        _ => return Err(wanted(tokens.span())),
    };
    if let (RangeLimits::HalfOpen(dots), Some(_)) = (&range.limits, &range.end) {
        let message = "both ends are included\nhelp: write `..=`";
        return Err(Error::new_spanned(dots, message));
    }
    if let (Some(min), Some(max)) = (&range.start, &range.end)
        && let (Some(low), Some(high)) = (number(min), number(max))
        && low > high
    {
        return Err(Error::new_spanned(
            &range,
            "nothing is in this range: it ends before it starts",
        ));
    }
    let option = |bound: &Option<Box<Expr>>| match bound {
        Some(bound) => quote!(::core::option::Option::Some(#bound)),
        None => quote!(::core::option::Option::None),
    };
    Ok((option(&range.start), option(&range.end)))
}

fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|number| -number),
        _ => None,
    }
}

fn last_ident(ty: &Type) -> Option<&syn::Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => last_ident(&group.elem),
        _ => None,
    }
}

/// The `T` of `Option<T>`: a check is of the value that is there.
fn inside_option(ty: &Type) -> &Type {
    let Type::Path(path) = ty else { return ty };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == "Option") else {
        return ty;
    };
    match &last.arguments {
        PathArguments::AngleBracketed(generics) => match generics.args.first() {
            Some(GenericArgument::Type(inner)) => inner,
            _ => ty,
        },
        _ => ty,
    }
}
