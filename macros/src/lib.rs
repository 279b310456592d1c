//! The macros of toolgate; documented where `toolgate` re-exports them, so that the examples compile.
//!
//! An attribute becomes a struct in `args`, is checked with its item in `model`, and turns into
//! code in `expand`.

mod args;
mod doc_text;
#[cfg(test)]
mod documented_keys;
mod errors;
mod expand;
#[cfg(test)]
mod expansions;
mod hygiene;
mod json;
mod model;
mod suggest;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as TokenStream2};
use quote::quote;

use self::expand::{catalogue, path, prove_scopes, provider, requires, tool, tools, widget};

type Attribute = fn(TokenStream2, TokenStream2) -> TokenStream2;

/// See `toolgate::provider`.
#[proc_macro_attribute]
pub fn provider(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute("#[provider]", provider::expand, attr, item)
}

/// See `toolgate::catalogue`.
#[proc_macro_attribute]
pub fn catalogue(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute("#[catalogue]", catalogue::expand, attr, item)
}

/// See `toolgate::tool`.
#[proc_macro_attribute]
pub fn tool(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute("#[tool]", tool::expand, attr, item)
}

/// See `toolgate::widget`.
#[proc_macro_attribute]
pub fn widget(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute("#[widget]", widget::expand, attr, item)
}

/// See `toolgate::requires`.
#[proc_macro_attribute]
pub fn requires(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute("#[requires]", requires::expand, attr, item)
}

/// The macro that a catalogue calls back, with its scopes and the request of a tool or a helper.
#[doc(hidden)]
#[proc_macro]
pub fn __prove_scopes(input: TokenStream) -> TokenStream {
    function("the check of scopes", prove_scopes::expand, input)
}

#[doc(hidden)]
#[proc_macro]
pub fn __path(input: TokenStream) -> TokenStream {
    function("`path!`", path::expand, input)
}

#[doc(hidden)]
#[proc_macro]
pub fn __tools(input: TokenStream) -> TokenStream {
    function("`tools!`", tools::expand, input)
}

fn attribute(name: &str, expand: Attribute, attr: TokenStream, item: TokenStream) -> TokenStream {
    let item = TokenStream2::from(item);
    let error = catch_panic(name, || expand(attr.into(), item.clone()));
    error.unwrap_or_else(|error| quote!(#item #error)).into()
}

fn function(
    name: &str,
    expand: fn(TokenStream2) -> TokenStream2,
    input: TokenStream,
) -> TokenStream {
    catch_panic(name, || expand(input.into())).unwrap_or_else(|error| error).into()
}

/// Runs a macro; a panic becomes an error at its call.
fn catch_panic(
    name: &str,
    expand: impl FnOnce() -> TokenStream2,
) -> Result<TokenStream2, TokenStream2> {
    catch_unwind(AssertUnwindSafe(expand)).map_err(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason is given");
        let message = format!(
            "{name} panicked, which is a bug of toolgate: {reason}\nhelp: please report it, with the code that is marked here"
        );
        syn::Error::new(Span::call_site(), message).into_compile_error()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_one_error() {
        let error = catch_panic("#[tool]", || panic!("index {}", 3)).unwrap_err().to_string();
        assert!(error.contains("#[tool] panicked, which is a bug of toolgate: index 3"), "{error}");
        assert_eq!(error.matches("compile_error").count(), 1, "{error}");
    }
}
