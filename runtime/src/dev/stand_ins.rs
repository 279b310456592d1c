//! Stand-ins of the providers for which the environment names no client.

use std::sync::Arc;

use crate::{
    env,
    error::ConfigError,
    provider::Registration,
    server::dev_channel::identity::DevIdentity,
    stand_in,
    support::hand_over::{HandOver, NamedState},
};

/// Which providers a stand-in takes the place of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StandIns {
    /// Those without a client, if users sign in without a password.
    #[default]
    OfSignIn,
    /// Those without a client.
    WithoutClient,
    /// All whose client comes from the environment: in a test.
    Always,
}

/// A stand-in that was started.
pub(crate) struct StartedStandIn {
    provider: &'static str,
    id: &'static str,
    url: String,
    state: Arc<dyn HandOver>,
}

impl StartedStandIn {
    /// What the server prints at its start.
    pub(crate) fn hint(&self) -> String {
        let Self { provider, id, url, .. } = self;
        let prefix = env::variable_prefix(id);
        format!(
            "  {provider} is a stand-in, because `{prefix}_CLIENT_ID` is not set: {url} makes it fail\n"
        )
    }

    /// The provider, and the URL of the stand-in.
    pub(crate) fn place(&self) -> (&'static str, &str) {
        (self.provider, &self.url)
    }

    /// What the stand-in knows, for the program that takes over.
    pub(crate) fn state(&self) -> NamedState {
        (name(self.id), Arc::clone(&self.state))
    }
}

/// The name of a stand-in, of its state and of its listener.
fn name(id: &str) -> String {
    format!("stand-in {id}")
}

/// Starts the stand-ins that these providers await, and registers their clients.
pub(crate) async fn start(
    providers: &mut [Registration],
    awaits: impl Fn(&Registration) -> bool,
    mut identity: Option<&mut DevIdentity>,
) -> Result<Vec<StartedStandIn>, ConfigError> {
    let mut started = Vec::new();
    let awaits = |provider: &&mut Registration| awaits(provider);
    for registration in providers.iter_mut().filter(awaits) {
        let (provider, id) = (registration.name, registration.id);
        let listener = identity.as_mut().and_then(|identity| identity.listener(&name(id)));
        let stand_in::Replaced { url, state } = stand_in::replace(registration, listener).await?;
        // A supervisor starts the program again and again, and says so itself.
        if identity.is_none() {
            tracing::warn!(
                target: "toolgate::server",
                provider = id,
                url,
                "the environment names no client of {provider}, and the server is in development: a stand-in on this machine takes its place"
            );
        }
        started.push(StartedStandIn { provider, id, url, state });
    }
    Ok(started)
}
