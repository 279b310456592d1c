//! `#[catalogue]`: an enum whose variants are the scopes of the server's own access tokens.

use proc_macro2::TokenStream;

use super::scope_enum;
use crate::{
    args::{self, Parsed, catalogue::CatalogueArgs},
    errors::Errors,
    model::{catalogue::parse_enum, encoding::Kind},
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item = match parse_enum("#[catalogue]", item, &mut errors) {
        Ok(item) => item,
        Err(tokens) => return tokens,
    };
    let Parsed { krate, args, .. } = args::parse::<CatalogueArgs>(attr, &mut errors);
    let name = args.and_then(|args| args.name).map(|name| name.0.value());
    scope_enum::expand(
        item,
        &krate,
        name,
        (Kind::Callers, false),
        |_, _| TokenStream::new(),
        errors,
    )
}
