//! Advice for a key that belongs to another attribute, and for a value without a key.

use darling::ast::NestedMeta;
use syn::Path;

use super::{
    Attribute, Keys,
    argument::ArgArgs,
    keys,
    provider::ProviderArgs,
    scope::{Access, ScopeArgs},
    tool::ToolArgs,
    widget::WidgetArgs,
};

impl Attribute for ToolArgs {
    const NAME: &'static str = "#[tool]";

    fn misplaced(key: &str) -> Option<String> {
        let of_widget = WidgetArgs::keys().contains(&key);
        if of_widget {
            return Some(format!("`{key}` is a key of `#[widget]`\nhelp: write `#[widget(..)]`"));
        }
        of_other_crates(Self::NAME, key).or_else(|| scope_variant(Self::NAME, key))
    }

    fn with_key(value: &str) -> Option<String> {
        Some(format!("scopes = {value}"))
    }
}

impl Attribute for WidgetArgs {
    const NAME: &'static str = "#[widget]";

    fn misplaced(key: &str) -> Option<String> {
        if key == "html" || key == "page" {
            return Some(renamed(Self::NAME, key, "view"));
        }
        of_other_crates(Self::NAME, key).or_else(|| scope_variant(Self::NAME, key))
    }

    fn with_key(value: &str) -> Option<String> {
        let is_view = value.contains('<') || value.contains(".html");
        Some(format!("{} = {value}", if is_view { "view" } else { "scopes" }))
    }
}

impl Attribute for ArgArgs {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "#[arg]";

    fn misplaced(key: &str) -> Option<String> {
        let written = match key {
            "min" | "minimum" => "range(1..)",
            "max" | "maximum" => "range(..=100)",
            "min_length" => "length(1..)",
            "max_length" => "length(..=64)",
            "regex" => "pattern = \"..\"",
            "enum" | "values" => "one_of(\"a\", \"b\")",
            "optional" | "required" => {
                let help = "an argument of type `Option<T>`, or with a `default`, may be missing";
                return Some(unknown(Self::NAME, key, help));
            }
            _ => return described(Self::NAME, key, "argument"),
        };
        Some(unknown(Self::NAME, key, &format!("write `{written}`")))
    }

    fn with_key(value: &str) -> Option<String> {
        if value.contains("..") {
            return Some(format!("range({})", value.replace(' ', "")));
        }
        Some(format!("default = {value}"))
    }
}

impl Attribute for ProviderArgs {
    const NAME: &'static str = "#[provider]";

    fn misplaced(key: &str) -> Option<String> {
        let meant = match key {
            "api_url" | "base_url" | "url" => "api",
            "auth_url" | "authorize_url" | "authorization_url" | "authorization_endpoint" => {
                "authorize"
            }
            "token_url" | "token_endpoint" => "token",
            "revoke_url" | "revocation_url" | "revocation_endpoint" => "revoke",
            "scopes" => {
                let help = "each scope is a variant: `#[scope(\"repo:read\", access = read)]`";
                return Some(unknown(Self::NAME, key, help));
            }
            _ => return None,
        };
        Some(renamed(Self::NAME, key, meant))
    }

    fn with_key(value: &str) -> Option<String> {
        Some(format!("api = {value}"))
    }
}

impl Attribute for ScopeArgs {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "#[scope]";

    fn misplaced(key: &str) -> Option<String> {
        Access::parse(key)?;
        Some(unknown(Self::NAME, key, &format!("write `access = {key}`")))
    }
}

/// Keys of other crates for a description, which is a doc comment here.
const DESCRIPTIONS: [&str; 4] = ["about", "desc", "description", "doc"];

pub(super) fn is_description(item: &NestedMeta) -> bool {
    keys::path_of(item)
        .and_then(Path::get_ident)
        .is_some_and(|key| DESCRIPTIONS.iter().any(|known| key == known))
}

fn unknown(attribute: &str, key: &str, help: &str) -> String {
    format!("`{attribute}` has no key `{key}`\nhelp: {help}")
}

fn renamed(attribute: &str, key: &str, name: &str) -> String {
    unknown(attribute, key, &format!("its name here is `{name}`"))
}

/// The advice for a key that other crates have for the description of an `item`.
fn described(attribute: &str, key: &str, item: &str) -> Option<String> {
    let help = format!("the description is the doc comment: write `/// ..` above the {item}");
    DESCRIPTIONS.contains(&key).then(|| unknown(attribute, key, &help))
}

/// The advice for a key under the name that other crates have for it.
fn of_other_crates(attribute: &str, key: &str) -> Option<String> {
    if key == "annotations" {
        let help = "each hint is a key: `read_only`, `destructive`, `idempotent`, `open_world`";
        return Some(unknown(attribute, key, help));
    }
    let hint = key.strip_suffix("_hint").filter(|hint| ToolArgs::keys().contains(hint));
    match hint {
        Some(hint) => Some(renamed(attribute, key, hint)),
        None => described(attribute, key, "function"),
    }
}

/// The advice for `#[tool(RepoRead)]`.
fn scope_variant(attribute: &str, key: &str) -> Option<String> {
    let is_variant = key.starts_with(|first: char| first.is_ascii_uppercase());
    let help = format!("if it is a scope, write `scopes({key})`");
    is_variant.then(|| unknown(attribute, key, &help))
}
