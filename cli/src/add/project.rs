//! The project in which a command runs: its manifest, its program, and the builder in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use toml_edit::DocumentMut;

use super::{
    chain::{Chain, Chains},
    change::Changes,
    format,
    items::Items,
    manifest,
    manual::Manual,
    modules::Modules,
    source::Source,
};
use crate::new::{pieces, project::File};

/// The largest source that is read, in bytes.
const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// What was read of a project.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) manifest: DocumentMut,
    manifest_text: String,
    /// The program's source, relative to the root.
    pub(crate) main: PathBuf,
    main_text: String,
    pub(crate) changes: Changes,
}

/// The place in the program that is edited.
pub(crate) struct Place {
    pub(crate) source: Source,
    pub(crate) chains: Chains,
    pub(crate) items: Items,
    /// Where tools have modules of their own.
    pub(crate) modules: Option<Modules>,
}

impl Place {
    pub(crate) fn chain(&self) -> &Chain {
        &self.chains.chains[0]
    }
}

impl Project {
    /// Finds the package that `path`, a manifest or a folder in a package, belongs to.
    ///
    /// # Errors
    ///
    /// There is no package, or it cannot be read.
    pub(crate) fn find(path: &Path) -> Result<Self> {
        let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
        let folder = if path.is_file() { path.parent().unwrap_or(&path) } else { &path };
        let root = folder.ancestors().find(|folder| folder.join("Cargo.toml").is_file());
        let Some(root) = root else {
            bail!("there is no Cargo.toml here: `cargo toolgate new` writes a project");
        };
        let manifest_text = read(&root.join("Cargo.toml"))?;
        let manifest: DocumentMut = manifest_text.parse().context("Cargo.toml")?;
        if !manifest.contains_key("package") {
            bail!("{} is a workspace: enter one of its packages", root.display());
        }
        let main = manifest::program(&manifest).unwrap_or_else(|| "src/main.rs".into());
        let main_text = match read(&root.join(&main)) {
            Err(_) if !root.join(&main).exists() => String::new(),
            read => read?,
        };
        Ok(Self {
            root: root.to_owned(),
            manifest,
            manifest_text,
            main: main.into(),
            main_text,
            changes: Changes::default(),
        })
    }

    /// The text of a file, if it exists.
    ///
    /// # Errors
    ///
    /// It exists and cannot be read.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> Result<Option<String>> {
        let path = self.root.join(path);
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    /// The only builder of the program.
    ///
    /// # Errors
    ///
    /// Why the program is not edited, for a person to read.
    pub(crate) fn place(&self) -> Result<Place, Manual> {
        let main = self.main.display();
        if self.main_text.is_empty() {
            return Err(Manual::because(format!("{main} does not exist or is empty")));
        }
        let source = Source::parse(self.main_text.clone())
            .map_err(|error| Manual::because(format!("{main} cannot be read: {error}")))?;
        let chains = Chains::find(&source);
        match chains.chains.as_slice() {
            [chain] => {
                let items = Items::around(&source, chain);
                let modules = Modules::find(self, &chains, &items);
                Ok(Place { source, chains, items, modules })
            }
            [] => {
                let elsewhere = self.builder_elsewhere();
                Err(Manual::because(match elsewhere {
                    Some(place) => format!("the server is built in {place}, not in {main}"),
                    None => format!("{main} has no `toolgate::server!()` outside macros and tests"),
                }))
            }
            chains => {
                let lines = chains.iter().map(|chain| source.line(chain.start()).to_string());
                let lines = lines.collect::<Vec<_>>().join(", ");
                Err(Manual::because(format!("{main} builds several servers, at lines {lines}")))
            }
        }
    }

    /// Another file of the program with a builder: `src/app.rs:12`.
    fn builder_elsewhere(&self) -> Option<String> {
        let mut folders = vec![self.root.join(&self.main).parent()?.to_owned()];
        let mut looked_at = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).ok()?.flatten() {
                let path = entry.path();
                looked_at += 1;
                if looked_at > 2000 {
                    return None;
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let source = read(&path).ok().and_then(|text| Source::parse(text).ok());
                    let Some(source) = source else { continue };
                    if let Some(chain) = Chains::find(&source).chains.first() {
                        let shown = path.strip_prefix(&self.root).unwrap_or(&path);
                        return Some(format!("{}:{}", shown.display(), source.line(chain.start())));
                    }
                }
            }
        }
        None
    }

    /// Records the program and the manifest as they are to be.
    ///
    /// # Errors
    ///
    /// What would be written is not Rust, or the manifest would change more than it has to.
    pub(crate) fn finish(&mut self, place: Place) -> Result<(), Manual> {
        let after = place.source.finish().map_err(Manual::because)?;
        let after = self.formatted(&self.main_text, after);
        self.changes.replace(&self.main, self.main_text.clone(), after);
        for file in place.modules.map_or_else(|| Ok(Vec::new()), Modules::finish)? {
            let before = file.before.as_deref().unwrap_or_default();
            let after = self.formatted(before, file.after);
            match file.before {
                Some(before) => self.changes.replace(file.path, before, after),
                None => self.changes.create(file.path, after),
            }
        }
        let mut manifest = self.manifest.to_string();
        if self.manifest_text.contains("\r\n") {
            manifest = manifest.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        let before = self.manifest_text.lines().filter(|line| !manifest.contains(line));
        if before.count() > 1 {
            return Err(Manual::because("Cargo.toml would be written in another way".to_owned()));
        }
        self.changes.replace("Cargo.toml", self.manifest_text.clone(), manifest);
        Ok(())
    }

    /// The new text of a source file, formatted if the old one was.
    pub(crate) fn formatted(&self, before: &str, after: String) -> String {
        let edition = manifest::edition(&self.manifest).or_else(|| self.workspace_edition());
        let main = self.root.join(&self.main);
        let folder = main.parent().unwrap_or(&self.root);
        format::as_before(before, after, edition.as_deref().unwrap_or("2015"), folder)
    }

    fn workspace_edition(&self) -> Option<String> {
        self.root.ancestors().skip(1).find_map(|folder| {
            let manifest: DocumentMut = read(&folder.join("Cargo.toml")).ok()?.parse().ok()?;
            let edition = manifest.get("workspace")?.get("package")?.get("edition")?;
            edition.as_str().map(str::to_owned)
        })
    }

    /// Writes a call of a tool for the inspector.
    ///
    /// # Errors
    ///
    /// A call of this name exists.
    pub(crate) fn add_call(&mut self, tool: &str) -> Result<()> {
        let File { path, text } = pieces::call_file(tool);
        if self.root.join(&path).exists() {
            bail!("{path} exists already");
        }
        self.changes.create(path, text);
        Ok(())
    }

    /// Appends a section to a file that may not exist, unless it has `marker`.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(crate) fn append(&mut self, path: &str, section: &str, marker: &str) -> Result<()> {
        let section = section.trim_end();
        if let Some(text) = self.changes.text_mut(path) {
            let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let section = section.replace('\n', newline);
            *text = format!("{text}{newline}{section}{newline}");
            return Ok(());
        }
        match self.text(path)? {
            None => self.changes.create(path, format!("{section}\n")),
            Some(before) if before.contains(marker) => {}
            Some(before) => {
                let newline = if before.contains("\r\n") { "\r\n" } else { "\n" };
                let end = if before.is_empty() || before.ends_with('\n') { "" } else { newline };
                let section = section.replace('\n', newline);
                let after = format!("{before}{end}{newline}{section}{newline}");
                self.changes.replace(path, before, after);
            }
        }
        Ok(())
    }
}

/// The text of a file that is not too large.
pub(super) fn read(path: &Path) -> Result<String> {
    let shown = || path.display().to_string();
    if fs::metadata(path).with_context(shown)?.len() > MAX_SOURCE_BYTES {
        bail!("{} is too large", path.display());
    }
    fs::read_to_string(path).with_context(shown)
}
