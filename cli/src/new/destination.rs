//! Folder of a new project: its content, its surroundings, and writing it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::project::File;

/// Where a project has the crates of toolgate from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The checkout that this program was built in.
    Checkout(PathBuf),
    /// The registry, in the version of this program.
    Registry,
}

impl Source {
    /// The checkout, if it is still there.
    pub(crate) fn of_this_program() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let is_checkout = |root: &&Path| {
            ["runtime", "providers"].iter().all(|name| root.join(name).join("Cargo.toml").is_file())
        };
        match root.filter(is_checkout) {
            Some(root) => Self::Checkout(root.to_owned()),
            None => Self::Registry,
        }
    }
}

/// A folder that does not exist, or is empty.
pub(super) struct Destination {
    path: PathBuf,
    source: Source,
}

impl Destination {
    /// # Errors
    ///
    /// There is something in the folder.
    pub(super) fn check(path: &Path) -> Result<Self> {
        match fs::read_dir(path) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    bail!(
                        "{} is not empty: name a folder that does not exist, or an empty one",
                        path.display()
                    );
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                bail!("{} is no folder: name one that does not exist", path.display());
            }
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
        let path = env::current_dir()?.join(path);
        Ok(Self { path, source: Source::of_this_program() })
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// The name of the folder.
    pub(super) fn default_name(&self) -> Result<String> {
        let name = self.path.file_name().context("name the project by `--name`")?;
        Ok(name.to_string_lossy().into_owned())
    }

    /// Warnings about a repository or a workspace around the folder.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let above = || self.path.ancestors().skip(1);
        if let Some(repository) = above().find(|folder| folder.join(".git").exists()) {
            warnings.push(format!(
                "{} is a git repository: the project becomes part of it, and GitHub reads its workflow only at the root",
                repository.display()
            ));
        }
        let is_workspace = |folder: &&Path| {
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
            let manifest = manifest.parse::<toml_edit::DocumentMut>();
            manifest.is_ok_and(|manifest| manifest.contains_key("workspace"))
        };
        if let Some(workspace) = above().find(is_workspace) {
            warnings.push(format!(
                "{} is a workspace: add the project to its `members` or its `exclude`",
                workspace.join("Cargo.toml").display()
            ));
        }
        warnings
    }

    /// Writes the files, formatted where rustfmt is installed.
    pub(super) fn write(&self, files: &[File]) -> Result<()> {
        for file in files {
            let path = self.path.join(&file.path);
            let folder = path.parent().context("a file is in a folder")?;
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            let written = fs::File::create_new(&path)
                .and_then(|mut created| io::Write::write_all(&mut created, file.text.as_bytes()));
            written.with_context(|| path.display().to_string())?;
        }
        // The length of lines depends on the names, so rustfmt runs last.
        let _ = Command::new("rustfmt")
            .args(["--edition", "2024"])
            .arg(self.path.join("src").join("main.rs"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        Ok(())
    }
}
