//! `cargo toolgate admin`: the administration of a server's database, by the project's own program.

use std::{ffi::OsString, process::ExitCode};

use anyhow::{Context, Result};

use crate::program::Selection;

/// Administers the database of the project's server: `list`, `show`, `revoke`, `delete`, `rotate-keys`,
/// `migrate`, `verify`, `export-audit`.
///
/// The program knows its providers and its store, so it is built, and run as `PROGRAM admin ..`: without
/// arguments it prints its commands.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// What is passed on to the program.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// Runs the command. The exit code is the program's.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    let program = arguments.selection.build()?;
    let mut command = program.command(&["admin"]);
    let status = command.args(&arguments.arguments).status().context("the program cannot start")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
