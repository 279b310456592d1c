//! A function under `#[tool]`, `#[widget]` or `#[requires]`.

use std::cell::Cell;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, Ident, Result, ReturnType, Signature, Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::errors::Errors;

/// A function whose body need not parse, so that the macro works while the body is being typed.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Function {
    /// Parses the item. `attribute` is the name without `#[..]`, for messages.
    ///
    /// An item that cannot be parsed is returned unchanged, with an error, unless it is a function:
    /// rustc reports its syntax errors itself.
    pub(crate) fn parse(
        attribute: &str,
        item: TokenStream,
    ) -> std::result::Result<Self, TokenStream> {
        let is_function = Cell::new(false);
        let parser = |input: ParseStream<'_>| {
            let attrs = input.call(Attribute::parse_outer)?;
            let vis = input.parse()?;
            is_function.set(begins_function(input));
            let sig = input.call(Signature::parse).map_err(|error| {
                Error::new(error.span(), format!("`#[{attribute}]` goes on an `async fn`"))
            })?;
            Ok(Self { attrs, vis, sig, body: input.parse()? })
        };
        syn::parse::Parser::parse2(parser, item.clone()).map_err(|error| {
            let error = (!is_function.get()).then(|| error.into_compile_error());
            quote!(#item #error)
        })
    }

    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// Checks what holds for tools and for helpers.
    ///
    /// A function that is not async is not checked further: it is another kind of function.
    pub(crate) fn check_signature(&mut self, what: &str, errors: &mut Errors) {
        self.take_second_attribute(errors);
        let sig = &self.sig;
        if sig.asyncness.is_none() {
            let message = format!("{what} is an `async fn`\nhelp: write `async fn {}`", sig.ident);
            errors.push(Error::new_spanned(sig.fn_token, message));
            return;
        }
        if !matches!(sig.safety, syn::Safety::Default) {
            errors.push(Error::new_spanned(&sig.safety, format!("{what} is not `unsafe`")));
        }
        if let Some(abi) = &sig.abi {
            errors.push(Error::new_spanned(abi, format!("{what} has no ABI of its own")));
        }
        if let Some(receiver) = sig.receiver() {
            let message = format!(
                "{what} is a free function, without `self`\nhelp: take shared data as a parameter, such as `State<T>`"
            );
            errors.push(Error::new_spanned(receiver.self_token, message));
        }
    }

    /// Removes another attribute of toolgate, which would declare the same type again.
    fn take_second_attribute(&mut self, errors: &mut Errors) {
        let is_ours = |attr: &Attribute| {
            let path = attr.path();
            let last = path.segments.last().map(|segment| segment.ident.to_string());
            let of_toolgate = path.segments.len() == 1 || path.segments[0].ident == "toolgate";
            let ours = ["tool", "widget", "requires"];
            of_toolgate && last.is_some_and(|last| ours.contains(&last.as_str()))
        };
        for attr in self.attrs.extract_if(.., |attr| is_ours(attr)) {
            let message = "a function has one of `#[tool]`, `#[widget]` and `#[requires]`\nhelp: remove this one";
            errors.push(Error::new_spanned(attr.path(), message));
        }
    }

    /// Whether it has `#[allow(deprecated)]`, which does not reach the warning in another item of
    /// the expansion.
    pub(crate) fn allows_deprecated(&self) -> bool {
        self.attrs.iter().filter(|attr| attr.path().is_ident("allow")).any(|attr| {
            let list = attr.meta.require_list().map(|list| list.tokens.clone());
            list.is_ok_and(|lints| {
                let mut tokens = lints.into_iter();
                tokens.any(|token| matches!(token, TokenTree::Ident(name) if name == "deprecated"))
            })
        })
    }

    /// Replaces the body, whose errors would only repeat one that is reported.
    pub(crate) fn drop_body(&mut self) {
        self.body = quote!({ ::core::unreachable!() });
        self.attrs.push(syn::parse_quote!(#[allow(unused_variables, unused_mut)]));
    }

    /// The type that it returns.
    pub(crate) fn output(&self) -> TokenStream {
        match &self.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

/// Whether the item begins as a function does, with `fn` or qualifiers and `fn`.
fn begins_function(input: ParseStream<'_>) -> bool {
    let input = input.fork();
    while let Ok(token) = input.parse::<TokenTree>() {
        match token.to_string().as_str() {
            "fn" => return true,
            "const" | "async" | "unsafe" | "extern" => {}
            abi if abi.starts_with('"') => {}
            _ => return false,
        }
    }
    false
}

/// Fails for the name of a primitive type, which would be shadowed in the whole module.
pub(crate) fn check_name(name: &Ident, noun: &str) -> Result<()> {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128",
        "u16", "u32", "u64", "u8", "usize",
    ];
    if PRIMITIVES.iter().any(|primitive| name == primitive) {
        let help = if noun == "a tool" {
            format!("; the model still sees `{name}` with `name = \"{name}\"` in the attribute")
        } else {
            String::new()
        };
        let message = format!(
            "{noun} cannot have the name of the primitive type `{name}`\nhelp: give the function another name{help}"
        );
        return Err(Error::new_spanned(name, message));
    }
    Ok(())
}
