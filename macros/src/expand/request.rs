//! Requests to a catalogue, to call [`super::prove_scopes`] back.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Path, spanned::Spanned};

use crate::model::scopes::ClientScopes;

/// Asks the catalogue of a client's provider.
///
/// The import renames the provider's macro. Where the type has none, the name is that of the macro in
/// `fallback`, which the outer block imports. The call is in a block of its own: in the block of the
/// import it could itself be what the import looks for.
pub(super) fn request(
    krate: &Path,
    catalogue: &Path,
    holder: &TokenStream,
    client: &ClientScopes,
) -> TokenStream {
    let ClientScopes { provider, of_client, scopes } = client;
    let key = Ident::new(if *of_client { "client" } else { "caller" }, Span::call_site());
    let scopes = &scopes.names;
    // At the place of the type, where a type that is not there is reported.
    let renamed = Ident::new("catalogue", catalogue.span().resolved_at(Span::call_site()));
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use #krate::__private::fallback::*;
            {
                use #catalogue as #renamed;
                {
                    catalogue! {
                        #![callback = #krate::__private::prove_scopes]
                        crate = #krate, #holder #key = #provider, scopes = [#(#scopes),*]
                    }
                }
            }
        };
    }
}
