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
        strict: Option<Switch>,
        long_name: Option<Switch>,
        icons: Option<Texts>,
        meta: Option<JsonObject>,
        provider: Option<PathValue>,
    }
}

/// The longest name that no host refuses: the APIs of models take 64 characters, and hosts add the
/// name of the server.
pub(crate) const MAX_PORTABLE_NAME_LEN: usize = 40;

/// A name that the APIs of models accept: `^[a-zA-Z0-9_-]{1,64}$`. MCP itself allows dots too.
pub(crate) struct ToolName(pub(crate) LitStr);

impl ToolName {
    /// The name of the function, for an attribute without `name`.
    pub(crate) fn of_function(name: LitStr) -> syn::Result<Self> {
        Self::check(name, |fitting| format!("name = \"{fitting}\""))
    }

    fn check(name: LitStr, written: impl Fn(&str) -> String) -> syn::Result<Self> {
        let value = name.value();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_short = (1..=64).contains(&value.len());
        if is_short && value.chars().all(fits) {
            return Ok(Self(name));
        }
        let fitting = value.replace(|c| !fits(c), "_");
        let help = if is_short && fitting.contains(|c| c != '_') {
            let written = written(&fitting);
            format!("write `{written}`")
        } else {
            "write a name of these characters; `title` is what people see".to_owned()
        };
        let message = format!(
            "a tool cannot be named `{value}`: the APIs of models accept 1 to 64 characters of A-Z, a-z, 0-9, `_` and `-`\nhelp: {help}"
        );
        Err(syn::Error::new(name.span(), message))
    }

    /// Whether hosts that add the name of the server may refuse it.
    pub(crate) fn is_long(&self) -> bool {
        self.0.value().len() > MAX_PORTABLE_NAME_LEN
    }
}

impl FromMeta for ToolName {
    fn from_meta(item: &Meta) -> Result<Self> {
        Ok(Self::check(Text::from_meta(item)?.0, |fitting| format!("\"{fitting}\""))?)
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
