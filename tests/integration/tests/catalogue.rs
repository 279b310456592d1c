//! `cli/catalogue.json`: what the command line knows of providers and of the presets of the gate.
//!
//! The command line does not depend on the crates that it writes projects for, so that it is
//! installed quickly. `BLESS=1` writes the file.

mod presets;
mod tools;

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use serde::Serialize;
use serde_json::Value;
use toolgate::{Provider, provider::profile::Route};
use toolgate_providers as all;

use self::tools::Tool;

#[derive(Serialize)]
struct CatalogueFile {
    providers: Vec<ProviderEntry>,
    presets: Vec<presets::Preset>,
}

/// A provider, as its declaration and the documentation of its module have it.
#[derive(Serialize)]
struct ProviderEntry {
    id: &'static str,
    name: &'static str,
    #[serde(rename = "type")]
    ty: &'static str,
    feature: String,
    module: &'static str,
    /// The first line of the module.
    about: String,
    documentation: String,
    steps: Vec<String>,
    /// Variables of the environment, the client's identifier and its secret first.
    variables: Vec<String>,
    /// Where the provider allows it, its redirect URI on this machine.
    local_redirect_uri: Option<String>,
    broker: Option<Identification>,
    tool: Tool,
    scopes: Vec<ScopeEntry>,
}

/// How a broker identifies a person.
#[derive(Serialize)]
struct Identification {
    path: String,
    pointer: String,
    sign_in_scopes: Vec<String>,
}

#[derive(Serialize)]
struct ScopeEntry {
    name: &'static str,
    description: &'static str,
    access: String,
    implies: Vec<&'static str>,
}

/// The documentation of a Rust item, as Markdown.
struct Documentation(String);

impl Documentation {
    /// The lines of a file that begin with this marker, up to the item with this text.
    fn read(path: &str, marker: &str, until: &str) -> Self {
        let path = repository().join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = text.split(until).next().unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(marker));
        Self(
            lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n"),
        )
    }

    /// What is below a heading.
    fn section(&self, heading: &str) -> Option<&str> {
        let (_, section) = self.0.split_once(&format!("# {heading}\n"))?;
        Some(section.split("\n# ").next().unwrap_or(section).trim())
    }

    /// The items of a numbered list and the paragraphs after it, each as one line.
    fn steps(section: &str) -> Vec<String> {
        let mut steps: Vec<String> = Vec::new();
        let mut begins = true;
        for line in section.lines() {
            let item = line.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok());
            match (item, steps.last_mut()) {
                (Some((_, step)), _) => steps.push(step.to_owned()),
                (None, Some(step)) if !begins => *step = format!("{step} {}", line.trim()),
                (None, _) if line.is_empty() => {}
                (None, _) => steps.push(line.to_owned()),
            }
            begins = line.is_empty();
        }
        for step in &mut steps {
            step.truncate(step.trim_end().len());
        }
        steps
    }
}

fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The text between the first of these marks and the next of the other.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    Some(text.split_once(from)?.1.split_once(to)?.0)
}

fn entry<P: Provider>(ty: &'static str, module: &'static str) -> ProviderEntry {
    let documentation = Documentation::read(&format!("providers/src/{module}.rs"), "//!", "\nuse ");
    let register = documentation.section("Register a client").expect("steps in the console");
    let prefix = format!("{}_", P::ID.to_uppercase().replace('-', "_"));
    let mut variables = vec![format!("{prefix}CLIENT_ID"), format!("{prefix}CLIENT_SECRET")];
    for name in register.split('`').filter(|code| code.starts_with(&prefix)) {
        if !variables.iter().any(|known| known == name) {
            variables.push(name.to_owned());
        }
    }
    let local = ["http://127.0.0.1:8765", "http://localhost:8765"];
    let local = local.map(|base| format!("{base}/callback/{}", P::ID));
    let identify = documentation.section("Identify a person").expect("a person");
    // Who a person is can be asked where the API is known before there is a token.
    let has_one_api = !P::API.contains('{');
    let person = between(identify, "broker.user(\"", "\")").filter(|_| has_one_api);
    let broker = person.map(|arguments| {
        let (path, pointer) = arguments.split_once("\", \"").expect("a path and a pointer");
        let scopes = between(identify, "sign_in_scopes([", "])").unwrap_or_default();
        let scopes = scopes.split(", ").filter(|scope| !scope.is_empty());
        Identification {
            path: path.to_owned(),
            pointer: pointer.to_owned(),
            sign_in_scopes: scopes.map(|scope| scope.trim_matches('"').to_owned()).collect(),
        }
    });
    let last_link = documentation.0.rsplit_once("'s documentation](").expect("a link");
    ProviderEntry {
        id: P::ID,
        name: P::NAME,
        ty,
        feature: module.replace('_', "-"),
        module,
        about: documentation.0.lines().next().unwrap_or_default().to_owned(),
        documentation: last_link.1.split(')').next().unwrap_or_default().to_owned(),
        steps: Documentation::steps(register),
        variables,
        local_redirect_uri: local.into_iter().find(|uri| register.contains(uri)),
        broker,
        tool: tools::of::<P>(module),
        scopes: P::SCOPES
            .iter()
            .map(|scope| ScopeEntry {
                name: scope.name,
                description: scope.description,
                access: format!("{:?}", scope.access).to_lowercase(),
                implies: scope.implies.iter().map(|&at| P::SCOPES[at].name).collect(),
            })
            .collect(),
    }
}

/// The routes that a provider's stand-in answers.
fn routes<P: Provider>() -> Vec<&'static Route> {
    let profile = P::STAND_IN.expect("every provider has a stand-in");
    [&profile.who, &profile.read].into_iter().chain(profile.more).collect()
}

macro_rules! providers {
    ($($module:ident $ty:ident,)*) => {
        vec![$(entry::<all::$ty>(stringify!($ty), stringify!($module)),)*]
    };
}

fn providers() -> Vec<ProviderEntry> {
    providers! {
        airtable Airtable,
        asana Asana,
        atlassian Atlassian,
        box_com BoxCom,
        discord Discord,
        dropbox Dropbox,
        figma Figma,
        github GitHub,
        github_app GitHubApp,
        gitlab GitLab,
        google Google,
        hubspot HubSpot,
        linear Linear,
        microsoft Microsoft,
        notion Notion,
        salesforce Salesforce,
        slack Slack,
        slack_bot SlackBot,
        spotify Spotify,
        stripe Stripe,
        x X,
        zoom Zoom,
    }
}

#[test]
fn the_catalogue_of_the_command_line_is_that_of_the_crates() {
    let path = repository().join("cli/catalogue.json");
    let file = CatalogueFile { providers: providers(), presets: presets::all() };
    let text = serde_json::to_string_pretty(&file).unwrap() + "\n";
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "cli/catalogue.json is stale: BLESS=1 writes it");

    let features = fs::read_to_string(repository().join("providers/Cargo.toml")).unwrap();
    let listed = features.lines().filter(|line| line.ends_with(" = []")).count() - 1;
    assert_eq!(file.providers.len(), listed, "a provider is missing here");
}

#[test]
fn what_the_catalogue_says_is_said_by_each_provider() {
    for provider in providers() {
        let id = provider.id;
        assert!(provider.steps.len() >= 3, "{id}: {:?}", provider.steps);
        assert!(provider.documentation.starts_with("https://"), "{id}");
        assert!(provider.about.ends_with('.'), "{id}: {}", provider.about);
        let steps = provider.steps.join(" ");
        assert!(steps.contains(&format!("/callback/{id}")), "{id}: {steps}");
        for variable in &provider.variables[..2] {
            assert!(steps.contains(&format!("`{variable}`")), "{id}: {variable}: {steps}");
        }
        let known: BTreeMap<_, _> =
            provider.scopes.iter().map(|scope| (scope.name, &scope.access)).collect();
        let of_broker = provider.broker.iter().flat_map(|broker| &broker.sign_in_scopes);
        for scope in of_broker.map(String::as_str).chain(provider.tool.scopes.iter().copied()) {
            assert!(known.contains_key(scope), "{id}: {scope}");
        }
    }
    let catalogue: Value = serde_json::to_value(providers()).unwrap();
    let github = catalogue.as_array().unwrap().iter().find(|one| one["id"] == "github").unwrap();
    assert_eq!(github["broker"]["path"], "/user");
    assert_eq!(github["local_redirect_uri"], "http://127.0.0.1:8765/callback/github");
    assert_eq!(github["variables"][0], "GITHUB_CLIENT_ID");
}
