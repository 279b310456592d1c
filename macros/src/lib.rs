//! The macros of toolgate; documented where `toolgate` re-exports them, so that the examples compile.

mod argument;
mod attribute;
mod catalogue;
mod declaration;
mod errors;
#[cfg(test)]
mod expansions;
mod function;
mod grant;
mod own;
mod path;
mod provider;
mod requires;
mod scopes;
mod suggest;
mod tool;
mod tools;
mod widget;

use proc_macro::TokenStream;

use self::tool::Form;

/// See `toolgate::provider`.
#[proc_macro_attribute]
pub fn provider(attr: TokenStream, item: TokenStream) -> TokenStream {
    provider::expand(attr.into(), item.into()).into()
}

/// See `toolgate::catalogue`.
#[proc_macro_attribute]
pub fn catalogue(attr: TokenStream, item: TokenStream) -> TokenStream {
    own::expand(attr.into(), item.into()).into()
}

/// See `toolgate::tool`.
#[proc_macro_attribute]
pub fn tool(attr: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(Form::Tool, attr.into(), item.into()).into()
}

/// See `toolgate::widget`.
#[proc_macro_attribute]
pub fn widget(attr: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(Form::Widget, attr.into(), item.into()).into()
}

/// See `toolgate::requires`.
#[proc_macro_attribute]
pub fn requires(attr: TokenStream, item: TokenStream) -> TokenStream {
    requires::expand(attr.into(), item.into()).into()
}

/// What a catalogue macro calls back with the catalogue and the request of a tool or a helper.
#[doc(hidden)]
#[proc_macro]
pub fn __grant(input: TokenStream) -> TokenStream {
    grant::expand(input.into()).into()
}

#[doc(hidden)]
#[proc_macro]
pub fn __path(input: TokenStream) -> TokenStream {
    path::expand(input.into()).into()
}

#[doc(hidden)]
#[proc_macro]
pub fn __tools(input: TokenStream) -> TokenStream {
    tools::expand(input.into()).into()
}
