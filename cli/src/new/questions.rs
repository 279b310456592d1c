//! Questions in a terminal, for what no flag answers.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use dialoguer::{
    Confirm, Input, MultiSelect, Select,
    console::{Term, truncate_str},
    theme::ColorfulTheme,
};

use super::{
    Given,
    answers::{Answers, Chosen, SignIn, Store, Widget, brokered, check_name},
};
use crate::catalogue::{self, Provider};

/// What a question has in its line besides its text and the items: `? `, ` › [Page 1/2]`.
const PROMPT_MARGIN: usize = 20;

/// What an item has before its text, and a column that stays free.
const ITEM_MARGIN: usize = 3;

/// The text in one line of the terminal. A question is drawn again at each key, over as many lines as
/// it has: where the terminal has broken one, a part of it would stay.
fn one_line(text: &str, margin: usize) -> String {
    let (_, columns) = Term::stderr().size();
    truncate_str(text, usize::from(columns).saturating_sub(margin), "…").into_owned()
}

fn prompt(text: &str) -> String {
    one_line(text, PROMPT_MARGIN)
}

fn items(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    texts.into_iter().map(|text| one_line(&text, ITEM_MARGIN)).collect()
}

/// Says what a question is about, above it.
fn explain(text: &str) {
    eprintln!("  {text}");
}

/// Asks for the folder.
pub(super) fn folder(name: Option<&str>) -> Result<PathBuf> {
    let theme = ColorfulTheme::default();
    let input = Input::<String>::with_theme(&theme)
        .with_prompt("Folder of the project")
        .default(name.unwrap_or("my-tools").to_owned());
    Ok(input.interact_text()?.into())
}

/// Asks for the rest.
pub(super) fn ask(name: String, given: Given) -> Result<Answers> {
    let theme = ColorfulTheme::default();
    let name = if given.name.is_some() {
        name
    } else {
        Input::<String>::with_theme(&theme)
            .with_prompt("Name of the package")
            .default(name)
            .validate_with(|name: &String| check_name(name))
            .interact_text()?
    };
    let sign_in = given.sign_in.map_or_else(|| sign_in(&theme), Ok)?;
    let providers = given.providers.map_or_else(|| providers(&theme, sign_in), Ok)?;
    let widget = given.widget.map_or_else(|| widget(&theme), Ok)?;
    let store = given.store.map_or_else(|| store(&theme), Ok)?;
    let confirm = |question: &str, given: Option<bool>| match given {
        Some(answer) => Ok(answer),
        None => Confirm::with_theme(&theme).with_prompt(prompt(question)).default(true).interact(),
    };
    let container =
        confirm("Dockerfile? (a static binary, for a broker or a gate)", given.container)?;
    let ci = confirm("Workflow for GitHub Actions? (format, clippy, tests)", given.ci)?;
    Ok(Answers { name, sign_in, providers, widget, store, container, ci })
}

fn sign_in(theme: &ColorfulTheme) -> Result<SignIn> {
    let mut kinds = vec![
        "Development people: needs nothing; for this machine alone".to_owned(),
        "A broker in front of a provider: needs an OAuth client there; everyone with an account may sign in".to_owned(),
    ];
    for preset in catalogue::presets() {
        let names: Vec<_> = preset.arguments.iter().map(|argument| &*argument.variable).collect();
        kinds.push(format!("{}: needs {}", preset.name, names.join(", ")));
    }
    explain("Until its variables are set, development people sign in.");
    let chosen = Select::with_theme(theme)
        .with_prompt(prompt("Who signs people in?"))
        .items(items(kinds))
        .default(0)
        .max_length(12)
        .interact()?;
    match chosen {
        0 => Ok(SignIn::Dev),
        1 => {
            let providers: Vec<_> = brokered().collect();
            let names: Vec<_> = providers.iter().map(|one| described(one)).collect();
            let chosen = Select::with_theme(theme)
                .with_prompt(prompt("A broker in front of which provider?"))
                .items(items(names))
                .default(providers.iter().position(|one| one.id == "github").unwrap_or(0))
                .max_length(12)
                .interact()?;
            Ok(SignIn::Broker(providers[chosen]))
        }
        preset => Ok(SignIn::Gate(&catalogue::presets()[preset - 2])),
    }
}

fn described(provider: &Provider) -> String {
    let about = provider.about.trim_end_matches('.');
    about.strip_prefix(&provider.name).map_or_else(
        || format!("{}: {about}", provider.name),
        |rest| format!("{}{rest}", provider.name),
    )
}

fn providers(theme: &ColorfulTheme, sign_in: SignIn) -> Result<Vec<Chosen>> {
    let all = catalogue::providers();
    let names: Vec<_> = all.iter().map(described).collect();
    let broker = sign_in.broker().map(|one| &*one.id);
    let is_default = |one: &Provider| one.id == broker.unwrap_or("github");
    explain("Each needs an OAuth client there; until then a stand-in takes its place.");
    let chosen = MultiSelect::with_theme(theme)
        .with_prompt(prompt("Which providers do tools use? (space selects)"))
        .items(items(names))
        .defaults(&all.iter().map(is_default).collect::<Vec<_>>())
        .max_length(12)
        .interact()?;
    chosen.into_iter().map(|at| scopes(theme, &all[at])).collect()
}

fn scopes(theme: &ColorfulTheme, provider: &'static Provider) -> Result<Chosen> {
    let known = &provider.scopes;
    let lines: Vec<_> = known
        .iter()
        .map(|scope| format!("{} [{}] {}", scope.name, scope.access, scope.description))
        .collect();
    let defaults: Vec<_> =
        known.iter().map(|scope| provider.tool.scopes.contains(&scope.name)).collect();
    explain(&format!("The first tool: {}", provider.tool.about));
    let chosen = MultiSelect::with_theme(theme)
        .with_prompt(prompt(&format!("Its scopes at {} (space selects)", provider.name)))
        .items(items(lines))
        .defaults(&defaults)
        .max_length(12)
        .interact()?;
    let chosen = chosen.into_iter().map(|at| known[at].name.clone()).collect();
    Chosen::new(provider, chosen)
}

fn widget(theme: &ColorfulTheme) -> Result<Widget> {
    let kinds = [
        (Widget::None, "No: tools answer in text"),
        (Widget::Html, "Plain HTML: needs nothing"),
        (Widget::React, "React with Vite: needs Node to change it"),
    ];
    let chosen = Select::with_theme(theme)
        .with_prompt(prompt("A page for the first tool, which hosts show?"))
        .items(items(kinds.map(|(_, text)| text.to_owned())))
        .default(0)
        .interact()?;
    kinds.get(chosen).map(|(widget, _)| *widget).ok_or_else(|| anyhow!("there is no such page"))
}

fn store(theme: &ColorfulTheme) -> Result<Store> {
    let kinds = [
        "SQLite: a file; for one process",
        "PostgreSQL: for several replicas; until its URL is set, SQLite",
    ];
    let chosen = Select::with_theme(theme)
        .with_prompt(prompt("Where are the grants of people kept?"))
        .items(items(kinds.map(str::to_owned)))
        .default(0)
        .interact()?;
    Ok(if chosen == 0 { Store::Sqlite } else { Store::Postgres })
}
