//! `#[tool(..)]`

use darling::{FromMeta, Result, ast::NestedMeta};
use syn::{Expr, ExprLit, LitStr, Meta, MetaNameValue};

use super::{
    scopes::Scopes,
    value::{Keyed, PathValue, Switch, Text, Texts, list_of},
};
use crate::json;

attribute! {
    struct ToolArgs {
        scopes: Option<Keyed<Scopes>>,
        name: Option<ToolName>,
        title: Option<Text>,
        read_only: Option<Switch>,
        destructive: Option<Switch>,
        idempotent: Option<Switch>,
        open_world: Option<Switch>,
        default_scope: Option<Switch>,
        app_only: Option<Switch>,
        model_only: Option<Switch>,
        icons: Option<Texts>,
        meta: Option<JsonObject>,
        provider: Option<PathValue>,
    }
}

/// A name that MCP recommends, and that every host accepts.
pub(crate) struct ToolName(pub(crate) LitStr);

impl ToolName {
    pub(crate) fn new(name: LitStr) -> syn::Result<Self> {
        let value = name.value();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if (1..=64).contains(&value.len()) && value.bytes().all(fits) {
            return Ok(Self(name));
        }
        let message = format!(
            "`{value}` is not a tool name\nhelp: 1 to 64 of A-Z, a-z, 0-9, `_`, `-` and `.`; `title` is for people"
        );
        Err(syn::Error::new(name.span(), message))
    }
}

impl FromMeta for ToolName {
    fn from_meta(item: &Meta) -> Result<Self> {
        Ok(Self::new(Text::from_meta(item)?.0)?)
    }
}

/// `meta = "{..}"` or `meta(key = "value")`, as JSON text.
pub(crate) struct JsonObject(pub(crate) LitStr);

impl FromMeta for JsonObject {
    fn from_meta(item: &Meta) -> Result<Self> {
        if let Meta::NameValue(_) = item {
            return Text::from_meta(item).map(|text| Self(text.0));
        }
        let span = item.path().segments[0].ident.span();
        let members = list_of(item, "(key = \"value\")")?;
        let members = NestedMeta::parse_meta_list(members.clone())?
            .iter()
            .map(member)
            .collect::<Result<Vec<_>>>()?;
        Ok(Self(LitStr::new(&format!("{{{}}}", members.join(",")), span)))
    }
}

/// `key = "value"` as a member of a JSON object; `a::b` is the key `a/b`.
fn member(item: &NestedMeta) -> Result<String> {
    let NestedMeta::Meta(Meta::NameValue(MetaNameValue { path, value, .. })) = item else {
        return Err(
            darling::Error::custom("`meta` is written `meta(key = \"value\")`").with_span(item)
        );
    };
    let key: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let literal = match super::value::ungroup(value) {
        Expr::Lit(ExprLit { lit, .. }) => json::scalar(lit),
        _ => None,
    };
    let message = "a value of `meta` is a string, a whole number or a boolean\nhelp: for more, write `meta = \"{..}\"` with JSON";
    let literal = literal.ok_or_else(|| darling::Error::custom(message).with_span(value))?;
    Ok(format!("{}:{literal}", json::string(&key.join("/"))))
}
