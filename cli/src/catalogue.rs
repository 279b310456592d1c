//! Catalogue of providers, and of presets of the gate: `catalogue.json`, which is generated from the
//! crates.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::suggestion::unknown;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let text = include_str!("../catalogue.json");
    serde_json::from_str(text).expect("the file in the binary is the one that a test reads")
});

#[derive(Deserialize)]
struct Catalogue {
    providers: Vec<Provider>,
    presets: Vec<Preset>,
}

/// A provider of the crate `toolgate-providers`.
#[derive(Debug, Deserialize)]
pub(crate) struct Provider {
    /// The identifier in URLs: `github-app`.
    pub(crate) id: String,
    /// The name for people.
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) feature: String,
    pub(crate) about: String,
    pub(crate) documentation: String,
    /// The steps in its console, as Markdown.
    pub(crate) steps: Vec<String>,
    /// Variables of the environment, the client's identifier and its secret first.
    pub(crate) variables: Vec<String>,
    /// Where the provider allows it, the redirect URI of a server on this machine.
    pub(crate) local_redirect_uri: Option<String>,
    pub(crate) broker: Option<Identification>,
    pub(crate) tool: FirstTool,
    pub(crate) scopes: Vec<Scope>,
}

/// How a broker identifies a person.
#[derive(Debug, Deserialize)]
pub(crate) struct Identification {
    pub(crate) path: String,
    pub(crate) pointer: String,
    pub(crate) sign_in_scopes: Vec<String>,
}

/// The tool that a new project has for a provider: one request, which its stand-in answers too.
#[derive(Debug, Deserialize)]
pub(crate) struct FirstTool {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) body: Option<String>,
    /// The text of the stand-in's data that its answer contains, when alice calls.
    pub(crate) answer: String,
}

/// A scope of a provider.
#[derive(Debug, Deserialize)]
pub(crate) struct Scope {
    pub(crate) name: String,
    pub(crate) description: String,
    /// `read`, `write` or `destructive`.
    pub(crate) access: String,
    /// All that it includes.
    pub(crate) implies: Vec<String>,
}

/// A preset of the gate: a product that issues access tokens.
#[derive(Debug, Deserialize)]
pub(crate) struct Preset {
    /// The value of the flag: `better-auth`.
    pub(crate) id: String,
    pub(crate) function: String,
    pub(crate) name: String,
    pub(crate) documentation: String,
    pub(crate) arguments: Vec<Argument>,
    /// Whether the URL of the resource is the prefix of scopes.
    pub(crate) scope_prefix: bool,
    pub(crate) place: String,
    pub(crate) steps: Vec<String>,
    /// The limits of hosts with this product.
    pub(crate) hosts: Option<String>,
}

/// An argument of a preset, which a variable of the environment sets.
#[derive(Debug, Deserialize)]
pub(crate) struct Argument {
    pub(crate) variable: String,
    pub(crate) example: String,
    /// Whether the variable is a list, separated by commas.
    #[serde(default)]
    pub(crate) list: bool,
}

/// Returns all providers, by their names.
pub(crate) fn providers() -> &'static [Provider] {
    &CATALOGUE.providers
}

/// Returns all presets.
pub(crate) fn presets() -> &'static [Preset] {
    &CATALOGUE.presets
}

/// Finds a provider by its identifier, its feature or its type.
pub(crate) fn provider(name: &str) -> Option<&'static Provider> {
    let is_named = |one: &&Provider| {
        [&one.id, &one.feature, &one.ty].into_iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    providers().iter().find(is_named)
}

/// Finds a preset by its identifier or its function.
pub(crate) fn preset(name: &str) -> Option<&'static Preset> {
    presets().iter().find(|one| one.id.eq_ignore_ascii_case(name) || one.function == name)
}

/// Finds a provider by its identifier or its type.
///
/// # Errors
///
/// There is none of this name: the error suggests the closest, and lists all of them.
pub(crate) fn find_provider(name: &str) -> Result<&'static Provider> {
    provider(name).with_context(|| {
        let ids: Vec<_> = providers().iter().map(|one| one.id.as_str()).collect();
        unknown("there is no provider", name, &ids)
    })
}

/// Finds a preset by its identifier or its function.
///
/// # Errors
///
/// There is none of this name: the error suggests the closest, and lists all of them.
pub(crate) fn find_preset(name: &str) -> Result<&'static Preset> {
    preset(name).with_context(|| {
        let ids: Vec<_> = presets().iter().map(|one| one.id.as_str()).collect();
        unknown("there is no preset", name, &ids)
    })
}

impl Provider {
    /// Checks that the provider has a scope.
    ///
    /// # Errors
    ///
    /// It does not: the error suggests the closest scope, and lists all of them.
    pub(crate) fn check_scope(&self, name: &str) -> Result<()> {
        let known = || self.scopes.iter().map(|scope| scope.name.as_str()).collect::<Vec<_>>();
        let what = || unknown(&format!("{} has no scope", self.name), name, &known());
        self.scope(name).map(drop).with_context(what)
    }

    /// Returns the scope with this name.
    pub(crate) fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// Returns the name of a parameter that has its client.
    pub(crate) fn variable(&self) -> String {
        // `box` is reserved.
        self.feature.replace('-', "_")
    }

    /// Returns the path of its redirect URI.
    pub(crate) fn callback_path(&self) -> String {
        format!("/callback/{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_every_form() {
        for name in ["github-app", "GitHubApp", "githubapp"] {
            assert_eq!(provider(name).map(|one| &*one.ty), Some("GitHubApp"), "{name}");
        }
        assert_eq!(provider("box-com").map(|one| &*one.id), Some("box"));
        assert!(provider("nobody").is_none());
        assert_eq!(preset("better_auth").map(|one| &*one.id), Some("better-auth"));
        assert_eq!((providers().len(), presets().len()), (22, 16));
    }

    #[test]
    fn a_name_of_a_variable_is_never_a_keyword() {
        for provider in providers() {
            let variable = provider.variable();
            assert!(syn::parse_str::<syn::Ident>(&variable).is_ok(), "{variable}");
        }
    }

    #[test]
    fn providers_and_presets_have_no_name_in_common() {
        assert!(presets().iter().all(|preset| provider(&preset.id).is_none()));
    }
}
