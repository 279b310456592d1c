//! Keys of `#[provider]` for the requests to a token endpoint, and its responses.

use darling::{Error, FromMeta, Result};
use proc_macro2::Span;
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, Meta, spanned::Spanned};

use super::{
    Attribute,
    scope::is_scope_token,
    value::{Text, Texts, ungroup, value_of, word, written},
};

attribute! {
    struct TokenPointers {
        access_token: Option<Pointer>,
        refresh_token: Option<Pointer>,
        scope: Option<Pointer>,
        expires_in: Option<Pointer>,
        error: Option<Pointer>,
        error_description: Option<Pointer>,
    }
}

impl Attribute for TokenPointers {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "token_response";
}

attribute! {
    struct RefreshTokens {
        rotates: Option<super::value::Switch>,
        leeway: Option<Seconds>,
        revokes_access_token: Option<super::value::Switch>,
    }
}

impl Attribute for RefreshTokens {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "refresh_token";
}

/// A JSON pointer (RFC 6901).
pub(crate) struct Pointer(pub(crate) LitStr);

impl FromMeta for Pointer {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(pointer) = Text::from_meta(item)?;
        check_pointer(&pointer)?;
        Ok(Self(pointer))
    }
}

pub(super) fn check_pointer(pointer: &LitStr) -> Result<()> {
    let value = pointer.value();
    let escaped = value.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if value.starts_with('/') && value.len() > 1 && escaped {
        return Ok(());
    }
    let message = format!(
        "`{value}` is not a JSON pointer to a member (RFC 6901)\nhelp: write `/authed_user/access_token`, with `~1` for a `/` in a name, and `~0` for a `~`"
    );
    Err(Error::custom(message).with_span(pointer))
}

/// A whole number of seconds.
pub(crate) struct Seconds(pub(crate) LitInt);

impl FromMeta for Seconds {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = " = 600";
        let value = value_of(item, form)?;
        integer(value)
            .filter(|seconds| seconds.base10_parse::<u32>().is_ok())
            .map(Self)
            .ok_or_else(|| written(item.path(), form).with_span(value))
    }
}

/// An integer literal.
pub(super) fn integer(value: &Expr) -> Option<LitInt> {
    match ungroup(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(integer), .. }) => Some(integer.clone()),
        _ => None,
    }
}

/// `grant = token_exchange`
pub(crate) struct Grant {
    pub(crate) key: Span,
    /// Whether tokens are exchanged for those of callers (RFC 8693).
    pub(crate) is_exchange: bool,
}

impl FromMeta for Grant {
    fn from_meta(item: &Meta) -> Result<Self> {
        let words = [("token_exchange", true), ("authorization_code", false)];
        Ok(Self { key: item.path().span(), is_exchange: word(item, &words)? })
    }
}

/// `pkce = off`
pub(crate) struct Pkce(pub(crate) bool);

impl FromMeta for Pkce {
    fn from_meta(item: &Meta) -> Result<Self> {
        word(item, &[("off", false), ("s256", true)]).map(Self)
    }
}

/// `empty_scope = none`
pub(crate) struct EmptyScope {
    pub(crate) is_none: bool,
}

impl FromMeta for EmptyScope {
    fn from_meta(item: &Meta) -> Result<Self> {
        let is_none = word(item, &[("none", true), ("requested", false)])?;
        Ok(Self { is_none })
    }
}

/// `token_body = json`: a variant of the runtime's `BodyFormat`.
pub(crate) struct BodyFormat(pub(crate) &'static str);

impl FromMeta for BodyFormat {
    fn from_meta(item: &Meta) -> Result<Self> {
        word(item, &[("json", "Json"), ("form", "Form")]).map(Self)
    }
}

/// The name of a parameter of the authorization request.
pub(crate) struct ParameterName(pub(crate) LitStr);

impl FromMeta for ParameterName {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(name) = Text::from_meta(item)?;
        let value = name.value();
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if !value.is_empty() && value.bytes().all(in_name) {
            return Ok(Self(name));
        }
        let message = format!(
            "`{value}` is not the name of a parameter\nhelp: write `scope_param = \"user_scope\"`"
        );
        Err(Error::custom(message).with_span(&name))
    }
}

/// The prefix of scopes in requests.
pub(crate) struct ScopePrefix(pub(crate) LitStr);

impl FromMeta for ScopePrefix {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(prefix) = Text::from_meta(item)?;
        if is_scope_token(&prefix.value()) {
            return Ok(Self(prefix));
        }
        let message = format!(
            "`{}` cannot begin a scope token (RFC 6749 §3.3)\nhelp: write printable ASCII without spaces, quotes and backslashes",
            prefix.value()
        );
        Err(Error::custom(message).with_span(&prefix))
    }
}

/// `invalid_grant("code", "code: text")`
pub(crate) struct GrantErrors(pub(crate) Vec<LitStr>);

impl FromMeta for GrantErrors {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Texts(errors) = Texts::from_meta(item)?;
        for error in &errors {
            let value = error.value();
            let code = value.split_once(": ").map_or(value.as_str(), |(code, _)| code);
            if code.is_empty() || code.contains(char::is_whitespace) {
                let message = format!(
                    "`{value}` is not an error of a token endpoint\nhelp: write its code, such as `bad_refresh_token`, or `code: text`, where `text` is part of the description"
                );
                return Err(Error::custom(message).with_span(error));
            }
        }
        Ok(Self(errors))
    }
}
