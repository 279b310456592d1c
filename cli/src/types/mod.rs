//! `cargo toolgate types`: the tools' types in TypeScript.

mod declarations;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::program::Selection;

/// Writes the TypeScript types of the tools, for the views of widgets.
///
/// It builds the project and asks its program for its tools. An interface `Tools` has the arguments and
/// the result of each, for `toolgate.view<Props, Tools>()`, and each Rust type has a type of its name.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    program: Selection,
    /// Where to write them, instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Compares the file with the types, and fails where they differ.
    #[arg(long, requires = "out")]
    check: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    let types = of_description(&arguments.program.build()?.describe()?)?;
    let Some(file) = arguments.out else {
        print!("{types}");
        return Ok(ExitCode::SUCCESS);
    };
    if arguments.check {
        let found = fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        if found.replace("\r\n", "\n") != types {
            bail!("{} is stale: run this command without `--check`", file.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    fs::write(&file, types).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The declarations of the tools of a description.
fn of_description(description: &Value) -> Result<String> {
    let tools = description["tools"].as_array().context("the description has no tools")?;
    if tools.iter().any(|tool| !tool["types"].is_object()) {
        bail!("the project's `toolgate` is older than this command: update it");
    }
    Ok(declarations::declarations(tools.iter()))
}

#[cfg(test)]
mod tests;
