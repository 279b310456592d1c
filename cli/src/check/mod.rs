//! `cargo toolgate check`: a doctor for MCP servers.

mod authorize;
mod challenge;
mod code_resource;
mod cors;
mod errors;
mod examination;
mod finding;
mod issuer;
mod keys;
mod network;
mod project;
mod protocol;
mod registration;
mod render;
mod resource;
mod rules;
mod sessions;
mod tokens;
mod tools;
mod transports;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use anyhow::{Result, bail};
use url::Url;

use self::{
    examination::{Options, examine},
    finding::{Report, Severity},
    render::Format,
};
use crate::{
    program::Selection,
    remote::{dev_token, endpoint::parse_url, http::Http},
};

/// The exit code where the examination could not be made.
const NOT_EXAMINED: u8 = 2;

/// Examines the project's server, or the MCP server at a URL.
///
/// Without a URL the project is built; its program examines its own configuration (`--doctor`), is
/// started on a free port, and is examined from outside. With a URL any MCP server is, of whatever
/// framework: its challenge, its metadata, its authorization servers, the tokens that it has to refuse,
/// its sessions, errors, transports and tools.
///
/// The exit code is 0 without a fault, 1 with one, and 2 if the server could not be examined.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The endpoint, such as `https://tools.example/mcp`.
    url: Option<String>,
    /// An access token, to look behind the gate. It is not printed.
    #[arg(long, value_name = "TOKEN", env = "TOOLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Takes the token of a person of a server in development, and signs in as that person.
    #[arg(long = "as", value_name = "PERSON", conflicts_with = "token")]
    person: Option<String>,
    /// Registers clients, to see which redirect URIs are accepted.
    #[arg(long)]
    register: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Prints what is in order as well, one by one.
    #[arg(short, long)]
    verbose: bool,
    /// How long an answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
    #[command(flatten)]
    program: Selection,
}

/// Runs the command.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(report(&arguments))?;
    let is_terminal = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    print!("{}", arguments.format.render(&report, arguments.verbose, is_terminal));
    Ok(match (&report.ended, report.count(Severity::Fault)) {
        (Some(_), _) => ExitCode::from(NOT_EXAMINED),
        (None, 0) => ExitCode::SUCCESS,
        (None, _) => ExitCode::FAILURE,
    })
}

async fn report(arguments: &Args) -> Result<Report> {
    let http = Http::new(Duration::from_secs(arguments.timeout.max(1)))?;
    let token = arguments.token.clone().map(|token| token.trim().to_owned());
    let token = token.filter(|token| !token.is_empty());
    let Some(url) = &arguments.url else {
        return project::examine(http, arguments, token).await;
    };
    let endpoint = endpoint(url)?;
    let token = match &arguments.person {
        Some(person) => Some(dev_token::of(&http, &endpoint, person).await?),
        None => token,
    };
    let (person, register) = (arguments.person.clone(), arguments.register);
    Ok(examine(http, Options { endpoint, token, person, register, is_started_here: false }).await)
}

fn endpoint(text: &str) -> Result<Url> {
    let url = parse_url(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        bail!("leave name and password out of the URL, and give a token with --token");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_to_be_of_http_and_without_credentials() {
        for (text, part) in [
            ("tools.example/mcp", "write `https://tools.example/mcp`"),
            ("ftp://tools.example/", "of http or https"),
            ("https://me:secret@tools.example/mcp", "leave name and password out"),
        ] {
            let error = format!("{:#}", endpoint(text).unwrap_err());
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
        assert!(endpoint("https://tools.example/mcp").is_ok());
    }
}
