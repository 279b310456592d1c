//! `#[catalogue]`: an enum whose variants are the scopes of one's own access tokens.

use proc_macro2::TokenStream;
use syn::{LitStr, parse_quote};

use crate::{
    attribute::Entry,
    declaration::{self, Declaration},
    errors::Errors,
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = match declaration::parse("#[catalogue]", item) {
        Ok(item) => item,
        Err(tokens) => return tokens,
    };
    let mut errors = Errors::default();
    let (mut krate, mut name) = (parse_quote!(::toolgate), None::<LitStr>);
    for entry in Entry::all("#[catalogue]", attr, &["name", "crate"], &mut errors) {
        if entry.key == "name" {
            name = errors.take(entry.text());
        } else if let Some(path) = errors.take(entry.krate()) {
            krate = path;
        }
    }
    let name = name.map(|name| name.value());
    let declared = Declaration::take(&mut item, &krate, name, &mut errors);
    declared.around(&item, &TokenStream::new(), &errors)
}
