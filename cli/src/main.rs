//! `cargo toolgate`: new projects, a development loop, and a doctor for MCP servers.

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

mod add;
mod admin;
mod call;
mod catalogue;
mod check;
mod dev;
mod new;
mod program;
mod remote;
mod signals;
mod suggestion;
mod terminal;
mod types;

/// Authenticated tools for AI agents.
///
/// `cargo toolgate new` calls this program as `cargo-toolgate toolgate new`.
#[derive(Parser)]
#[command(name = "cargo", bin_name = "cargo")]
enum Cargo {
    #[command(version, about)]
    Toolgate(Toolgate),
}

/// Authenticated tools for AI agents.
#[derive(clap::Args)]
struct Toolgate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::Args),
    Add(add::Args),
    Dev(dev::Args),
    Check(check::Args),
    Types(types::Args),
    Call(call::Args),
    Admin(admin::Args),
}

/// The arguments, as cargo gives them: `cargo-toolgate new` means `cargo-toolgate toolgate new`.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if !arguments.is_empty() && arguments.get(1).is_none_or(|first| first != "toolgate") {
        arguments.insert(1, "toolgate".into());
    }
    arguments
}

fn main() -> ExitCode {
    let Cargo::Toolgate(arguments) = Cargo::parse_from(arguments());
    let result = match arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Add(arguments) => add::run(arguments),
        Command::Dev(arguments) => dev::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Types(arguments) => types::run(arguments),
        Command::Call(arguments) => call::run(arguments),
        Command::Admin(arguments) => admin::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
