//! Keys of a provider whose tokens are exchanged for those of callers (RFC 8693).

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Error;

use crate::{
    args::{placeholder::Source, provider::ProviderArgs},
    errors::Errors,
};

/// Keys of the authorization code flow and of what it gives: refresh tokens, and grants to revoke.
const OF_AUTHORIZATION_CODE: [&str; 13] = [
    "account",
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
                "`{key}` belongs to the authorization code flow, which `grant = token_exchange` does not have\nhelp: remove it: the caller's token is exchanged at `token`, without a sign-in"
            );
            errors.push(Error::new(key.span(), message));
        }
    }
    if args.issuer.is_none() {
        let message = "`issuer` is missing: `grant = token_exchange` exchanges the tokens of one issuer\nhelp: add `issuer = \"https://login.example.com\"`, the `iss` of the callers' tokens";
        errors.push(Error::new(grant.key, message));
    }
    for placeholder in args.placeholders.iter().flat_map(|all| &all.0) {
        if !matches!(placeholder.source, Source::Configuration) {
            let message = format!(
                "`{{{}}}` comes from an account that a person connects, which `grant = token_exchange` does not have\nhelp: write `from = configuration`",
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

#[cfg(test)]
mod tests {
    use quote::quote;

    use crate::expand::provider;

    #[test]
    fn keys_of_another_grant_are_errors_and_others_are_not() {
        let item = quote! {
            enum Example {
                #[scope("read", access = read)]
                Read,
            }
        };
        let expand = |keys| {
            let attr = quote! {
                api = "https://a.example", token = "https://a.example/token",
                issuer = "https://a.example", grant = token_exchange, #keys
            };
            provider::expand(attr, item.clone()).to_string()
        };
        for keys in [
            quote!(authorize = "https://a.example/authorize"),
            quote!(authorize_params("prompt" = "consent")),
            quote!(pkce = off),
            quote!(refresh = "https://a.example/refresh"),
            quote!(refresh_params("a" = "b")),
            quote!(refresh_response()),
            quote!(refresh_scope),
            quote!(refresh_token(leeway = 600)),
            quote!(revoke = "https://a.example/revoke"),
            quote!(scope_param = "scopes"),
            quote!(stand_in = PROFILE),
        ] {
            let text = expand(keys.clone());
            assert!(text.contains("belongs to the authorization code flow"), "{keys}: {text}");
        }
        let text = expand(quote!(client_auth = body, token_params("audience" = "a")));
        assert!(!text.contains("belongs to the"), "{text}");
        assert!(text.contains("GrantType :: TokenExchange"), "{text}");
    }
}
