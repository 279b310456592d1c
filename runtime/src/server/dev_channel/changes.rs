//! Changes of the tools from one program to the next, as text for a terminal.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::support::escape::escape;

/// The most lines. The inspector shows all of them.
const MAX_LINES: usize = 40;

/// What has changed.
#[derive(Serialize)]
pub(super) struct Changes {
    /// A line for each change; empty without one.
    text: String,
    tools_changed: bool,
}

impl Changes {
    /// From the tools `before` to those `after`, each with `name`, `scopes` and `definition`.
    pub(super) fn between(before: &[Value], after: &[Value]) -> Self {
        let (old, new) = (by_name(before), by_name(after));
        let mut lines = Vec::new();
        for (name, tool) in &new {
            match old.get(name) {
                None => lines.push(format!("+ tool {}{}", escape(name), in_brackets(tool))),
                Some(old) => lines.extend(between_tools(name, old, tool)),
            }
        }
        let removed = old.keys().filter(|name| !new.contains_key(*name));
        lines.extend(removed.map(|name| format!("- tool {}", escape(name))));
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        if more > 0 {
            lines.push(format!("  and {more} more changes"));
        }
        Self { text: lines.join("\n"), tools_changed: definitions(before) != definitions(after) }
    }
}

/// The tools as clients list them.
fn definitions(tools: &[Value]) -> Vec<&Value> {
    tools.iter().map(|tool| &tool["definition"]).collect()
}

fn by_name(tools: &[Value]) -> BTreeMap<&str, &Value> {
    tools.iter().filter_map(|tool| Some((tool["name"].as_str()?, tool))).collect()
}

fn scopes(tool: &Value) -> BTreeSet<&str> {
    let scopes = tool["scopes"].as_array().into_iter().flatten();
    scopes.filter_map(|scope| scope["scope"].as_str()).collect()
}

fn in_brackets(tool: &Value) -> String {
    let scopes = scopes(tool);
    if scopes.is_empty() { String::new() } else { format!(" ({})", list(scopes)) }
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(escape).collect();
    names.join(", ")
}

/// The changes of one tool.
fn between_tools(name: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    let (had, has) = (scopes(old), scopes(new));
    if had != has {
        let added = has.difference(&had).map(|scope| format!("+{}", escape(scope)));
        let removed = had.difference(&has).map(|scope| format!("-{}", escape(scope)));
        parts.push(format!("scopes {}", added.chain(removed).collect::<Vec<_>>().join(" ")));
    }
    let arguments = |tool: &'_ Value| tool["definition"]["inputSchema"]["properties"].clone();
    let (before, after) = (arguments(old), arguments(new));
    let members = |schema: &Value| schema.as_object().cloned().unwrap_or_default();
    let (before, after) = (members(&before), members(&after));
    let mut changed: Vec<String> = Vec::new();
    for (argument, schema) in &after {
        match before.get(argument) {
            None => changed.push(format!("+{}", escape(argument))),
            Some(old) if old != schema => changed.push(format!("~{}", escape(argument))),
            Some(_) => {}
        }
    }
    let removed = before.keys().filter(|argument| !after.contains_key(*argument));
    changed.extend(removed.map(|argument| format!("-{}", escape(argument))));
    if !changed.is_empty() {
        parts.push(format!("arguments {}", changed.join(" ")));
    }
    let (old, new) = (&old["definition"], &new["definition"]);
    for (member, called) in [
        ("title", "title"),
        ("description", "description"),
        ("outputSchema", "result"),
        ("annotations", "hints"),
    ] {
        if old[member] != new[member] {
            parts.push(called.to_owned());
        }
    }
    if parts.is_empty() && old != new {
        parts.push("definition".to_owned());
    }
    if parts.is_empty() {
        return Vec::new();
    }
    vec![format!("~ tool {}: {}", escape(name), parts.join(", "))]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, scopes: &[&str], arguments: Value) -> Value {
        let scopes: Vec<_> = scopes.iter().map(|scope| json!({ "scope": scope })).collect();
        let definition = json!({ "name": name, "inputSchema": { "properties": arguments } });
        json!({ "name": name, "scopes": scopes, "definition": definition })
    }

    #[test]
    fn each_change_is_a_line() {
        let before = [
            tool("list", &["repo:read"], json!({ "limit": { "type": "integer" }, "old": {} })),
            tool("same", &[], json!({})),
            tool("gone", &[], json!({})),
        ];
        let after = [
            tool("list", &["repo:write"], json!({ "limit": { "type": "string" }, "new": {} })),
            tool("same", &[], json!({})),
            tool("open", &["repo:write", "user"], json!({})),
        ];
        let changes = Changes::between(&before, &after);
        let expected = "~ tool list: scopes +repo:write -repo:read, arguments ~limit +new -old\n+ tool open (repo:write, user)\n- tool gone";
        assert_eq!(changes.text, expected);
        assert!(changes.tools_changed);
        let none = Changes::between(&before, &before);
        assert_eq!((&*none.text, none.tools_changed), ("", false));
    }

    #[test]
    fn the_list_is_bounded_and_escaped() {
        let after: Vec<_> =
            (0..100).map(|n| tool(&format!("t\u{1b}{n}"), &[], json!({}))).collect();
        let changes = Changes::between(&[], &after);
        assert_eq!(changes.text.lines().count(), MAX_LINES + 1);
        assert!(!changes.text.contains('\u{1b}') && changes.text.ends_with("and 60 more changes"));
    }
}
