//! Sign-in without passwords, for development.

use url::Url;

use super::{broker_routes, builder::Server};
use crate::{
    dev::{DevConfig, SignInPage},
    error::ConfigError,
};

impl<H> Server<H> {
    /// The sign-in without passwords, unless the server has one client on this machine.
    pub(super) fn development_sign_in(
        &mut self,
        is_local: bool,
    ) -> Result<Option<SignInPage>, ConfigError> {
        match self.dev.take().filter(|_| !is_local) {
            Some(config) => self.sign_in_without_password(config).map(Some),
            None => Ok(None),
        }
    }

    /// Adds the provider for development, and a broker in front of it.
    pub(crate) fn sign_in_without_password(
        &mut self,
        config: DevConfig,
    ) -> Result<SignInPage, ConfigError> {
        let verifies = self.gate.as_ref().is_some_and(|gate| gate.verifier.is_some());
        if verifies || self.broker.is_some() {
            return Err(ConfigError::new("the server has `.dev(..)` and another sign-in")
                .help("take one of them, by an environment variable for instance"));
        }
        let resource = self.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let of_resource = resource.map(|url| url.strip_suffix("/mcp").unwrap_or(url));
        let base = self.public_url.as_deref().or(of_resource).and_then(|url| Url::parse(url).ok());
        let base = base.ok_or_else(|| {
            ConfigError::new("`.dev(..)` has to know the URL of its server")
                .help("add `.public_url(\"http://127.0.0.1:8765\")`")
        })?;
        let provider = config.provider();
        let (registration, page) = config.build(&base)?;
        self.providers.push(registration);
        self.broker = Some(broker_routes::BrokerConfig {
            provider,
            configure: Box::new(|broker| broker.user("/user", "login").bare_subjects()),
        });
        Ok(page)
    }
}
