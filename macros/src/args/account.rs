//! The account endpoint: `account(path = "/user", id = "/id", label = "/login")`

use darling::{Error, FromMeta, Result};
use proc_macro2::Span;
use syn::{LitStr, Meta};

use super::{
    Attribute,
    endpoint::ApiPath,
    token_endpoint::check_pointer,
    value::{Text, Texts},
};
use crate::json;

attribute! {
    struct AccountEndpoint {
        path: Option<ApiPath>,
        body: Option<JsonText>,
        id: Option<Pointers>,
        label: Option<Pointers>,
        scopes: Option<Texts>,
        prompt: Option<Text>,
    }
}

impl Attribute for AccountEndpoint {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "account";
}

impl AccountEndpoint {
    /// Checks that the account is identified. `key` is the span of the endpoint.
    pub(crate) fn check(&self, key: Span) -> syn::Result<()> {
        let (missing, help) = match (&self.path, &self.id) {
            (Some(_), Some(_)) => return Ok(()),
            (None, _) => ("path", "path = \"/user\"`, which describes the owner of a token"),
            (_, None) => ("id", "id = \"/id\"`, which identifies the owner of a token"),
        };
        let message =
            format!("the `{missing}` of the account endpoint is missing\nhelp: add `{help}");
        Err(syn::Error::new(key, message))
    }
}

/// `id = "/id"` or `id("/team_id", "/user_id")`
pub(crate) struct Pointers(pub(crate) Vec<LitStr>);

impl FromMeta for Pointers {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Texts(pointers) = Texts::from_meta(item)?;
        for pointer in &pointers {
            check_pointer(pointer)?;
        }
        if pointers.is_empty() {
            let message = "a JSON pointer is missing\nhelp: write `id = \"/id\"`";
            return Err(Error::custom(message).with_span(item));
        }
        Ok(Self(pointers))
    }
}

/// `body = "null"`
pub(crate) struct JsonText(pub(crate) LitStr);

impl FromMeta for JsonText {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(text) = Text::from_meta(item)?;
        if json::is_valid(&text.value()) {
            return Ok(Self(text));
        }
        let message = "the `body` of the account endpoint is not JSON\nhelp: for GraphQL, write `r#\"{\"query\":\"{ viewer { id } }\"}\"#`";
        Err(Error::custom(message).with_span(&text))
    }
}
