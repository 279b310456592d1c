//! Dialects: where a provider departs from the RFCs.

use super::{
    account_endpoint::AccountEndpoint,
    api_signals::ApiSignals,
    client_auth::ClientAuth,
    grant_type::GrantType,
    placeholder::Placeholder,
    refresh_tokens::RefreshTokens,
    revocation::{BodyFormat, Revocation},
    token_pointers::TokenPointers,
};

/// Names and values: parameters of a request, or headers.
pub type Pairs = &'static [(&'static str, &'static str)];

macro_rules! dialect {
    (
        standard { $($(#[$meta:meta])* $field:ident: $ty:ty = $standard:expr,)* }
        optional { $($(#[$some_meta:meta])* $some_field:ident: $some_ty:ty,)* }
    ) => {
        /// Where a provider departs from the RFCs.
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct Dialect {
            $($(#[$meta])* pub $field: $ty,)*
            $($(#[$some_meta])* pub $some_field: Option<$some_ty>,)*
        }

        impl Dialect {
            /// Just as the RFCs say.
            pub const STANDARD: Self = Self {
                $($field: $standard,)*
                $($some_field: None,)*
            };

            $(
                #[doc = concat!("Sets [`Self::", stringify!($field), "`].")]
                #[must_use]
                pub const fn $field(self, $field: $ty) -> Self {
                    Self { $field, ..self }
                }
            )*

            $(
                #[doc = concat!("Sets [`Self::", stringify!($some_field), "`].")]
                #[must_use]
                pub const fn $some_field(self, $some_field: $some_ty) -> Self {
                    Self { $some_field: Some($some_field), ..self }
                }
            )*
        }
    };
}

dialect! {
    standard {
        /// How access tokens are got.
        grant_type: GrantType = GrantType::AuthorizationCode,
        /// Between the scopes of an authorization request. The RFC says a space.
        scope_separator: &'static str = " ",
        /// Between the scopes of a token response. The RFC says a space, GitHub a comma.
        response_scope_separator: &'static str = " ",
        /// The parameter that carries the scopes: `user_scope` for the user's token of Slack.
        scope_param: &'static str = "scope",
        /// What is put before each scope in a request, and cut off the scopes of a response. Not for
        /// the scopes of `OpenID` Connect, `offline_access`, and a scope that is a URL itself.
        scope_prefix: &'static str = "",
        /// Other names of scopes in responses, each with the scope's name in the catalogue.
        scope_synonyms: Pairs = &[],
        /// Whether an empty `scope` in a response means that nothing was granted. The default is
        /// `false`: what was requested was granted, as with the permissions of a GitHub App. An empty
        /// list always means that nothing was granted.
        empty_scope_is_none: bool = false,
        /// How the client proves itself.
        client_auth: ClientAuth = ClientAuth::Basic,
        /// Whether requests carry PKCE (RFC 7636).
        pkce: bool = true,
        /// What the authorization request carries besides: `("access_type", "offline")`.
        authorize_params: Pairs = &[],
        /// What the exchange of a code carries besides.
        token_params: Pairs = &[],
        /// What a refresh carries besides.
        refresh_params: Pairs = &[],
        /// Whether a refresh carries the granted scopes.
        refresh_scope: bool = false,
        /// The format of the token endpoint's requests.
        token_body: BodyFormat = BodyFormat::Form,
        /// Where the response to a code has its members.
        token_response: TokenPointers = TokenPointers::STANDARD,
        /// Errors of the token endpoint that mean `invalid_grant`: a code, or `code: text` where `text`
        /// is part of the description.
        invalid_grant: &'static [&'static str] = &[],
        /// How refresh tokens behave.
        refresh_tokens: RefreshTokens = RefreshTokens::STANDARD,
        /// How tokens are revoked.
        revocation: Revocation = Revocation::STANDARD,
        /// Headers of every request to the API that does not set them itself.
        api_headers: Pairs = &[],
        /// What the API's responses mean besides their status.
        api_signals: ApiSignals = ApiSignals::STANDARD,
        /// The names in braces in the provider's URLs.
        placeholders: &'static [Placeholder] = &[],
    }
    optional {
        /// Where the API says whose account a token opens. With it, people may connect several.
        account: AccountEndpoint,
        /// Where tokens are refreshed, if not at the token endpoint.
        refresh: &'static str,
        /// Where the response to a refresh has its members, if not where that to a code has them.
        refresh_response: TokenPointers,
        /// A path of the API that every good token may read, where the API answers 403 rather than 401
        /// (RFC 6750 §3.1) to a token that has ended: `/user`. After a 403 it is read once; if it is
        /// refused too, the token has ended.
        token_check: &'static str,
    }
}
