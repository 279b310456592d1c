//! The items of one module: where new ones go, what is declared, what is imported.

use std::collections::HashSet;

use quote::ToTokens;
use syn::{Item, UseTree};

use super::{
    chain::{Chain, attributes, is_test},
    list::List,
    source::{Source, indented},
};

/// A module of a file.
pub(crate) struct Items {
    items: Vec<Item>,
}

impl Items {
    /// The items of the whole file.
    pub(crate) fn of_file(source: &Source) -> Self {
        Self { items: source.tree().items.clone() }
    }

    /// The module that a builder stands in.
    pub(crate) fn around(source: &Source, chain: &Chain) -> Self {
        let mut items = source.tree().items.clone();
        for name in &chain.module {
            let inner = items.into_iter().find_map(|item| match item {
                Item::Mod(module) if module.ident == name.as_str() => module.content,
                _ => None,
            });
            items = inner.map(|(_, items)| items).unwrap_or_default();
        }
        Self { items }
    }

    /// Inserts a function after the last tool, or else at the end of the file.
    pub(crate) fn append_function(&self, source: &mut Source, function: &str) {
        if !self.add_after_tools(source, function) {
            let end = source.text().len();
            let newline = if source.text().ends_with('\n') { "" } else { "\n" };
            source.insert(end, &format!("{newline}\n{function}\n"));
        }
    }

    /// Inserts a function after the last tool, if there is one.
    fn add_after_tools(&self, source: &mut Source, function: &str) -> bool {
        let Some(last) = self.items.iter().rev().find(|item| is_tool(item)) else { return false };
        let range = source.range_of(last);
        let indent = source.indent(range.start).to_owned();
        let at = source.past_comment(range.end);
        source.insert(at, &indented(&format!("\n\n{function}"), &indent));
        true
    }

    /// Inserts a function after the last tool, or else before the item with the builder.
    pub(crate) fn add_function(&self, source: &mut Source, chain: &Chain, function: &str) {
        if self.add_after_tools(source, function) {
            return;
        }
        let mut at = chain.item.start;
        let Some(indent) = source.indent_before(at).map(str::to_owned) else {
            return source.insert(at, &format!("\n\n{function}\n\n"));
        };
        // Comments above the item belong to it.
        loop {
            let line = source.line_start(at);
            let Some(above) = line.checked_sub(1) else { break };
            let start = source.line_start(above);
            let before = source.text()[start..above].trim();
            if !before.starts_with("//") || before.starts_with("//!") {
                break;
            }
            at = start + source.text()[start..].find("//").unwrap_or_default();
        }
        // The item that follows loses its indentation to the new text.
        let text = indented(&format!("{function}\n\n"), &indent);
        source.insert(at, &format!("{text}{indent}"));
    }

    /// The names of types and values that the module declares or imports.
    pub(crate) fn names(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        for item in &self.items {
            let ident = match item {
                Item::Const(item) => &item.ident,
                Item::Enum(item) => &item.ident,
                Item::Fn(item) => &item.sig.ident,
                Item::Mod(item) => &item.ident,
                Item::Static(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Union(item) => &item.ident,
                Item::Use(item) => {
                    imported(&item.tree, &mut Vec::new(), &mut |_, name| {
                        names.insert(name.to_owned());
                    });
                    continue;
                }
                _ => continue,
            };
            names.insert(ident.to_string());
        }
        names
    }

    /// Whether `use toolgate::prelude::*` is there.
    pub(crate) fn has_prelude(&self) -> bool {
        self.imports().any(|(path, name)| path == "toolgate::prelude" && name == "*")
    }

    /// The name under which a name of the prelude is known here.
    pub(crate) fn name_of(&self, name: &str) -> String {
        if self.has_prelude() && !self.names().contains(name) {
            return name.to_owned();
        }
        let same = |(path, found): (String, String)| path == "toolgate" && found == name;
        if self.imports().any(same) { name.to_owned() } else { format!("toolgate::{name}") }
    }

    /// The name under which a provider of `toolgate_providers` is imported.
    pub(crate) fn imported_from_catalogue(&self, name: &str) -> bool {
        self.imports().any(|(path, found)| {
            path.split("::").next() == Some("toolgate_providers") && (found == name || found == "*")
        })
    }

    /// Each import as its path and its name, `*` for a glob.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (String, String)> {
        let mut all = Vec::new();
        for item in &self.items {
            if let Item::Use(item) = item {
                imported(&item.tree, &mut Vec::new(), &mut |path, name| {
                    all.push((path.join("::"), name.to_owned()));
                });
            }
        }
        all.into_iter()
    }

    /// Imports a name of a crate, in the `use` of that crate if there is one.
    pub(crate) fn import(&self, source: &mut Source, krate: &str, name: &str) {
        let uses = self.items.iter().filter_map(|item| match item {
            Item::Use(item) if item.attrs.is_empty() => Some(item),
            _ => None,
        });
        let uses: Vec<_> = uses.collect();
        for item in &uses {
            let UseTree::Path(path) = &item.tree else { continue };
            if path.ident != krate || !matches!(item.vis, syn::Visibility::Inherited) {
                continue;
            }
            match &*path.tree {
                UseTree::Group(group) => {
                    let open = source.range(group.brace_token.span.open()).end;
                    let list = List::new(source, open, group.items.to_token_stream());
                    return list.append(source, name);
                }
                UseTree::Name(_) | UseTree::Rename(_) => {
                    let range = source.range_of(&path.tree);
                    source.insert(range.start, "{");
                    return source.insert(range.end, &format!(", {name}}}"));
                }
                _ => {}
            }
        }
        let line = format!("use {krate}::{name};");
        if let Some(last) = uses.last() {
            let range = source.range_of(*last);
            let indent = source.indent(range.start).to_owned();
            let at = source.past_comment(range.end);
            return source.insert(at, &format!("\n{indent}{line}"));
        }
        let Some(first) = self.items.first() else { return };
        let range = source.range_of(first);
        let indent = source.indent(range.start).to_owned();
        source.insert(range.start, &format!("{line}\n\n{indent}"));
    }

    /// Declares `mod name;` after the last such declaration, or before the first item.
    pub(crate) fn declare_module(&self, source: &mut Source, name: &str) {
        let plain = |item: &&Item| matches!(item, Item::Mod(module) if module.content.is_none());
        let mut visible = self.items.iter().filter(plain).filter(|item| !is_test(attributes(item)));
        if let Some(last) = visible.next_back() {
            let at = source.past_comment(source.range_of(last).end);
            return source.insert(at, &format!("\nmod {name};"));
        }
        let Some(first) = self.items.first() else { return };
        let at = source.range_of(first).start;
        let gap =
            if matches!(first, Item::Mod(module) if module.content.is_none()) { "" } else { "\n" };
        source.insert(at, &format!("mod {name};\n{gap}"));
    }

    /// Whether the module has a child of this name.
    pub(crate) fn has_module(&self, name: &str) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Mod(module) if module.ident == name))
    }

    /// Each enum with its attributes, in this module.
    pub(crate) fn enums(&self) -> impl Iterator<Item = &syn::ItemEnum> {
        self.items.iter().filter_map(|item| match item {
            Item::Enum(item) => Some(item),
            _ => None,
        })
    }
}

fn is_tool(item: &Item) -> bool {
    let Item::Fn(function) = item else { return false };
    function.attrs.iter().any(|attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|last| last.ident == "tool" || last.ident == "widget")
    })
}

fn imported(tree: &UseTree, path: &mut Vec<String>, found: &mut impl FnMut(&[String], &str)) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            imported(&inner.tree, path, found);
            path.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            if let Some((last, before)) = path.split_last() {
                found(before, last);
            }
        }
        UseTree::Name(name) => found(path, &name.ident.to_string()),
        UseTree::Rename(name) => found(path, &name.rename.to_string()),
        UseTree::Glob(_) => found(path, "*"),
        UseTree::Group(group) => {
            for tree in &group.items {
                imported(tree, path, found);
            }
        }
    }
}
