//! `cargo toolgate add`: additions to a project that exists.
//!
//! Files are parsed, and text is inserted at the places of their syntax trees, so that what a person
//! wrote stays as it is. Where that is not safe, nothing is written, and the command prints what to
//! write.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;

use manual::Manual;
use project::Project;

use crate::terminal::Questions;

mod chain;
mod change;
mod format;
mod gate;
mod items;
mod list;
mod manifest;
mod manual;
mod modules;
mod name;
mod owner;
mod project;
mod provider;
mod source;
mod test_file;
#[cfg(test)]
mod tests;
mod tool;
mod widget;

/// Adds a provider, a tool, a widget or a gate to a project.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// Shows the diff, and writes nothing.
    #[arg(long, global = true)]
    dry_run: bool,
    /// Writes without asking.
    #[arg(long, short, global = true)]
    yes: bool,
    /// The project's Cargo.toml; by default that of the current folder or of one above it.
    #[arg(long, global = true, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum What {
    /// A provider of the catalogue, with a tool that uses it.
    Provider(provider::Args),
    /// A tool, for scopes of the project's providers or of its catalogue.
    Tool(tool::Args),
    /// A tool with a page.
    Widget(widget::Args),
    /// The authorization server of your organization, as one of the presets.
    Gate(gate::Args),
}

/// Why nothing is written.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The person has to write it.
    Manual(Manual),
    /// It cannot be added.
    Error(anyhow::Error),
}

impl From<Manual> for Stop {
    fn from(manual: Manual) -> Self {
        Self::Manual(manual)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Runs the command.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    let start = arguments.manifest_path.unwrap_or_else(|| ".".into());
    let mut project = Project::find(&start)?;
    let next = match arguments.what.plan(&mut project) {
        Ok(next) => next,
        Err(Stop::Error(error)) => return Err(error),
        Err(Stop::Manual(manual)) => {
            eprint!("{manual}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let diff = project.changes.diff();
    print_diff(&diff)?;
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes && !confirmed()? {
        eprintln!("Nothing was written.");
        return Ok(ExitCode::FAILURE);
    }
    project.changes.write(&project.root)?;
    println!("\n{next}");
    Ok(ExitCode::SUCCESS)
}

impl What {
    /// Decides what is written, and says what comes next.
    fn plan(&self, project: &mut Project) -> Result<String, Stop> {
        match self {
            Self::Provider(arguments) => provider::plan(project, arguments),
            Self::Tool(arguments) => tool::plan(project, arguments),
            Self::Widget(arguments) => widget::plan(project, arguments),
            Self::Gate(arguments) => gate::plan(project, arguments),
        }
    }
}

fn print_diff(diff: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let colors = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for line in diff.split_inclusive('\n') {
        let color = match line.as_bytes().first() {
            Some(b'+') => "\x1b[32m",
            Some(b'-') => "\x1b[31m",
            Some(b'@') => "\x1b[36m",
            _ => "",
        };
        if colors && !color.is_empty() {
            writeln!(out, "{color}{}\x1b[0m", line.trim_end())?;
        } else {
            out.write_all(line.as_bytes())?;
        }
    }
    out.flush()
}

fn confirmed() -> Result<bool> {
    if !io::stdin().is_terminal() {
        anyhow::bail!(
            "there is no terminal to ask at: `--yes` writes it, `--dry-run` only shows it"
        );
    }
    let terminal = Questions::begin()?;
    let question = dialoguer::Confirm::new().with_prompt("Write this?").default(true);
    terminal.or_end(question.interact().map_err(Into::into))
}
