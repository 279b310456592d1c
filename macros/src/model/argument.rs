//! Arguments: parameters whose values the model sends.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Result, Type, ext::IdentExt};

use super::{
    known::Known,
    parameter::Parameter,
    rule::{NUMBERS, Rule},
    types::{inside_option, last_ident},
};
use crate::{
    args::argument::{ArgArgs, Default},
    errors::Errors,
    json,
};

/// An argument of a tool.
pub(crate) struct Argument {
    pub(crate) name: LitStr,
    pub(crate) ty: Type,
    pub(crate) description: String,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) rules: Vec<Rule>,
    /// As JSON text.
    pub(crate) examples: Vec<LitStr>,
    pub(crate) flatten: bool,
    is_renamed: bool,
}

/// The value of an argument that was not given.
pub(crate) enum DefaultValue {
    /// `Default::default()`, with the place of the key.
    OfType(Span),
    /// A string literal for a `String`.
    Text(LitStr),
    Value(Expr),
}

impl Argument {
    pub(crate) fn new(parameter: &Parameter, errors: &mut Errors) -> Self {
        let Parameter { ident, ty, args, doc, .. } = parameter;
        let mut argument = Self {
            name: LitStr::new(&ident.unraw().to_string(), ident.span()),
            ty: ty.clone(),
            description: doc.clone(),
            default: None,
            rules: Vec::new(),
            examples: Vec::new(),
            flatten: false,
            is_renamed: false,
        };
        errors.take(check_type(ty));
        // Most arguments have no attribute.
        if !args.is_empty()
            && let Some(args) = ArgArgs::parse(args, errors)
        {
            argument.set(args, errors);
        }
        if !argument.flatten {
            errors.take(argument.check_name());
        }
        argument
    }

    /// The APIs of models refuse a tool whose argument has another name.
    fn check_name(&self) -> Result<()> {
        let name = self.name.value();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if (1..=64).contains(&name.len()) && name.chars().all(fits) {
            return Ok(());
        }
        let fitting: String =
            name.chars().take(64).map(|c| if fits(c) { c } else { '_' }).collect();
        let help = match fitting.as_str() {
            "" => "write a name".to_owned(),
            _ if self.is_renamed => format!("write `\"{fitting}\"`"),
            _ => format!("write `#[arg(rename = \"{fitting}\")]` before it"),
        };
        let message = format!(
            "an argument cannot be named `{name}`: the APIs of models accept 1 to 64 characters of A-Z, a-z, 0-9, `_`, `-` and `.`\nhelp: {help}"
        );
        Err(Error::new(self.name.span(), message))
    }

    fn set(&mut self, args: ArgArgs, errors: &mut Errors) {
        self.flatten = args.flatten.is_some_and(|flatten| flatten.on);
        if self.flatten {
            errors.take(check_flattened(&self.ty));
            return errors.extend(args.conflicts_with_flatten());
        }
        if let Some(name) = args.rename {
            self.name = name.0;
            self.is_renamed = true;
        }
        let before = errors.len();
        let kind = last_ident(inside_option(&self.ty)).map(ToString::to_string);
        let kind = kind.unwrap_or_default();
        let rules = [
            args.range.map(|range| Rule::range(range, &kind)),
            args.length.map(|length| Rule::length(length, &kind)),
            args.pattern.map(|pattern| Rule::pattern(pattern, &kind)),
            args.one_of.map(|list| Rule::one_of(list, &kind)),
        ];
        self.rules = rules.into_iter().flatten().filter_map(|rule| errors.take(rule)).collect();

        let examples = [args.example, args.examples].into_iter().flatten();
        let examples: Vec<Expr> = examples.flat_map(|examples| examples.0).collect();
        for example in &examples {
            let literal = json_literal(example).and_then(|literal| {
                check_example(example, &kind)?;
                Ok(literal)
            });
            self.examples.extend(errors.take(literal));
        }
        if errors.len() == before {
            // A faulty rule will be changed, so nothing is checked against it.
            for rule in &self.rules {
                if let Some(default) = &args.default {
                    errors.take(rule.check_default(&default.value, default.key, &self.ty));
                }
                for example in &examples {
                    errors.take(rule.check_value(example, "the example"));
                }
            }
        }
        self.default = args.default.map(|default| match default.value {
            Default::OfType => DefaultValue::OfType(default.key),
            Default::Value(Expr::Lit(ExprLit { lit: Lit::Str(text), .. }))
                if last_ident(&self.ty).is_some_and(|ident| ident == "String") =>
            {
                DefaultValue::Text(text)
            }
            Default::Value(value) => DefaultValue::Value(value),
        });
    }
}

/// Fails for a type that borrows, and for `impl Trait`.
fn check_type(ty: &Type) -> Result<()> {
    let (what, help) = match ty {
        Type::Reference(reference) => {
            let owned = owned(&reference.elem);
            ("an argument is owned: it is decoded for this call", format!("write `{owned}`"))
        }
        Type::ImplTrait(_) => {
            let message = "the type of an argument must be written out: its schema describes it";
            (message, "write the type".to_owned())
        }
        ty => {
            let Some(span) = find_borrow(ty.to_token_stream()) else { return Ok(()) };
            let message = "an argument is owned: it is decoded for this call\nhelp: write `String` instead of `&str`, and types without a lifetime";
            return Err(Error::new(span, message));
        }
    };
    Err(Error::new_spanned(ty, format!("{what}\nhelp: {help}")))
}

/// The owned form of the type behind a reference.
fn owned(ty: &Type) -> String {
    match ty {
        Type::Slice(slice) => return format!("Vec<{}>", owned(&slice.elem)),
        Type::Reference(reference) => return owned(&reference.elem),
        _ => {}
    }
    match ty.to_token_stream().to_string().as_str() {
        "str" => "String".to_owned(),
        "Path" => "PathBuf".to_owned(),
        other => other.to_owned(),
    }
}

/// The place of the first reference or lifetime in a type, apart from `'static`.
fn find_borrow(tokens: TokenStream) -> Option<Span> {
    let mut tokens = tokens.into_iter().peekable();
    let mut reference = None;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.next() {
                Some(TokenTree::Ident(name)) if name == "static" => reference = None,
                name => return Some(name.map_or(punct.span(), |name| name.span())),
            },
            _ if reference.is_some() => return reference,
            TokenTree::Punct(punct) if punct.as_char() == '&' => reference = Some(punct.span()),
            TokenTree::Group(group) => {
                if let Some(span) = find_borrow(group.stream()) {
                    return Some(span);
                }
            }
            _ => {}
        }
    }
    reference
}

/// Fails for a type that is known to have no fields.
fn check_flattened(ty: &Type) -> Result<()> {
    let name = last_ident(ty).map(ToString::to_string).unwrap_or_default();
    let is_value = NUMBERS.contains(&name.as_str());
    if !is_value && !["String", "bool", "char", "Vec"].contains(&name.as_str()) {
        return Ok(());
    }
    let message = format!(
        "`{name}` has no fields to flatten\nhelp: remove `flatten`, or name a struct whose fields are arguments"
    );
    Err(Error::new_spanned(ty, message))
}

/// Fails for an example of another type, where the name of the argument's type is known.
fn check_example(example: &Expr, ty: &str) -> Result<()> {
    let is_text = |value: &Expr| matches!(Known::new(value), Some(Known::Text(_)));
    let is_number = |value: &Expr| matches!(Known::new(value), Some(Known::Number(_)));
    let is_bool = matches!(example, Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }));
    let fits = match ty {
        "String" => is_text(example),
        "bool" => is_bool,
        ty if NUMBERS.contains(&ty) => is_number(example),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let message = format!("the example is not of type `{ty}`\nhelp: write a value of `{ty}`");
    Err(Error::new_spanned(example, message))
}

fn json_literal(value: &Expr) -> Result<LitStr> {
    let text = json::literal(value).ok_or_else(|| {
        Error::new_spanned(value, "an example is a string, a number or a boolean")
    })?;
    Ok(LitStr::new(&text, syn::spanned::Spanned::span(value)))
}
