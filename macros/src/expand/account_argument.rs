//! The argument of a tool that names an account, where a person may have several at the provider.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Ident, LitStr, Result, Token, ext::IdentExt, parse::ParseStream};

use crate::model::{scopes::ClientScopes, tool::Tool};

/// The name of the argument, if the tool has one client.
const DEFAULT_NAME: &str = "account";

/// The part of a request to a catalogue that is about the argument.
#[derive(Default)]
pub(super) struct AccountArgument {
    /// `account = "github_account"`: its name, if it is not `account`.
    name: Option<String>,
    /// `taken = account`: an argument of the tool itself that has the name.
    taken: Option<Ident>,
}

impl AccountArgument {
    /// Parses it, and the key that comes next.
    pub(super) fn parse(input: ParseStream<'_>) -> Result<(Self, Ident)> {
        let mut account = Self::default();
        let mut next = key(input)?;
        if next == "account" {
            account.name = Some(input.parse::<LitStr>()?.value());
            input.parse::<Token![,]>()?;
            next = key(input)?;
        }
        if next == "taken" {
            account.taken = Some(input.parse()?);
            input.parse::<Token![,]>()?;
            next = key(input)?;
        }
        Ok((account, next))
    }

    /// Fails if the tool has an argument of this name.
    pub(super) fn check(&self, provider: &str) -> Result<()> {
        let Some(taken) = &self.taken else { return Ok(()) };
        let message = format!(
            "the macro adds an argument `{taken}`, which names an account of the user at `{provider}`\nhelp: give this argument another name"
        );
        Err(Error::new(taken.span(), message))
    }

    /// The function that tells the runtime the name.
    pub(super) fn emit(&self) -> TokenStream {
        let name = self.name.as_deref().unwrap_or(DEFAULT_NAME);
        quote! {
            fn account() -> ::core::option::Option<&'static str> {
                ::core::option::Option::Some(#name)
            }
        }
    }
}

impl Tool {
    /// The part of the request for this client that is about the argument.
    pub(super) fn emit_account(&self, client: &ClientScopes) -> TokenStream {
        let is_only = self.parameters.iter().filter(|parameter| parameter.is_client()).count() == 1;
        let name = if is_only {
            DEFAULT_NAME.to_owned()
        } else {
            format!("{}_{DEFAULT_NAME}", client.parameter)
        };
        let named = (!is_only).then(|| quote!(account = #name,));
        let taken = self.arguments.iter().find(|argument| argument.name.value() == name);
        let taken = taken.map(|argument| {
            let place = Ident::new(&name, argument.name.span());
            quote!(taken = #place,)
        });
        quote!(#named #taken)
    }
}

/// `key =`
pub(super) fn key(input: ParseStream<'_>) -> Result<Ident> {
    let key = input.call(Ident::parse_any)?;
    input.parse::<Token![=]>()?;
    Ok(key)
}
