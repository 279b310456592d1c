//! `revocation(method = delete, token = bearer)`

use darling::{FromMeta, Result};
use proc_macro2::Span;
use syn::Meta;

use super::{
    Attribute,
    endpoint::ClientAuth,
    token_endpoint::{BodyFormat, ParameterName},
    value::word,
};

attribute! {
    struct Revocation {
        method: Option<RevocationMethod>,
        token: Option<TokenPlace>,
        param: Option<ParameterName>,
        body: Option<BodyFormat>,
        client_auth: Option<ClientAuth>,
        only: Option<RevokedTokens>,
    }
}

impl Attribute for Revocation {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "revocation";
}

impl Revocation {
    /// Checks that the request can be made. `url` is the endpoint, if there is one.
    pub(crate) fn check(&self, key: Span, url: Option<&str>) -> syn::Result<()> {
        let place = self.token.as_ref().map_or("Body", |place| place.0);
        let message = match (url, place) {
            (None, _) => {
                "`revocation` needs an endpoint\nhelp: add `revoke = \"https://example.com/revoke\"`"
            }
            (Some(url), "Path") if !url.contains("{token}") => {
                "the path of `revoke` has no `{token}`\nhelp: write `{token}` where the token belongs"
            }
            (_, "Bearer" | "Path") if self.param.is_some() || self.body.is_some() => {
                "`param` and `body` are only for a token in the body of the request\nhelp: remove them"
            }
            (_, "Bearer") if self.client_auth.is_some() => {
                "with `token = bearer` the token itself authenticates the request\nhelp: remove `client_auth`"
            }
            _ => return Ok(()),
        };
        Err(syn::Error::new(key, message))
    }
}

/// `method = delete`: a variant of the runtime's `RevocationMethod`.
pub(crate) struct RevocationMethod(pub(crate) &'static str);

impl FromMeta for RevocationMethod {
    fn from_meta(item: &Meta) -> Result<Self> {
        word(item, &[("delete", "Delete"), ("post", "Post"), ("get", "Get")]).map(Self)
    }
}

/// `token = bearer`: a variant of the runtime's `TokenPlace`.
pub(crate) struct TokenPlace(pub(crate) &'static str);

impl FromMeta for TokenPlace {
    fn from_meta(item: &Meta) -> Result<Self> {
        word(item, &[("bearer", "Bearer"), ("body", "Body"), ("path", "Path")]).map(Self)
    }
}

/// `only = access_token`: a variant of the runtime's `RevokedTokens`.
pub(crate) struct RevokedTokens(pub(crate) &'static str);

impl FromMeta for RevokedTokens {
    fn from_meta(item: &Meta) -> Result<Self> {
        let words = [("access_token", "AccessToken"), ("refresh_token", "RefreshToken")];
        word(item, &words).map(Self)
    }
}
