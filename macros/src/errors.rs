//! Errors, collected so that one run of the compiler reports all of them.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Result};

#[derive(Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: impl Into<Error>) {
        self.0.push(error.into());
    }

    pub(crate) fn extend(&mut self, errors: Vec<Error>) {
        self.0.extend(errors);
    }

    /// The value, or `None` after the error is added to the others.
    pub(crate) fn take<T, E: Into<Error>>(
        &mut self,
        result: std::result::Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many times an error was pushed.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All errors as one.
    pub(crate) fn finish(self) -> Result<()> {
        let all = self.0.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        all.map_or(Ok(()), Err)
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(Error::to_compile_error));
    }
}
