//! The constant that describes how a provider differs from the RFCs.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{LitStr, Path};

use crate::args::{
    Group,
    account::{AccountEndpoint, JsonText, Pointers},
    condition::Condition,
    endpoint::{ApiPath, ClientAuth, Endpoint},
    placeholder::{Placeholder, Source},
    provider::ProviderArgs,
    revocation::Revocation,
    token_endpoint::{BodyFormat, Pointer, RefreshTokens, TokenPointers},
    value::{Switch, Text, Texts},
};

/// Emits `DIALECT`, if it is not the standard one.
pub(super) fn emit(
    krate: &Path,
    args: &ProviderArgs,
    synonyms: &[(String, String)],
) -> Option<TokenStream> {
    let mut chain = TokenStream::new();
    let mut set = |tokens: Option<TokenStream>| chain.extend(tokens);
    set(args
        .token_exchange()
        .map(|_| quote!(.grant_type(#krate::provider::GrantType::TokenExchange))));
    set(args.scope_separator.as_ref().map(|Text(text)| quote!(.scope_separator(#text))));
    set(args
        .response_scope_separator
        .as_ref()
        .map(|Text(text)| quote!(.response_scope_separator(#text))));
    set(args.refresh.as_ref().map(|Endpoint(url)| quote!(.refresh(#url))));
    set(args.token_check.as_ref().map(|ApiPath(path)| quote!(.token_check(#path))));
    set(args.account.as_ref().map(|group| {
        let endpoint = account_endpoint(krate, &group.value);
        quote!(.account(#endpoint))
    }));
    set(args.client_auth.as_ref().map(
        |ClientAuth(client_auth)| quote!(.client_auth(#krate::__private::ClientAuth::#client_auth)),
    ));
    let pairs = |params: &Option<crate::args::provider::Pairs>| {
        params.as_ref().map(|params| pairs(&params.0)).filter(|pairs| !pairs.is_empty())
    };
    set(pairs(&args.authorize_params).map(|pairs| quote!(.authorize_params(&[#pairs]))));
    set(pairs(&args.token_params).map(|pairs| quote!(.token_params(&[#pairs]))));
    set(pairs(&args.refresh_params).map(|pairs| quote!(.refresh_params(&[#pairs]))));
    set(args.api_headers.as_ref().map(|headers| {
        let headers = self::pairs(&headers.0);
        quote!(.api_headers(&[#headers]))
    }));
    set(args.scope_param.as_ref().map(|name| {
        let name = &name.0;
        quote!(.scope_param(#name))
    }));
    set(args.scope_prefix.as_ref().map(|prefix| {
        let prefix = &prefix.0;
        quote!(.scope_prefix(#prefix))
    }));
    set((!synonyms.is_empty()).then(|| {
        let synonyms = synonyms.iter().map(|(other, name)| quote!((#other, #name)));
        quote!(.scope_synonyms(&[#(#synonyms),*]))
    }));
    set(args.empty_scope.as_ref().map(|scope| {
        let is_none = scope.is_none;
        quote!(.empty_scope_is_none(#is_none))
    }));
    set(args.pkce.as_ref().map(|pkce| {
        let on = pkce.0;
        quote!(.pkce(#on))
    }));
    set(args.refresh_scope.map(|Switch { on, .. }| quote!(.refresh_scope(#on))));
    set(args.token_body.as_ref().map(|BodyFormat(format)| {
        let format = variant(format);
        quote!(.token_body(#krate::provider::BodyFormat::#format))
    }));
    set(args.token_response.as_ref().map(|group| {
        let pointers = token_pointers(krate, &group.value);
        quote!(.token_response(#pointers))
    }));
    set(args.refresh_response.as_ref().map(|group| {
        let pointers = token_pointers(krate, &group.value);
        quote!(.refresh_response(#pointers))
    }));
    set(args.invalid_grant.as_ref().map(|errors| {
        let errors = &errors.0;
        quote!(.invalid_grant(&[#(#errors),*]))
    }));
    set(args.refresh_token.as_ref().map(|group| {
        let behaviour = refresh_tokens(krate, &group.value);
        quote!(.refresh_tokens(#behaviour))
    }));
    set(args.revocation.as_ref().map(|group| {
        let revocation = revocation(krate, &group.value);
        quote!(.revocation(#revocation))
    }));
    set(api_signals(krate, args));
    set(args.placeholders.as_ref().map(|all| {
        let placeholders = all.0.iter().map(|one| placeholder(krate, one));
        quote!(.placeholders(&[#(#placeholders),*]))
    }));
    (!chain.is_empty()).then(|| {
        quote! {
            const DIALECT: #krate::__private::Dialect = #krate::__private::Dialect::STANDARD #chain;
        }
    })
}

fn pairs(pairs: &[(LitStr, LitStr)]) -> TokenStream {
    let pairs = pairs.iter().map(|(name, value)| quote!((#name, #value)));
    quote!(#(#pairs),*)
}

/// The name of a variant of the runtime's.
fn variant(name: &str) -> syn::Ident {
    syn::Ident::new(name, proc_macro2::Span::call_site())
}

fn token_pointers(krate: &Path, pointers: &TokenPointers) -> TokenStream {
    let mut chain = quote!(#krate::provider::TokenPointers::STANDARD);
    for (setter, pointer) in [
        ("access_token", &pointers.access_token),
        ("refresh_token", &pointers.refresh_token),
        ("scope", &pointers.scope),
        ("expires_in", &pointers.expires_in),
        ("error", &pointers.error),
        ("error_description", &pointers.error_description),
    ] {
        if let Some(Pointer(pointer)) = pointer {
            let setter = variant(setter);
            chain.extend(quote!(.#setter(#pointer)));
        }
    }
    chain
}

fn account_endpoint(krate: &Path, endpoint: &AccountEndpoint) -> TokenStream {
    // Without a path the error is reported already.
    let nowhere = || LitStr::new("", proc_macro2::Span::call_site());
    let path = endpoint.path.as_ref().map_or_else(nowhere, |ApiPath(path)| path.clone());
    let id = endpoint.id.as_ref().map_or(&[][..], |id| &id.0);
    let mut chain = quote!(#krate::provider::AccountEndpoint::new(#path, &[#(#id),*]));
    if let Some(JsonText(body)) = &endpoint.body {
        chain.extend(quote!(.body(#body)));
    }
    if let Some(Pointers(label)) = &endpoint.label {
        chain.extend(quote!(.label(&[#(#label),*])));
    }
    if let Some(Texts(scopes)) = &endpoint.scopes {
        chain.extend(quote!(.scopes(&[#(#scopes),*])));
    }
    if let Some(Text(prompt)) = &endpoint.prompt {
        chain.extend(quote!(.prompt(#prompt)));
    }
    chain
}

fn refresh_tokens(krate: &Path, behaviour: &RefreshTokens) -> TokenStream {
    let mut chain = quote!(#krate::provider::RefreshTokens::STANDARD);
    if let Some(Switch { on, .. }) = behaviour.rotates {
        chain.extend(quote!(.rotates(#on)));
    }
    if let Some(seconds) = &behaviour.leeway {
        let seconds = &seconds.0;
        chain.extend(quote!(.leeway(#seconds)));
    }
    if let Some(Switch { on, .. }) = behaviour.revokes_access_token {
        chain.extend(quote!(.revokes_access_token(#on)));
    }
    chain
}

fn revocation(krate: &Path, revocation: &Revocation) -> TokenStream {
    let mut chain = quote!(#krate::provider::Revocation::STANDARD);
    if let Some(method) = &revocation.method {
        let method = variant(method.0);
        chain.extend(quote!(.method(#krate::provider::RevocationMethod::#method)));
    }
    if let Some(place) = &revocation.token {
        let place = variant(place.0);
        chain.extend(quote!(.token(#krate::provider::TokenPlace::#place)));
    }
    if let Some(name) = &revocation.param {
        let name = &name.0;
        chain.extend(quote!(.param(#name)));
    }
    if let Some(BodyFormat(format)) = &revocation.body {
        let format = variant(format);
        chain.extend(quote!(.body(#krate::provider::BodyFormat::#format)));
    }
    if let Some(ClientAuth(client_auth)) = &revocation.client_auth {
        chain.extend(quote!(.client_auth(#krate::__private::ClientAuth::#client_auth)));
    }
    if let Some(tokens) = &revocation.only {
        let tokens = variant(tokens.0);
        chain.extend(quote!(.tokens(#krate::provider::RevokedTokens::#tokens)));
    }
    chain
}

fn api_signals(krate: &Path, args: &ProviderArgs) -> Option<TokenStream> {
    let mut chain = TokenStream::new();
    let mut add = |setter: &str, condition: &Condition| {
        let (setter, condition) = (variant(setter), emit_condition(krate, condition));
        chain.extend(quote!(.#setter(#condition)));
    };
    if let Some(Group { value, .. }) = &args.rate_limited {
        add("rate_limited", value);
    }
    if let Some(Group { value, .. }) = &args.insufficient_scope {
        add("insufficient_scope", &value.condition);
    }
    if let Some(Group { value, .. }) = &args.invalid_token {
        add("invalid_token", value);
    }
    if let Some(Group { value, .. }) = &args.api_error {
        add("api_error", value);
    }
    let needed = args.insufficient_scope.as_ref().and_then(|group| group.value.needed.as_ref());
    if let Some(Pointer(pointer)) = needed {
        chain.extend(quote!(.needed_scopes(#pointer)));
    }
    (!chain.is_empty()).then(|| quote!(.api_signals(#krate::provider::ApiSignals::STANDARD #chain)))
}

fn emit_condition(krate: &Path, condition: &Condition) -> TokenStream {
    let status = condition.status.as_ref().map_or_else(
        || quote!(200),
        |status| {
            let status = &status.0;
            quote!(#status)
        },
    );
    let mut chain = quote!(#krate::provider::Condition::status(#status));
    if let Some(name) = &condition.header {
        let name = &name.0;
        chain.extend(quote!(.header(#name)));
    }
    if let Some(Pointer(pointer)) = &condition.pointer {
        chain.extend(quote!(.pointer(#pointer)));
    }
    if let Some(Texts(values)) = &condition.values {
        chain.extend(quote!(.values(&[#(#values),*])));
    }
    chain
}

fn placeholder(krate: &Path, placeholder: &Placeholder) -> TokenStream {
    let Placeholder { name, args, source } = placeholder;
    let name = name.to_string();
    let text = |text: &Option<Text>| text.as_ref().map(|Text(text)| text.clone());
    let pointer = args.pointer.as_ref().map(|pointer| &pointer.0);
    let source = match source {
        Source::Configuration => {
            let default = match text(&args.default) {
                Some(default) => quote!(::core::option::Option::Some(#default)),
                None => quote!(::core::option::Option::None),
            };
            quote!(Configuration { default: #default })
        }
        Source::Person => {
            let label = text(&args.label);
            quote!(Person { label: #label })
        }
        Source::TokenResponse => quote!(TokenResponse { pointer: #pointer }),
        Source::Api => {
            let url = args.url.as_ref().map(|url| &url.0);
            quote!(Api { url: #url, pointer: #pointer })
        }
    };
    let hosts = args.hosts.as_ref().map(|hosts| {
        let hosts = &hosts.0;
        quote!(.hosts(&[#(#hosts),*]))
    });
    quote! {
        #krate::provider::Placeholder::new(#name, #krate::provider::PlaceholderSource::#source) #hosts
    }
}
