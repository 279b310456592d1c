//! What `#[tool]` and `#[widget]` advise for a key that is not theirs, and for a value without one.

use super::{Attribute, Keys, tool::ToolArgs, widget::WidgetArgs};

impl Attribute for ToolArgs {
    const NAME: &'static str = "#[tool]";

    fn misplaced(key: &str) -> Option<String> {
        let of_widget = WidgetArgs::keys().contains(&key);
        if of_widget {
            return Some(format!("`{key}` is a key of `#[widget]`\nhelp: write `#[widget(..)]`"));
        }
        scope_variant(Self::NAME, key)
    }

    fn with_key(value: &str) -> Option<String> {
        Some(format!("scopes = {value}"))
    }
}

impl Attribute for WidgetArgs {
    const NAME: &'static str = "#[widget]";

    fn misplaced(key: &str) -> Option<String> {
        scope_variant(Self::NAME, key)
    }

    fn with_key(value: &str) -> Option<String> {
        let is_view = value.contains('<') || value.contains(".html");
        Some(format!("{} = {value}", if is_view { "view" } else { "scopes" }))
    }
}

/// The advice for `#[tool(RepoRead)]`.
fn scope_variant(attribute: &str, key: &str) -> Option<String> {
    let is_variant = key.starts_with(|first: char| first.is_ascii_uppercase());
    is_variant.then(|| {
        format!("`{attribute}` has no key `{key}`\nhelp: if it is a scope, write `scopes({key})`")
    })
}
