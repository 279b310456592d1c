//! Calls of functions that the runtime implements for every type of a state.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, Type, spanned::Spanned};

use crate::hygiene::respanned;

/// The type of a state as the runtime's trait, `<T as StateValue>`.
///
/// All of it has one span, that of the first token of the type, so that rustc reports a type that
/// is not a state there, and once.
pub(super) struct StateType {
    path: TokenStream,
    span: Span,
}

impl StateType {
    pub(super) fn new(krate: &Path, of: &Type) -> Self {
        let span = of.span();
        let (of, value) = (respanned(of, span), quote!(#krate::__private::StateValue));
        let value = respanned(&value, span);
        Self { path: quote_spanned!(span=> <#of as #value>), span }
    }

    /// The call of an associated function.
    pub(super) fn call(&self, function: &TokenStream, argument: &TokenStream) -> TokenStream {
        let (path, function) = (&self.path, respanned(function, self.span));
        quote_spanned!(self.span=> #path::#function(#argument))
    }
}
