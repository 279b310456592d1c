//! The tables of keys in `runtime/src/lib.rs` have every key that an attribute takes.

use crate::args::{
    Keys, argument::ArgArgs, catalogue::CatalogueArgs, provider::ProviderArgs, scope::ScopeArgs,
    tool::ToolArgs, widget::WidgetArgs,
};

/// The documentation of a macro where the runtime re-exports it.
fn documentation(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/src/lib.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let (before, _) = source.split_once(&format!("pub use toolgate_macros::{name};")).unwrap();
    let lines: Vec<_> = before.lines().rev().take_while(|line| line.starts_with("///")).collect();
    assert!(lines.len() > 3, "the documentation of {name}");
    lines.join("\n")
}

/// Whether the key is in code, alone or with its value: `name`, `pkce = off`, `account(path)`.
fn names(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + key.len()..]);
        let begins = before.ends_with(['`', '(']) || before.ends_with(", ");
        begins && after.starts_with(['`', ' ', '(', ',', ')'])
    })
}

#[test]
fn every_key_is_documented() {
    let tool = documentation("tool");
    let widget = documentation("widget");
    let provider = documentation("provider");
    let catalogue = documentation("catalogue");
    for (attribute, text, keys) in [
        ("#[tool]", &tool, ToolArgs::keys()),
        ("#[arg]", &tool, ArgArgs::keys()),
        ("#[widget]", &(widget + &tool), WidgetArgs::keys()),
        ("#[provider]", &provider, ProviderArgs::keys()),
        ("#[scope]", &provider, ScopeArgs::keys()),
        ("#[catalogue]", &catalogue, CatalogueArgs::keys()),
    ] {
        let missing: Vec<_> = keys.into_iter().filter(|key| !names(text, key)).collect();
        assert!(missing.is_empty(), "{attribute} has keys that are not documented: {missing:?}");
    }
}

#[test]
fn a_key_is_found_as_a_whole_word() {
    assert!(names("`pkce = off`, `token_body`", "token_body"));
    assert!(names("`a`, `account(path, id)`", "account"));
    assert!(!names("`token_body = json`", "token"));
    assert!(!names("the account of a person", "account"));
}
