//! `src/tools`, which `new` writes where the tools of all providers are too long for one file: a module
//! for each provider, and a list of all tools.

use std::path::{Path, PathBuf};

use super::{
    Stop, chain::Chains, items::Items, manual::Manual, owner::Owner, project::Project,
    source::Source,
};
use crate::{catalogue::Provider, new::tool_modules};

/// Names that a module cannot have: they would hide crates that its neighbours import.
const CRATES: [&str; 2] = ["toolgate", "toolgate_providers"];

/// The modules of a project, and what was added to them.
pub(crate) struct Modules {
    /// The folder, relative to the project.
    folder: PathBuf,
    root: PathBuf,
    before: String,
    /// `mod.rs`.
    index: Source,
    chains: Chains,
    files: Vec<Edited>,
}

/// A file with its new text.
pub(super) struct Edited {
    pub(super) path: PathBuf,
    /// `None`: it does not exist.
    pub(super) before: Option<String>,
    pub(super) after: String,
}

/// The module that a tool belongs to.
pub(super) struct Home {
    pub(super) module: String,
    /// The text of a module that does not exist.
    head: String,
    /// What the function uses: each crate with a type of it.
    imports: Vec<(&'static str, String)>,
}

impl Home {
    /// That of a provider.
    pub(super) fn of_provider(provider: &Provider) -> Self {
        Self {
            module: tool_modules::name(provider),
            head: tool_modules::head(provider),
            imports: vec![("toolgate_providers", provider.ty.clone())],
        }
    }

    /// That of the provider whose scopes a tool has, or else one of its own.
    pub(super) fn of_tool(name: &str, groups: &[(Owner, Vec<String>)]) -> Self {
        if let [(Owner { known: Some(provider), .. }, _)] = groups {
            return Self::of_provider(provider);
        }
        let imports = groups.iter().map(|(owner, _)| {
            let krate = if owner.known.is_some() { "toolgate_providers" } else { "crate" };
            (krate, owner.type_name.clone())
        });
        Self {
            module: name.to_owned(),
            head: format!("//! The tool `{name}`.\n\nuse toolgate::prelude::*;\n\n"),
            imports: imports.collect(),
        }
    }
}

impl Modules {
    /// Reads the modules of a program whose builder takes `tools::all()`.
    pub(super) fn find(project: &Project, chains: &Chains, items: &Items) -> Option<Self> {
        let [chain] = chains.chains.as_slice() else { return None };
        let takes_all = chain.last("tools").is_some_and(|link| link.arguments == "(tools::all())");
        if !takes_all || !chain.module.is_empty() || !items.has_module("tools") {
            return None;
        }
        let folder = project.main.with_file_name("tools");
        let before = project.text(folder.join("mod.rs")).ok()??;
        let index = Source::parse(before.clone()).ok()?;
        let chains = Chains::find(&index);
        chains.only_list()?;
        let root = project.root.clone();
        Some(Self { folder, root, before, index, chains, files: Vec::new() })
    }

    /// The file of a module, relative to the project.
    pub(super) fn file(&self, module: &str) -> PathBuf {
        self.folder.join(format!("{module}.rs"))
    }

    /// Whether a tool has this name.
    pub(super) fn lists_tool(&self, name: &str) -> bool {
        self.chains.lists_tool(name)
    }

    /// Adds a tool to a module, which is written if it does not exist, and to the list.
    ///
    /// # Errors
    ///
    /// The module cannot be edited, or cannot have the name.
    pub(super) fn add(
        &mut self,
        home: &Home,
        name: &str,
        function: impl FnOnce(&Items) -> String,
    ) -> Result<(), Stop> {
        let Home { module, head, imports } = home;
        if CRATES.contains(&module.as_str()) {
            return Err(anyhow::anyhow!(
                "`{module}` is a crate of the project: choose another name"
            )
            .into());
        }
        let path = self.file(module);
        let before = read(&self.root.join(&path))?;
        let shown = path.display();
        let text = before.clone().unwrap_or_else(|| format!("{}\n", head.trim_end()));
        let mut source = Source::parse(text)
            .map_err(|error| Manual::because(format!("{shown} cannot be read: {error}")))?;
        let items = Items::of_file(&source);
        if items.names().contains(name) {
            return Err(anyhow::anyhow!("`{name}` exists already in {shown}").into());
        }
        let known: Vec<_> = items.imports().collect();
        for (krate, ty) in imports {
            let has = |(path, found): &(String, String)| {
                path.split("::").next() == Some(krate) && (found == ty || found == "*")
            };
            if !known.iter().any(has) {
                items.import(&mut source, krate, ty);
            }
        }
        let function = function(&items).replacen("\nasync fn ", "\npub(crate) async fn ", 1);
        items.append_function(&mut source, &function);
        let after = source.finish().map_err(Manual::because)?;
        let index = Items::of_file(&self.index);
        if !index.has_module(module) {
            index.declare_module(&mut self.index, module);
        }
        if let Some(list) = self.chains.only_list() {
            list.append(&mut self.index, &format!("{module}::{name}"));
        }
        self.files.push(Edited { path, before, after });
        Ok(())
    }

    /// Every file that changed.
    ///
    /// # Errors
    ///
    /// What would be written is not Rust.
    pub(super) fn finish(mut self) -> Result<Vec<Edited>, Manual> {
        let after = self.index.finish().map_err(Manual::because)?;
        let path = self.folder.join("mod.rs");
        self.files.insert(0, Edited { path, before: Some(self.before), after });
        Ok(self.files)
    }
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    if path.exists() { super::project::read(path).map(Some) } else { Ok(None) }
}
