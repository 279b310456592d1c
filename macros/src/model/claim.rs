//! Type arguments of `AuthedClient` and `Caller`: the provider or the catalogue, and the function
//! whose scopes they carry.

use quote::ToTokens;
use syn::{
    Error, GenericArgument, Ident, Path, PathArguments, PathSegment, Result, Type, parse_quote,
};

use super::types::ungroup;

/// Types of the prelude, which are known without their declaration.
const NO_PROVIDERS: [&str; 9] =
    ["String", "str", "Vec", "Option", "Box", "bool", "u64", "i64", "usize"];

/// Adds the function as the second type argument, as in `AuthedClient<P, holder>`, and returns `P`.
pub(super) fn claim(segment: &mut PathSegment, holder: &Ident) -> Result<Option<Path>> {
    let Some(Type::Path(provider)) = generic(segment) else { return Ok(None) };
    let provider = provider.path.clone();
    if let Some(ident) = provider.get_ident()
        && NO_PROVIDERS.iter().any(|known| ident == known)
    {
        let message = if segment.ident == "Caller" {
            format!(
                "`{ident}` is not a catalogue\nhelp: name an enum with `#[catalogue]`, as in `Caller<Acme>`; to accept any caller, write `Caller`"
            )
        } else {
            format!(
                "`{ident}` is not a provider\nhelp: name an enum with `#[provider]`, as in `AuthedClient<GitHub>`"
            )
        };
        return Err(Error::new(ident.span(), message));
    }
    check_no_variant(segment, &provider)?;
    let PathArguments::AngleBracketed(generics) = &mut segment.arguments else { return Ok(None) };
    match generics.args.get(1) {
        None => generics.args.push(parse_quote!(#holder)),
        Some(GenericArgument::Type(Type::Path(other))) if other.path.is_ident(holder) => {}
        Some(other) => {
            // Otherwise a function could use the scopes that another one declares.
            let message = format!(
                "`{holder}` cannot use the scopes of another function\nhelp: write `{}<{}>`",
                segment.ident,
                provider.to_token_stream().to_string().replace(' ', "")
            );
            return Err(Error::new_spanned(other, message));
        }
    }
    Ok(Some(provider))
}

/// Returns an error for `AuthedClient<GitHub::Repo>`, which names a scope instead of its provider. A path
/// segment that begins with an upper-case letter counts as an enum, and any other as a module.
fn check_no_variant(segment: &PathSegment, provider: &Path) -> Result<()> {
    let mut names = provider.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (Some(variant), Some(owner)) = (names.next(), names.next()) else { return Ok(()) };
    if !owner.starts_with(char::is_uppercase) {
        return Ok(());
    }
    let message = format!(
        "`{variant}` is a scope of `{owner}`\nhelp: write `{}<{owner}>` here, and name the scope in the attribute: `#[tool(scopes({variant}))]` or `#[requires({variant})]`",
        segment.ident
    );
    Err(Error::new_spanned(provider, message))
}

/// The first type of `Name<T, ..>`.
pub(super) fn generic(segment: &mut PathSegment) -> Option<&mut Type> {
    let PathArguments::AngleBracketed(generics) = &mut segment.arguments else { return None };
    match generics.args.first_mut()? {
        GenericArgument::Type(ty) => Some(ungroup(ty)),
        _ => None,
    }
}
