//! `#[provider(..)]`

use darling::{Error, FromMeta, Result};
use proc_macro2::Span;
use syn::{
    LitStr, Meta, Token,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use super::{
    Group,
    account::AccountEndpoint,
    condition::{Condition, InsufficientScope, is_header_name},
    endpoint::{ApiPath, ClientAuth, Endpoint},
    placeholder::Placeholders,
    revocation::Revocation,
    token_endpoint::{
        BodyFormat, EmptyScope, Grant, GrantErrors, ParameterName, Pkce, RefreshTokens,
        ScopePrefix, TokenPointers,
    },
    value::{PathValue, Switch, Text, list_of, written},
};

attribute! {
    struct ProviderArgs {
        api: Option<Endpoint>,
        authorize: Option<Endpoint>,
        token: Option<Endpoint>,
        revoke: Option<Endpoint>,
        issuer: Option<Text>,
        grant: Option<Grant>,
        id: Option<ProviderId>,
        name: Option<Text>,
        scope_separator: Option<Text>,
        response_scope_separator: Option<Text>,
        client_auth: Option<ClientAuth>,
        authorize_params: Option<Pairs>,
        refresh: Option<Endpoint>,
        token_check: Option<ApiPath>,
        account: Option<Group<AccountEndpoint>>,
        scope_param: Option<ParameterName>,
        scope_prefix: Option<ScopePrefix>,
        empty_scope: Option<EmptyScope>,
        pkce: Option<Pkce>,
        token_params: Option<Pairs>,
        refresh_params: Option<Pairs>,
        refresh_scope: Option<Switch>,
        token_body: Option<BodyFormat>,
        token_response: Option<Group<TokenPointers>>,
        refresh_response: Option<Group<TokenPointers>>,
        invalid_grant: Option<GrantErrors>,
        refresh_token: Option<Group<RefreshTokens>>,
        revocation: Option<Group<Revocation>>,
        api_headers: Option<Headers>,
        rate_limited: Option<Group<Condition>>,
        insufficient_scope: Option<Group<InsufficientScope>>,
        invalid_token: Option<Group<Condition>>,
        api_error: Option<Group<Condition>>,
        placeholders: Option<Placeholders>,
        stand_in: Option<PathValue>,
    }
}

/// The part of URLs and environment variables that names the provider.
pub(crate) struct ProviderId(pub(crate) LitStr);

impl FromMeta for ProviderId {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(id) = Text::from_meta(item)?;
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let value = id.value();
        if !value.is_empty() && value.bytes().all(fits) {
            return Ok(Self(id));
        }
        let message =
            "an `id` has only a-z, 0-9 and `-`, because URLs and environment variables contain it";
        Err(Error::custom(message).with_span(&id))
    }
}

/// `authorize_params("access_type" = "offline")`
pub(crate) struct Pairs(pub(crate) Vec<(LitStr, LitStr)>);

impl FromMeta for Pairs {
    fn from_meta(item: &Meta) -> Result<Self> {
        Self::parse(item, "(\"access_type\" = \"offline\")")
    }
}

impl Pairs {
    fn parse(item: &Meta, form: &str) -> Result<Self> {
        let tokens = list_of(item, form)?;
        let pair = |input: ParseStream<'_>| {
            let name: LitStr = input.parse()?;
            input.parse::<Token![=]>()?;
            Ok((name, input.parse::<LitStr>()?))
        };
        let parser = |input: ParseStream<'_>| {
            Punctuated::<(LitStr, LitStr), Token![,]>::parse_terminated_with(input, pair)
        };
        let pairs = parser
            .parse2(tokens.clone())
            .map_err(|error| written(item.path(), form).with_span(&error.span()))?;
        Ok(Self(pairs.into_iter().collect()))
    }
}

/// `api_headers("Accept" = "application/json")`
pub(crate) struct Headers(pub(crate) Vec<(LitStr, LitStr)>);

impl FromMeta for Headers {
    fn from_meta(item: &Meta) -> Result<Self> {
        /// Headers that toolgate and its HTTP client set.
        const OURS: [&str; 6] = [
            "authorization",
            "connection",
            "content-length",
            "cookie",
            "host",
            "transfer-encoding",
        ];

        let Pairs(pairs) = Pairs::parse(item, "(\"Accept\" = \"application/json\")")?;
        for (name, value) in &pairs {
            let word = name.value();
            if !is_header_name(&word) {
                let message = format!("`{word}` is not the name of a header");
                return Err(Error::custom(message).with_span(name));
            }
            if OURS.contains(&word.to_lowercase().as_str()) {
                let message = format!("the header `{word}` is set by toolgate\nhelp: remove it");
                return Err(Error::custom(message).with_span(name));
            }
            if !value.value().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                let message = "the value of a header is printable ASCII";
                return Err(Error::custom(message).with_span(value));
            }
        }
        Ok(Self(pairs))
    }
}

impl ProviderArgs {
    /// The key `grant`, if tokens are exchanged for those of callers.
    pub(crate) fn token_exchange(&self) -> Option<&Grant> {
        self.grant.as_ref().filter(|grant| grant.is_exchange)
    }

    /// Checks that no endpoint is missing. `authorize` is needed unless tokens are exchanged.
    pub(crate) fn check_endpoints(&self) -> syn::Result<()> {
        let missing: Vec<_> = [
            ("api", &self.api, "https://api.example.com"),
            ("authorize", &self.authorize, "https://example.com/authorize"),
            ("token", &self.token, "https://example.com/token"),
        ]
        .into_iter()
        .filter(|(key, endpoint, _)| {
            endpoint.is_none() && (*key != "authorize" || self.token_exchange().is_none())
        })
        .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = missing.iter().map(|(key, ..)| format!("`{key}`")).collect();
        let help: Vec<_> =
            missing.iter().map(|(key, _, url)| format!("{key} = \"{url}\"")).collect();
        let message = format!(
            "a provider needs {}, which {} missing\nhelp: add `{}`",
            keys.join(", "),
            if missing.len() == 1 { "is" } else { "are" },
            help.join(", ")
        );
        Err(syn::Error::new(Span::call_site(), message))
    }
}
