//! Registration: an OAuth client of a provider, as a value.

use std::{any::TypeId, fmt};

use secrecy::SecretString;

use super::{dialect::Dialect, profile::Profile, stand_in_address::StandInAddress};
use crate::{error::ConfigError, scope::Scope, support::url::parse_endpoint};

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
    pub(crate) client_id: String,
    pub(crate) secret: Option<SecretString>,
}

impl Registration {
    /// Sends every request to a stand-in.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "stand-ins use it"))]
    pub(crate) fn move_to(&mut self, stand_in: StandInAddress) {
        let urls = [&mut self.api, &mut self.authorize, &mut self.token];
        for url in urls.into_iter().chain(&mut self.revoke).chain(&mut self.refresh) {
            *url = stand_in.locate(url);
        }
        self.stand_in = Some(stand_in);
        self.awaits_stand_in = false;
    }

    /// The error of an environment that names no client.
    pub(crate) fn no_client_id(&self) -> ConfigError {
        let prefix = self.id.to_uppercase().replace('-', "_");
        ConfigError::new(format!("`{prefix}_CLIENT_ID` is not set")).help(format!(
            "register an OAuth client at {} and set `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`",
            self.name
        ))
    }

    /// Every endpoint is an absolute https URL, loopback excepted.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.awaits_stand_in {
            return Err(self.no_client_id());
        }
        let of = |what: &str| format!("the {what} of `{}`", self.name);
        check_endpoint(&of("API"), &self.api)?;
        check_endpoint(&of("authorization endpoint"), &self.authorize)?;
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
