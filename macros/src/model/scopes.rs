//! The scopes of each client, before they are looked up in a catalogue.

use proc_macro2::Span;
use syn::{Error, Path, ext::IdentExt};

use super::parameter::Parameter;
use crate::{
    args::scopes::{ScopeList, Scopes},
    errors::Errors,
    suggest,
};

/// A provider, and the scopes that a client of it has.
pub(crate) struct ClientScopes {
    pub(crate) provider: Path,
    pub(crate) scopes: ScopeList,
    /// The parameter is an `AuthedClient`, not a `Caller`.
    pub(crate) of_client: bool,
    /// The parameter's name.
    pub(crate) parameter: String,
}

/// Gives each client its scopes, by the parameter's name where there are several.
///
/// `key` is the span of the key for the scopes, `attribute` the name of the attribute.
pub(crate) fn match_clients(
    scopes: Option<&Scopes>,
    key: Span,
    clients: &[&Parameter],
    attribute: &str,
    errors: &mut Errors,
) -> Vec<ClientScopes> {
    let is_helper = attribute == "requires";
    let names: Vec<_> = clients.iter().map(|client| client.ident.to_string()).collect();
    let list = match (scopes, clients) {
        (None, []) => return Vec::new(),
        (None, [client, ..]) => {
            let help = format!("declare what it needs: `#[{attribute}(scopes = \"..\")]`");
            errors.push(unauthorized(client, &help));
            return Vec::new();
        }
        (Some(_), []) => {
            let or_caller = if is_helper {
                ""
            } else {
                ", or `Caller<C>`, where `C` is an enum with `#[catalogue]`"
            };
            let message = format!(
                "scopes without a client to use them\nhelp: take a parameter `AuthedClient<P>`, where `P` is the provider{or_caller}"
            );
            errors.push(Error::new(key, message));
            return Vec::new();
        }
        (Some(Scopes::Only(list)), [client]) => return matched(client, list).collect(),
        (Some(Scopes::Only(list)), _) => {
            let keys: Vec<_> = names.iter().map(|name| format!("{name} = \"..\"")).collect();
            let keys = keys.join(", ");
            let form =
                if is_helper { format!("#[requires({keys})]") } else { format!("scopes({keys})") };
            let message = format!("which client are these scopes for?\nhelp: name it: `{form}`");
            errors.push(Error::new(list.span, message));
            return Vec::new();
        }
        (Some(Scopes::Keyed(list)), _) => list,
    };
    for (key, _) in list {
        if !names.iter().any(|name| key == name) {
            if is_helper && key == "scopes" {
                let message = "`#[requires]` has no key `scopes`\nhelp: write `#[requires(\"repo:read\")]`, without `scopes`";
                errors.push(Error::new(key.span(), message));
                continue;
            }
            let known = names.iter().map(String::as_str);
            let help = suggest::help(&key.to_string(), known, "the clients are");
            let message = format!("no client is named `{key}`\nhelp: {help}");
            errors.push(Error::new(key.span(), message));
        }
    }
    let misspelt = !errors.is_empty();
    let mut all = Vec::new();
    for client in clients {
        match list.iter().find(|(key, _)| *key == client.ident) {
            Some((_, scopes)) => all.extend(matched(client, scopes)),
            None if misspelt => {}
            None => {
                let help = format!("add `{} = \"..\"` to the scopes", client.ident);
                errors.push(unauthorized(client, &help));
            }
        }
    }
    all
}

fn matched(client: &Parameter, scopes: &ScopeList) -> impl Iterator<Item = ClientScopes> {
    let (scopes, of_client) = (scopes.clone(), client.is_client());
    let parameter = client.ident.unraw().to_string();
    client.provider().cloned().into_iter().map(move |provider| {
        let (scopes, parameter) = (scopes.clone(), parameter.clone());
        ClientScopes { provider, scopes, of_client, parameter }
    })
}

fn unauthorized(client: &Parameter, help: &str) -> Error {
    let message =
        format!("`{}` is authorized for nothing: it has no scopes\nhelp: {help}", client.ident);
    // The span of the first token: `new_spanned` would underline the type arguments too.
    Error::new(syn::spanned::Spanned::span(&client.ty), message)
}
