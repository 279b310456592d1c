//! Program of the project: cargo builds it, and the commands run it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Which program of which package.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Selection {
    /// The package, in a workspace with several.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// The program, in a package with several.
    #[arg(long, value_name = "NAME")]
    pub(crate) bin: Option<String>,
    /// Features of the package, separated by commas.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    pub(crate) features: Option<String>,
    /// Builds with optimizations.
    #[arg(short, long)]
    pub(crate) release: bool,
}

/// A program that cargo has built.
#[derive(Debug)]
pub(crate) struct Program {
    executable: PathBuf,
    /// The directory of its package.
    directory: PathBuf,
}

impl Selection {
    /// Builds the program. Compile errors are on standard error, as cargo writes them.
    pub(crate) fn build(&self) -> Result<Program> {
        require_project(&std::env::current_dir()?)?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
        for (flag, value) in
            [("--package", &self.package), ("--bin", &self.bin), ("--features", &self.features)]
        {
            cargo.args(value.iter().flat_map(|value| [flag, value]));
        }
        cargo.args(self.release.then_some("--release"));
        let output =
            cargo.stderr(Stdio::inherit()).output().context("cargo could not be started")?;
        if !output.status.success() {
            bail!("the project does not build");
        }
        let mut programs: Vec<_> =
            String::from_utf8_lossy(&output.stdout).lines().filter_map(built).collect();
        match programs.len() {
            1 => Ok(programs.remove(0)),
            0 => bail!("this package has no program; name one with `--package`"),
            _ => {
                let names: Vec<_> = programs.iter().map(Program::name).collect();
                bail!("there are several programs: name one with `--bin` ({})", names.join(", "))
            }
        }
    }
}

/// Fails outside of a project, where cargo would say what is missing and not what to do.
pub(crate) fn require_project(folder: &Path) -> Result<()> {
    if folder.ancestors().any(|folder| folder.join("Cargo.toml").is_file()) {
        return Ok(());
    }
    bail!(
        "there is no Cargo.toml in {} or above it: enter a project, or write one by `cargo toolgate new`",
        folder.display()
    )
}

impl Program {
    /// The command that runs it in the environment that `cargo run` gives it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(arguments).env("CARGO_MANIFEST_DIR", &self.directory);
        command
    }

    fn name(&self) -> String {
        self.executable.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the program prints of its tools.
    pub(crate) fn describe(&self) -> Result<Value> {
        let output = self
            .command(&["--describe", "json"])
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("{} could not be started", self.executable.display()))?;
        if !output.status.success() {
            bail!("`{} --describe json` ended with {}", self.name(), output.status);
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{} --describe json` prints no description", self.name()))
    }
}

/// The program that a line of cargo's messages names.
fn built(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_program = message["reason"] == "compiler-artifact"
        && message["target"]["kind"].as_array()?.iter().any(|kind| kind == "bin");
    let executable = message["executable"].as_str().filter(|_| is_program)?;
    let manifest = Path::new(message["manifest_path"].as_str()?);
    let directory = manifest.parent()?.to_owned();
    Some(Program { executable: OsString::from(executable).into(), directory })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_project_is_told_from_one_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("project").join("src");
        std::fs::create_dir_all(&inside).unwrap();
        let error = require_project(&inside).unwrap_err().to_string();
        assert!(error.contains("write one by `cargo toolgate new`"), "{error}");
        std::fs::write(folder.path().join("project").join("Cargo.toml"), "").unwrap();
        require_project(&inside).unwrap();
    }

    #[test]
    fn a_program_is_read_from_the_messages_of_cargo() {
        let artifact = |kind: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","target":{{"kind":["{kind}"],"name":"a"}},"executable":{executable}}}"#
            )
        };
        let program = built(&artifact("bin", r#""/p/target/debug/a""#)).unwrap();
        assert_eq!(program.name(), "a");
        assert_eq!(program.directory, Path::new("/p"));
        for line in [
            artifact("lib", "null"),
            artifact("example", r#""/p/target/debug/examples/a""#),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
            "not JSON".to_owned(),
        ] {
            assert!(built(&line).is_none(), "{line}");
        }
    }
}
