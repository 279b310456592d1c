//! Sign-in without passwords, for development.

use rmcp::ServerHandler;
use url::Url;

use super::{broker_routes, builder::Server};
use crate::{
    dev::{DevConfig, SignInPage, StandIns, StartedStandIn, start_stand_ins},
    error::ConfigError,
    gate::Gate,
    provider::Registration,
    scope::Catalogue,
    support::url::is_loopback,
};

impl<H: ServerHandler> Server<H> {
    /// As [`gate`](Self::gate) if there is one. Without one, a debug build is in development, as
    /// with [`dev`](Self::dev), and the server of a release build does not start.
    ///
    /// ```no_run
    /// use toolgate::{env, gate::{self, Gate}, prelude::*};
    ///
    /// /// What our customers may do.
    /// #[catalogue]
    /// pub enum Acme {
    ///     /// See orders.
    ///     #[scope("orders:read", access = read)]
    ///     Read,
    /// }
    ///
    /// # fn server() -> Result<toolgate::Server> {
    /// let gate = match env::var("AUTH0_DOMAIN") {
    ///     Some(domain) => Some(Gate::new(gate::auth0(&domain)?)),
    ///     None => None,
    /// };
    /// Ok(toolgate::server!().gate_or_dev::<Acme>(gate, ["alice", "bob"]))
    /// # }
    /// ```
    #[must_use]
    pub fn gate_or_dev<C: Catalogue>(
        mut self,
        gate: Option<Gate>,
        people: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        match gate {
            Some(gate) => self.gate(gate),
            None if cfg!(debug_assertions) => self.dev::<C>(people),
            None => {
                self.lacks_gate = true;
                self
            }
        }
    }

    /// Sets whether [stand-ins](crate::stand_in) take the place of providers whose client comes from
    /// the environment, where nothing of it is set: for a server with a broker in development. They
    /// do so on this machine alone: a server with another URL wants its clients. The default is
    /// `false`; a server with [`dev`](Self::dev) has them in any case.
    ///
    /// ```no_run
    /// # use toolgate::prelude::*;
    /// # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
    /// # pub enum GitHub {
    /// #     /// Reads.
    /// #     #[scope("repo")]
    /// #     Repo,
    /// # }
    /// # fn main() -> Result<()> {
    /// toolgate::server!()
    ///     .stand_ins(cfg!(debug_assertions))
    ///     .provider(GitHub::from_env()?)
    ///     .broker::<GitHub>(|broker| broker.user("/user", "id"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stand_ins(mut self, enabled: bool) -> Self {
        self.stand_ins = if enabled { StandIns::WithoutClient } else { StandIns::OfSignIn };
        self
    }
}

impl<H> Server<H> {
    /// Starts the stand-ins that take the place of providers.
    pub(super) async fn start_stand_ins(&mut self) -> Result<Vec<StartedStandIn>, ConfigError> {
        let mode = match self.stand_ins {
            StandIns::WithoutClient if !self.is_of_this_machine() => StandIns::OfSignIn,
            mode => mode,
        };
        let has_dev = self.dev.is_some();
        let awaits = move |provider: &Registration| match mode {
            StandIns::OfSignIn => has_dev && provider.awaits_stand_in,
            StandIns::WithoutClient => provider.awaits_stand_in,
            StandIns::Always => provider.is_from_env && provider.profile.is_some(),
        };
        let identity = self.dev_identity.as_deref_mut();
        start_stand_ins(&mut self.providers, awaits, identity).await
    }

    /// Whether its URL is one of this machine, as it is by default.
    fn is_of_this_machine(&self) -> bool {
        let resource = self.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let mut urls = [self.public_url.as_deref(), resource].into_iter().flatten();
        urls.all(|url| Url::parse(url).is_ok_and(|url| is_loopback(&url)))
    }

    /// The error of a server whose gate is missing.
    pub(super) fn check_gate(&self) -> Result<(), ConfigError> {
        if !self.lacks_gate {
            return Ok(());
        }
        Err(ConfigError::new("the server has no gate, and a release build is not in development")
            .help("set the variables of the environment that describe the gate"))
    }

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

    /// Makes the key of tokens for which nobody signed in the one that all programs under a supervisor
    /// have.
    pub(super) fn share_issuer_key(&mut self) {
        if let Some(identity) = &mut self.dev_identity {
            let key = crate::dev::issuer::use_key(identity.issuer_key());
            identity.set_issuer_key(&key);
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
