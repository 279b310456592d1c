//! Conditions on an API's responses: `invalid_token(pointer = "/error", values("token_expired"))`

use darling::{Error, FromMeta, Result};
use proc_macro2::Span;
use syn::{LitInt, LitStr, Meta};

use super::{
    Attribute,
    token_endpoint::{Pointer, integer},
    value::{Text, Texts, value_of, written},
};

attribute! {
    struct Condition {
        status: Option<Status>,
        pointer: Option<Pointer>,
        header: Option<HeaderName>,
        values: Option<Texts>,
    }
}

impl Attribute for Condition {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "invalid_token";
}

attribute! {
    struct InsufficientScope {
        ..condition: Condition,
        needed: Option<Pointer>,
    }
}

impl Attribute for InsufficientScope {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "insufficient_scope";
}

impl Condition {
    /// Checks the keys together. `key` is the span of the condition.
    pub(crate) fn check(&self, key: Span) -> syn::Result<()> {
        let message = match (&self.status, &self.pointer, &self.header, &self.values) {
            (_, Some(_), Some(_), _) => {
                "a condition reads either a `pointer` or a `header`\nhelp: remove one of them"
            }
            (_, None, None, Some(_)) => {
                "`values` needs a `pointer` or a `header` to compare with\nhelp: add `pointer = \"/error\"` or `header = \"X-Error\"`"
            }
            (None, None, None, None) => {
                "this condition holds for every response with status 200\nhelp: add `status = 403`, `pointer = \"/error\"` or `header = \"X-Error\"`"
            }
            _ => return Ok(()),
        };
        Err(syn::Error::new(key, message))
    }
}

/// `status = 403`
pub(crate) struct Status(pub(crate) LitInt);

impl FromMeta for Status {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = " = 403";
        let value = value_of(item, form)?;
        let status = integer(value).ok_or_else(|| written(item.path(), form).with_span(value))?;
        if status.base10_parse().is_ok_and(|status: u16| (200..600).contains(&status)) {
            return Ok(Self(status));
        }
        let message = format!(
            "`{status}` is not the status of a response\nhelp: write a number from 200 to 599"
        );
        Err(Error::custom(message).with_span(&status))
    }
}

/// The name of a header.
pub(crate) struct HeaderName(pub(crate) LitStr);

impl FromMeta for HeaderName {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(name) = Text::from_meta(item)?;
        if is_header_name(&name.value()) {
            return Ok(Self(name));
        }
        let message = format!("`{}` is not the name of a header", name.value());
        Err(Error::custom(message).with_span(&name))
    }
}

/// A token (RFC 9110 §5.6.2), which is what a header's name is.
pub(super) fn is_header_name(name: &str) -> bool {
    let in_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(in_token)
}
