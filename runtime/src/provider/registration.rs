//! Registration: an OAuth client of a provider, as a value.

use std::{any::TypeId, collections::BTreeMap, fmt};

use secrecy::SecretString;
use url::Url;

use super::{
    dialect::Dialect,
    grant_type::GrantType,
    placeholder::{
        FillError, Installation, Placeholder, PlaceholderSource, PlaceholderValues, fill,
    },
    profile::Profile,
    stand_in_address::StandInAddress,
};
use crate::{
    env,
    error::ConfigError,
    scope::Scope,
    support::url::{is_loopback, parse_endpoint},
};

/// An [`OAuthClient`] whose provider is a value: what the rooms below the language work with.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) type_id: TypeId,
    /// The path of the type, for errors.
    pub(crate) type_name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) api: String,
    pub(crate) authorize: String,
    pub(crate) token: String,
    /// Where tokens are refreshed, if not there.
    pub(crate) refresh: Option<String>,
    pub(crate) revoke: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) catalogue: &'static [Scope],
    pub(crate) dialect: &'static Dialect,
    /// What a stand-in of the provider answers.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "stand-ins use it"))]
    pub(crate) profile: Option<&'static Profile>,
    /// The stand-in that takes the provider's place.
    pub(crate) stand_in: Option<StandInAddress>,
    /// Whether the environment names no client, and a server in development uses a stand-in.
    pub(crate) awaits_stand_in: bool,
    /// Whether the environment says what the client is.
    #[cfg_attr(not(feature = "dev"), allow(dead_code, reason = "tests in development use it"))]
    pub(crate) is_from_env: bool,
    pub(crate) client_id: String,
    pub(crate) secret: Option<SecretString>,
    /// What the operator says of placeholders.
    pub(crate) values: PlaceholderValues,
}

impl Registration {
    /// Sends every request to a stand-in.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "stand-ins use it"))]
    pub(crate) fn move_to(&mut self, stand_in: StandInAddress) {
        for url in self.urls_mut() {
            *url = stand_in.locate(url);
        }
        self.stand_in = Some(stand_in);
        self.awaits_stand_in = false;
    }

    /// Whether its tokens are exchanged for those of callers (RFC 8693).
    pub(crate) fn exchanges_tokens(&self) -> bool {
        self.dialect.grant_type == GrantType::TokenExchange
    }

    /// The error of an environment that names no client.
    pub(crate) fn no_client_id(&self) -> ConfigError {
        let prefix = env::variable_prefix(self.id);
        ConfigError::new(format!("`{prefix}_CLIENT_ID` is not set")).help(format!(
            "register an OAuth client at {} and set `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`",
            self.name
        ))
    }

    /// The URLs that may have placeholders.
    pub(super) fn urls(&self) -> impl Iterator<Item = &String> {
        let urls = [&self.api, &self.authorize, &self.token];
        urls.into_iter().chain(&self.revoke).chain(&self.refresh)
    }

    pub(super) fn urls_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let urls = [&mut self.api, &mut self.authorize, &mut self.token];
        urls.into_iter().chain(&mut self.revoke).chain(&mut self.refresh)
    }

    /// Fills in the placeholders whose values the operator gives, in every URL. Those of people stay,
    /// unless the operator gives one value for all.
    pub(crate) fn resolve(mut self) -> Result<Self, ConfigError> {
        let placeholders = self.dialect.placeholders;
        if placeholders.is_empty() {
            return Ok(self);
        }
        let early: Vec<&'static Placeholder> = placeholders
            .iter()
            .filter(|one| match one.source {
                PlaceholderSource::Configuration { .. } => true,
                PlaceholderSource::Person { .. } => self.values.contains_key(one.name),
                PlaceholderSource::TokenResponse { .. } | PlaceholderSource::Api { .. } => false,
            })
            .collect();
        let value = |placeholder: &Placeholder| {
            let given = self.values.get(placeholder.name).map(String::as_str);
            given
                .or(match placeholder.source {
                    PlaceholderSource::Configuration { default } => default,
                    _ => None,
                })
                .or(self.stand_in.as_ref().map(|_| "stand-in"))
        };
        let filled: Vec<String> = self
            .urls()
            .map(|url| {
                fill(url, early.iter().copied(), self.installation(), value)
                    .map_err(|error| self.unfilled(&error))
            })
            .collect::<Result<_, _>>()?;
        for (url, filled) in self.urls_mut().zip(filled) {
            *url = filled;
        }
        Ok(self)
    }

    /// Where the provider is. One on this machine is for development.
    pub(super) fn installation(&self) -> Installation<'_> {
        let is_local = |url: &String| Url::parse(url).is_ok_and(|url| is_loopback(&url));
        let stand_in = self.stand_in.as_ref().map(|stand_in| &*stand_in.url);
        Installation { on_loopback: stand_in.is_some() || is_local(&self.token), stand_in }
    }

    /// The placeholders of the API's URL whose values come when an account is connected.
    pub(crate) fn late_placeholders(&self) -> impl Iterator<Item = &'static Placeholder> + Clone {
        self.used_in(&self.api, Placeholder::is_late)
    }

    /// The placeholders of this kind that a URL has.
    pub(super) fn used_in(
        &self,
        url: &str,
        is_of_kind: impl Fn(&Placeholder) -> bool,
    ) -> std::vec::IntoIter<&'static Placeholder> {
        let is_used = |name: &str| url.contains(&format!("{{{name}}}"));
        let used = |one: &&'static Placeholder| is_of_kind(one) && is_used(one.name);
        let found: Vec<_> = self.dialect.placeholders.iter().filter(used).collect();
        found.into_iter()
    }

    /// Whether the API is at another URL for each grant.
    pub(crate) fn has_api_of_grant(&self) -> bool {
        let is_of_grant = |one: &Placeholder| one.is_late() || one.is_of_person();
        self.used_in(&self.api, is_of_grant).next().is_some()
    }

    /// The base URL of the API for a grant with these values.
    pub(crate) fn api_url(&self, values: &PlaceholderValues) -> Result<Url, FillError> {
        let is_of_grant = |one: &Placeholder| one.is_late() || one.is_of_person();
        let of_grant = self.used_in(&self.api, is_of_grant);
        let value = |placeholder: &Placeholder| values.get(placeholder.name).map(String::as_str);
        let url = fill(&self.api, of_grant, self.installation(), value)?;
        Url::parse(&self.at_stand_in(url)).map_err(|_| FillError::NotAllowed(self.name))
    }

    /// A base that is a value as a whole is the provider's own.
    pub(super) fn at_stand_in(&self, url: String) -> String {
        match &self.stand_in {
            Some(stand_in) if !url.starts_with(&*stand_in.url) && !url.starts_with('{') => {
                stand_in.locate(&url)
            }
            _ => url,
        }
    }

    fn unfilled(&self, error: &FillError) -> ConfigError {
        let prefix = env::variable_prefix(self.id);
        let (name, what) = match error {
            FillError::Missing(name) => (name, "has no value"),
            FillError::NotAllowed(name) => (name, "has a value that it may not have"),
        };
        let variable = format!("{prefix}_{}", name.to_uppercase());
        ConfigError::new(format!("the placeholder `{{{name}}}` of `{}` {what}", self.name))
            .help(format!("set `{variable}`, or call `.placeholder(\"{name}\", ..)` on the client"))
    }

    /// Every endpoint is an absolute https URL, loopback excepted.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.awaits_stand_in {
            return Err(self.no_client_id());
        }
        let of = |what: &str| format!("the {what} of `{}`", self.name);
        let samples: BTreeMap<_, _> =
            self.late_placeholders().map(|one| (one.name.to_owned(), one.sample())).collect();
        let api = self.api_url(&samples).map_or_else(|_| self.api.clone(), String::from);
        check_endpoint(&of("API"), &api)?;
        if self.exchanges_tokens() {
            if self.issuer.as_deref().is_none_or(str::is_empty) {
                return Err(ConfigError::new(format!("the issuer of `{}` is not set", self.name))
                    .help("`issuer = \"https://..\"`: the `iss` of the callers' tokens, which are sent nowhere else"));
            }
        } else {
            check_endpoint(&of("authorization endpoint"), &self.authorize)?;
        }
        check_endpoint(&of("token endpoint"), &self.token)?;
        self.revoke.as_ref().map_or(Ok(()), |url| check_endpoint(&of("revocation endpoint"), url))
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("provider", &self.name)
            .field("client_id", &self.client_id)
            .field("secret", &self.secret.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}

pub(super) fn check_endpoint(what: &str, url: &str) -> Result<(), ConfigError> {
    parse_endpoint(what, url, "tokens travel to it").map(drop)
}
