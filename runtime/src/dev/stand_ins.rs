//! Stand-ins of the providers for which the environment names no client.

use crate::{error::ConfigError, provider::Registration, stand_in};

/// A stand-in that was started.
pub(crate) struct StartedStandIn {
    provider: &'static str,
    id: &'static str,
    url: String,
}

impl StartedStandIn {
    /// What the server prints at its start.
    pub(crate) fn hint(&self) -> String {
        let Self { provider, id, url } = self;
        let prefix = id.to_uppercase().replace('-', "_");
        format!(
            "  {provider} is a stand-in, because `{prefix}_CLIENT_ID` is not set: {url} makes it fail\n"
        )
    }
}

/// Starts the stand-ins that these providers await, and registers their clients.
pub(crate) async fn start(
    providers: &mut [Registration],
    is_in_development: bool,
) -> Result<Vec<StartedStandIn>, ConfigError> {
    let mut started = Vec::new();
    let awaits = |provider: &&mut Registration| is_in_development && provider.awaits_stand_in;
    for registration in providers.iter_mut().filter(awaits) {
        let (provider, id) = (registration.name, registration.id);
        let url = stand_in::replace(registration).await?;
        tracing::warn!(
            target: "toolgate::server",
            provider = id,
            url,
            "the environment names no client of {provider}, and the server is in development: a stand-in on this machine takes its place"
        );
        started.push(StartedStandIn { provider, id, url });
    }
    Ok(started)
}
