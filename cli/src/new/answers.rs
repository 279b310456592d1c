//! Answers to the questions about a new project.

use anyhow::{Context as _, Result, bail};

use crate::{
    catalogue::{self, Preset, Provider},
    suggestion::unknown,
};

/// The answers that a project is written from.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// The name of the package: `my-tools`.
    pub(crate) name: String,
    pub(crate) sign_in: SignIn,
    pub(crate) providers: Vec<Chosen>,
    pub(crate) widget: Widget,
    pub(crate) store: Store,
    pub(crate) container: bool,
    pub(crate) ci: bool,
}

/// A provider, and the scopes that its first tool declares.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) provider: &'static Provider,
    pub(crate) scopes: Vec<String>,
}

/// The sign-in of the project.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SignIn {
    /// Development people, with one click.
    Dev,
    /// A broker in front of a provider.
    Broker(&'static Provider),
    /// An authorization server that is there already.
    Gate(&'static Preset),
}

/// What the page of a tool is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Widget {
    /// No page.
    None,
    /// One HTML file.
    Html,
    /// React, built by Vite.
    React,
}

/// Where grants are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    /// A file on this machine.
    Sqlite,
    /// A database that replicas share.
    Postgres,
}

impl Chosen {
    /// The provider with the scopes that people named, and those that the tool's request needs.
    pub(crate) fn new(provider: &'static Provider, mut scopes: Vec<String>) -> Result<Self> {
        for name in &scopes {
            provider.check_scope(name)?;
        }
        for needed in &provider.tool.scopes {
            let covers = |name: &String| {
                let scope = provider.scope(name);
                name == needed || scope.is_some_and(|scope| scope.implies.contains(needed))
            };
            if !scopes.iter().any(covers) {
                scopes.push(needed.clone());
            }
        }
        Ok(Self { provider, scopes })
    }

    /// Reads `github` or `github=read:user,user:email`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (name, scopes) = text.split_once('=').unwrap_or((text, ""));
        if let Some((one, other)) = name.split_once(',') {
            let (one, other) = (one.trim().escape_default(), other.trim().escape_default());
            bail!("each provider has a flag of its own: `--provider {one} --provider {other}`");
        }
        let provider = catalogue::find_provider(name.trim())?;
        let scopes = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty());
        Self::new(provider, scopes.map(str::to_owned).collect())
    }
}

impl SignIn {
    /// Reads `dev`, a provider or a preset.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text == "dev" {
            return Ok(Self::Dev);
        }
        if let Some(preset) = catalogue::preset(text) {
            return Ok(Self::Gate(preset));
        }
        let provider = catalogue::provider(text).with_context(|| {
            let presets = catalogue::presets().iter().map(|one| &*one.id);
            let providers = brokered().map(|one| &*one.id);
            let known: Vec<_> = ["dev"].into_iter().chain(presets).chain(providers).collect();
            unknown("there is no sign-in", text, &known)
        })?;
        if provider.broker.is_none() {
            bail!(
                "{} is not for a broker: no path of its API says whose a token is",
                provider.name
            );
        }
        Ok(Self::Broker(provider))
    }

    /// The provider behind the broker.
    pub(crate) fn broker(self) -> Option<&'static Provider> {
        match self {
            Self::Broker(provider) => Some(provider),
            Self::Dev | Self::Gate(_) => None,
        }
    }

    /// The product whose tokens the gate accepts.
    pub(crate) fn preset(self) -> Option<&'static Preset> {
        match self {
            Self::Gate(preset) => Some(preset),
            Self::Dev | Self::Broker(_) => None,
        }
    }
}

impl Answers {
    /// The name that people read: `My Tools`.
    pub(crate) fn title(&self) -> String {
        let words = self.name.split(['-', '_']).filter(|word| !word.is_empty());
        let capital = |word: &str| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        };
        words.map(capital).collect::<Vec<_>>().join(" ")
    }

    /// Whether the project has this provider.
    pub(crate) fn has(&self, provider: &Provider) -> bool {
        self.providers.iter().any(|chosen| chosen.provider.id == provider.id)
    }

    /// Adds the provider behind the broker, first of all, if it is not there.
    pub(crate) fn complete(&mut self) -> Result<()> {
        if let Some(provider) = self.sign_in.broker().filter(|provider| !self.has(provider)) {
            self.providers.insert(0, Chosen::new(provider, Vec::new())?);
        }
        let mut seen = Vec::new();
        for chosen in &self.providers {
            if seen.contains(&&*chosen.provider.id) {
                bail!("{} is named twice", chosen.provider.name);
            }
            seen.push(&chosen.provider.id);
        }
        Ok(())
    }
}

/// Providers that a broker can stand in front of.
pub(crate) fn brokered() -> impl Iterator<Item = &'static Provider> {
    catalogue::providers().iter().filter(|provider| provider.broker.is_some())
}

/// Checks the name of a package.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    const TAKEN: [&str; 10] = [
        "core",
        "schemars",
        "serde",
        "serde-json",
        "std",
        "test",
        "tokio",
        "toolgate",
        "toolgate-macros",
        "toolgate-providers",
    ];
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!("`{name}` does not begin with a small letter"));
    }
    if let Some(other) = name.chars().find(|&c| !is_allowed(c)) {
        return Err(format!(
            "`{name}` has `{}`: a name has small letters, digits and `-`",
            other.escape_default()
        ));
    }
    let identifier = name.replace('-', "_");
    if TAKEN.contains(&name) || syn::parse_str::<syn::Ident>(&identifier).is_err() {
        return Err(format!("`{name}` means something else to cargo or Rust"));
    }
    Ok(())
}

/// What is left of a name that is none of a package: `MyTools` as `my-tools`.
pub(crate) fn name_from(text: &str) -> String {
    // Half of a word in another script would be no name of anything.
    if !text.is_ascii() {
        return String::new();
    }
    let mut name = String::new();
    let mut after_small = false;
    for c in text.chars() {
        if c.is_ascii_uppercase() && after_small {
            name.push('-');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_ascii_alphanumeric() || c == '_' {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_end_matches('-').trim_start_matches(|c: char| !c.is_ascii_lowercase()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_that_the_request_needs_are_added_unless_they_are_implied() {
        let scopes = |text: &str| Chosen::parse(text).unwrap().scopes.join(" ");
        assert_eq!(scopes("github"), "read:user");
        assert_eq!(scopes("github=repo"), "repo read:user");
        assert_eq!(scopes("github=user"), "user", "it implies `read:user`");
        assert_eq!(scopes("slack=channels:read, chat:write"), "channels:read chat:write");
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = Chosen::parse("github=repo:raed").unwrap_err().to_string();
        assert!(
            error.starts_with("GitHub has no scope `repo:raed`; did you mean `repo`?\nThere are: "),
            "{error}"
        );
        let error = Chosen::parse("gitbuh").unwrap_err().to_string();
        let expected =
            "there is no provider `gitbuh`; did you mean `github`?\nThere are: airtable, ";
        assert!(error.starts_with(expected), "{error}");
        let error = Chosen::parse("github, slack").unwrap_err().to_string();
        assert!(error.ends_with("`--provider github --provider slack`"), "{error}");
        let error = SignIn::parse("hubspot").unwrap_err().to_string();
        assert!(error.contains("not for a broker"), "{error}");
        let error = SignIn::parse("nobody").unwrap_err().to_string();
        assert!(error.contains("There are: dev, auth0"), "{error}");
        let error = SignIn::parse("keyclaok").unwrap_err().to_string();
        assert!(error.contains("; did you mean `keycloak`?"), "{error}");
    }

    #[test]
    fn a_project_needs_a_name_that_cargo_accepts() {
        for name in ["my-tools", "a", "tools_2"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in
            ["", "2", "My", "a b", "a/b", "../a", "-a", "fn", "test", "toolgate", "ä", "a\n"]
        {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_name_is_made_of_what_is_none() {
        for (text, name) in [
            ("MyTools", "my-tools"),
            ("my tools", "my-tools"),
            ("2Tools!", "tools"),
            ("HTTPTools", "httptools"),
            ("a/../b", "a-b"),
            ("", ""),
            ("Äpfel", ""),
        ] {
            assert_eq!(name_from(text), name, "{text}");
        }
    }

    #[test]
    fn the_title_has_the_words_of_the_name() {
        let sign_in = SignIn::Dev;
        let named = |name: &str| Answers {
            name: name.into(),
            sign_in,
            providers: Vec::new(),
            widget: Widget::None,
            store: Store::Sqlite,
            container: false,
            ci: false,
        };
        assert_eq!(named("my-tools").title(), "My Tools");
        assert_eq!(named("a_b--c").title(), "A B C");
    }

    #[test]
    fn the_provider_behind_a_broker_is_a_provider_of_the_project() {
        let sign_in = SignIn::parse("github").unwrap();
        let slack = Chosen::parse("slack").unwrap();
        let mut answers = Answers {
            name: "a".into(),
            sign_in,
            providers: vec![slack.clone()],
            widget: Widget::None,
            store: Store::Sqlite,
            container: false,
            ci: false,
        };
        answers.complete().unwrap();
        let ids: Vec<_> = answers.providers.iter().map(|chosen| &*chosen.provider.id).collect();
        assert_eq!(ids, ["github", "slack"]);
        answers.providers.push(slack);
        assert_eq!(answers.complete().unwrap_err().to_string(), "Slack is named twice");
    }
}
