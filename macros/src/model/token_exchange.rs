//! Keys of a provider whose tokens are exchanged for those of callers (RFC 8693).

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Error;

use crate::{
    args::{placeholder::Source, provider::ProviderArgs},
    errors::Errors,
};

/// Keys of the authorization code flow and of what it gives: refresh tokens, and grants to revoke.
const OF_AUTHORIZATION_CODE: [&str; 12] = [
    "authorize",
    "authorize_params",
    "pkce",
    "refresh",
    "refresh_params",
    "refresh_response",
    "refresh_scope",
    "refresh_token",
    "revocation",
    "revoke",
    "scope_param",
    "stand_in",
];

/// Checks the keys of `attr`, of which `args` are the values.
pub(crate) fn check(attr: TokenStream, args: &ProviderArgs, errors: &mut Errors) {
    let Some(grant) = args.token_exchange() else { return };
    for key in keys(attr) {
        if OF_AUTHORIZATION_CODE.iter().any(|other| key == other) {
            let message = format!(
                "`{key}` belongs to the authorization code flow, which `grant = token_exchange` does not have\nhelp: remove it: nobody signs in there, and the caller's token is exchanged at `token`"
            );
            errors.push(Error::new(key.span(), message));
        }
    }
    if args.issuer.is_none() {
        let message = "whose tokens are exchanged? `issuer` is missing\nhelp: add `issuer = \"https://login.example.com\"`: the `iss` of the callers' tokens, which are sent nowhere else";
        errors.push(Error::new(grant.key, message));
    }
    for placeholder in args.placeholders.iter().flat_map(|all| &all.0) {
        if !matches!(placeholder.source, Source::Configuration) {
            let message = format!(
                "`{{{}}}` is known of an account that a person connects, and `grant = token_exchange` has none\nhelp: write `from = configuration`",
                placeholder.name
            );
            errors.push(Error::new(placeholder.name.span(), message));
        }
    }
}

/// The keys of an attribute, as they stand in it.
fn keys(attr: TokenStream) -> impl Iterator<Item = Ident> {
    let mut begins = true;
    attr.into_iter().filter_map(move |token| {
        let was_beginning = begins;
        begins = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
        match token {
            TokenTree::Ident(key) if was_beginning => Some(key),
            _ => None,
        }
    })
}
