//! The project: its package, and the directories that its program is built from.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::program::{Selection, require_project};

/// What `dev` knows of the project.
#[derive(Debug)]
pub(super) struct Project {
    /// The directory of the package.
    pub(super) directory: PathBuf,
    pub(super) workspace: PathBuf,
    pub(super) target: PathBuf,
    /// The directories of the package and of its dependencies on this machine.
    pub(super) packages: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    #[serde(default)]
    workspace_default_members: Vec<String>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
    resolve: Option<Resolve>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    /// `None`: it is on this machine.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    root: Option<String>,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

impl Project {
    /// Asks cargo.
    pub(super) fn read(selection: &Selection) -> Result<Self> {
        require_project(&std::env::current_dir()?)?;
        let mut cargo = cargo();
        cargo.args(["metadata", "--format-version", "1"]);
        cargo.args(selection.features.iter().flat_map(|features| ["--features", features]));
        let output =
            cargo.stderr(Stdio::inherit()).output().context("cargo could not be started")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed");
        }
        let metadata = serde_json::from_slice(&output.stdout);
        Self::from_metadata(
            metadata.context("`cargo metadata` is not understood")?,
            selection.package.as_deref(),
        )
    }

    fn from_metadata(metadata: Metadata, name: Option<&str>) -> Result<Self> {
        let packages: HashMap<&str, &Package> =
            metadata.packages.iter().map(|package| (&*package.id, package)).collect();
        let root = metadata.resolve.as_ref().and_then(|resolve| resolve.root.as_deref());
        let chosen: Vec<&Package> = match (name, root) {
            (Some(name), _) => {
                metadata.packages.iter().filter(|package| package.is_named(name)).collect()
            }
            (None, Some(root)) => packages.get(root).copied().into_iter().collect(),
            (None, None) => {
                let members = metadata.workspace_default_members.iter();
                let members = members.filter_map(|id| packages.get(&**id).copied());
                members.filter(|package| package.has_program()).collect()
            }
        };
        let [package] = chosen[..] else {
            bail!(
                "there are {} such packages with a program: name one with `--package`",
                chosen.len()
            )
        };
        let nodes: HashMap<&str, &Node> = metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| (&*node.id, node))
            .collect();
        let (mut seen, mut found, mut next) = (HashSet::new(), Vec::new(), vec![&*package.id]);
        while let Some(id) = next.pop() {
            let Some(package) = packages.get(id).filter(|package| package.source.is_none()) else {
                continue;
            };
            if seen.insert(id) {
                found.push(package.directory());
                next.extend(
                    nodes.get(id).iter().flat_map(|node| &node.dependencies).map(|id| &**id),
                );
            }
        }
        Ok(Self {
            directory: package.directory(),
            workspace: resolved(&metadata.workspace_root),
            target: resolved(&metadata.target_directory),
            packages: found,
        })
    }

    /// A path as it is shown: below the package where it is there.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.directory).unwrap_or(path).display().to_string()
    }
}

impl Package {
    fn is_named(&self, name: &str) -> bool {
        self.name == name && self.source.is_none()
    }

    fn has_program(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "bin"))
    }

    fn directory(&self) -> PathBuf {
        resolved(self.manifest_path.parent().unwrap_or(Path::new(".")))
    }
}

/// The path without links, as the system reports changes.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The cargo that runs this command, or the one of the path.
pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(root: Option<&str>) -> Metadata {
        let package = |name: &str, source: Option<&str>, kind: &str| json!({ "id": name, "name": name, "source": source, "manifest_path": format!("/none/{name}/Cargo.toml"), "targets": [{ "kind": [kind] }] });
        serde_json::from_value(json!({
            "packages": [package("tools", None, "bin"), package("core", None, "lib"), package("other", None, "lib"), package("serde", Some("registry"), "lib")],
            "workspace_default_members": ["tools", "core", "other"],
            "workspace_root": "/none",
            "target_directory": "/none/target",
            "resolve": { "root": root, "nodes": [
                { "id": "tools", "dependencies": ["core", "serde"] },
                { "id": "core", "dependencies": ["serde"] },
                { "id": "other", "dependencies": [] },
                { "id": "serde", "dependencies": [] },
            ] },
        }))
        .unwrap()
    }

    #[test]
    fn what_the_program_is_built_from_is_watched_and_nothing_else() {
        for (root, name) in [(Some("tools"), None), (None, Some("tools")), (None, None)] {
            let project = Project::from_metadata(metadata(root), name).unwrap();
            assert_eq!(project.directory, Path::new("/none/tools"));
            assert_eq!(project.packages, [Path::new("/none/tools"), Path::new("/none/core")]);
            assert_eq!(project.shown(Path::new("/none/tools/src/main.rs")), "src/main.rs");
        }
        let error = Project::from_metadata(metadata(None), Some("serde")).unwrap_err();
        assert!(error.to_string().contains("name one with `--package`"), "{error}");
    }
}
