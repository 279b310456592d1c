//! Requests to a catalogue, to call [`super::prove_scopes`] back.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Path};

use crate::model::scopes::ClientScopes;

/// Asks the catalogue of a client's provider, by the runtime's macro `ask`.
pub(super) fn request(
    krate: &Path,
    catalogue: &Path,
    holder: &TokenStream,
    client: &ClientScopes,
) -> TokenStream {
    let ClientScopes { provider, of_client, scopes, .. } = client;
    let key = Ident::new(if *of_client { "client" } else { "caller" }, Span::call_site());
    let scopes = &scopes.names;
    quote! {
        #krate::__private::ask! {
            (#catalogue) crate = #krate, #holder #key = #provider, scopes = [#(#scopes),*]
        }
    }
}
