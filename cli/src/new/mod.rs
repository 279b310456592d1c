//! `cargo toolgate new`: a project from nothing.

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, anyhow, bail};

pub(crate) mod answers;
pub(crate) mod destination;
pub(crate) mod doc_text;
mod documents;
pub(crate) mod gate;
pub(crate) mod manifest;
pub(crate) mod pieces;
mod program;
pub(crate) mod project;
mod questions;
mod summary;
mod template;
pub(crate) mod tests_file;
pub(crate) mod tool_modules;
pub(crate) mod variables;
pub(crate) mod widget;

use self::{
    answers::{Answers, Chosen, SignIn, Store, Widget, check_name, name_from},
    destination::Destination,
};
use crate::terminal::Questions;

/// Writes a project that runs offline, with authentication and tests.
///
/// Questions are asked in a terminal, for what no flag answers.
#[derive(clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Args {
    /// The folder, which must not exist or be empty
    path: Option<PathBuf>,
    /// The name of the package; by default that of the folder
    #[arg(long)]
    name: Option<String>,
    /// Who signs people in: `dev`, a provider (a broker in front of it), or a preset of the gate
    #[arg(long, value_name = "dev|PROVIDER|PRESET")]
    sign_in: Option<String>,
    /// A provider with the scopes of its first tool, or `none`; may be repeated
    #[arg(long = "provider", value_name = "PROVIDER[=SCOPE,..]")]
    providers: Vec<String>,
    /// What the page of the first tool is written in
    #[arg(long)]
    widget: Option<Widget>,
    /// Where grants are kept
    #[arg(long)]
    store: Option<Store>,
    /// Write a Dockerfile
    #[arg(long, overrides_with = "no_container")]
    container: bool,
    /// Write no Dockerfile
    #[arg(long, overrides_with = "container")]
    no_container: bool,
    /// Write a workflow for GitHub Actions
    #[arg(long, overrides_with = "no_ci")]
    ci: bool,
    /// Write no workflow
    #[arg(long, overrides_with = "ci")]
    no_ci: bool,
    /// Ask nothing: what no flag answers has its default
    #[arg(long, short)]
    yes: bool,
}

/// What the flags answer.
struct Given {
    path: Option<PathBuf>,
    name: Option<String>,
    sign_in: Option<SignIn>,
    providers: Option<Vec<Chosen>>,
    widget: Option<Widget>,
    store: Option<Store>,
    container: Option<bool>,
    ci: Option<bool>,
}

/// Runs the command.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    let may_ask =
        !arguments.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let given = Given::try_from(arguments)?;
    let terminal = if may_ask { Some(Questions::begin()?) } else { None };
    let path = match (given.path.clone(), &terminal) {
        (Some(path), _) => path,
        (None, Some(terminal)) => terminal.or_end(questions::folder(given.name.as_deref()))?,
        (None, None) => PathBuf::from(
            given.name.as_deref().context("name the folder: `cargo toolgate new my-tools`")?,
        ),
    };
    let destination = Destination::check(&path)?;
    let name = given.name.clone().map_or_else(|| destination.default_name(), Ok)?;
    check_name(&name).map_err(|error| {
        let suggested = name_from(&name);
        match check_name(&suggested) {
            Ok(()) => anyhow!("{error}; `--name {suggested}` sets another one"),
            Err(_) => anyhow!("{error}; `--name` sets another one"),
        }
    })?;
    for warning in destination.warnings() {
        eprintln!("warning: {warning}");
    }
    let mut answers = match &terminal {
        Some(terminal) => terminal.or_end(questions::ask(name, given))?,
        None => given.or_default(name)?,
    };
    drop(terminal);
    answers.complete()?;
    let files = project::files(&answers, destination.source());
    destination.write(&files)?;
    print!("{}", summary::of(&answers, &path, &files));
    Ok(ExitCode::SUCCESS)
}

impl TryFrom<Args> for Given {
    type Error = anyhow::Error;

    fn try_from(arguments: Args) -> Result<Self> {
        let switch = |yes: bool, no: bool| if yes { Some(true) } else { no.then_some(false) };
        let providers = match &*arguments.providers {
            [] => None,
            [none] if none == "none" => Some(Vec::new()),
            named if named.iter().any(|one| one == "none") => {
                bail!("`--provider none` stands alone: leave it out, or the other providers")
            }
            named => Some(named.iter().map(|text| Chosen::parse(text)).collect::<Result<_>>()?),
        };
        Ok(Self {
            path: arguments.path,
            name: arguments.name,
            sign_in: arguments.sign_in.as_deref().map(SignIn::parse).transpose()?,
            providers,
            widget: arguments.widget,
            store: arguments.store,
            container: switch(arguments.container, arguments.no_container),
            ci: switch(arguments.ci, arguments.no_ci),
        })
    }
}

impl Given {
    /// The answers, with defaults for what no flag says.
    fn or_default(self, name: String) -> Result<Answers> {
        let sign_in = self.sign_in.unwrap_or(SignIn::Dev);
        let providers = match self.providers {
            Some(providers) => providers,
            None if sign_in.broker().is_some() => Vec::new(),
            None => vec![Chosen::parse("github")?],
        };
        Ok(Answers {
            name,
            sign_in,
            providers,
            widget: self.widget.unwrap_or(Widget::None),
            store: self.store.unwrap_or(Store::Sqlite),
            container: self.container.unwrap_or(true),
            ci: self.ci.unwrap_or(true),
        })
    }
}
