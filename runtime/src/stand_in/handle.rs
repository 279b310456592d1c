//! Handle of a stand-in that runs.

#[cfg(feature = "dev")]
use std::{any::Any, sync::Arc};
use std::{fmt, marker::PhantomData, time::Duration};

use super::{
    engine::{CLIENT_ID, CLIENT_SECRET, Engine},
    listener::Running,
    world::Counts,
};
#[cfg(feature = "dev")]
use crate::support::hand_over::HandOver;
use crate::{
    error::ConfigError,
    http::GatedListener,
    provider::{OAuthClient, Provider, Registration, StandInAddress},
};

/// A stand-in of the provider `P` on a free port of this machine, until it is dropped.
pub struct StandIn<P> {
    running: Running,
    of: PhantomData<fn() -> P>,
}

impl<P: Provider> StandIn<P> {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// The provider declares no profile, or no port of this machine is free.
    pub async fn start() -> Result<Self, ConfigError> {
        let registration = P::client(CLIENT_ID).registration;
        Ok(Self { running: start(&registration, None).await?, of: PhantomData })
    }

    /// Returns the client to register at a server.
    pub fn client(&self) -> OAuthClient<P> {
        let mut client = P::client(CLIENT_ID);
        let address = StandInAddress { url: self.running.url.as_str().into(), keep_alive: None };
        use_stand_in(&mut client.registration, address);
        client
    }

    /// Returns its URL, where a page has the switches that make it fail.
    pub fn url(&self) -> &str {
        &self.running.url
    }

    /// Returns how often it was asked for what.
    pub fn counts(&self) -> Counts {
        self.running.engine.world().counts.clone()
    }

    /// Moves its clock forward.
    pub fn advance(&self, by: Duration) {
        self.running.engine.world().advance(by);
    }

    /// Ends all access tokens; refresh tokens stay.
    pub fn expire_access_tokens(&self) {
        self.running.engine.world().expire_access_tokens();
    }

    /// Ends all that people granted, as they do on the provider's own pages.
    pub fn revoke_grants(&self) {
        self.running.engine.world().revoke_everything();
    }

    /// Lets another process use the next refresh token just before it is used.
    pub fn race_next_refresh(&self) {
        self.running.engine.faults.race();
    }

    /// Breaks the connection in place of the next answer with tokens, which takes effect.
    pub fn lose_next_tokens(&self) {
        self.running.engine.faults.lose_answer();
    }

    /// Refuses the next requests of the API as too many.
    pub fn limit_requests(&self, requests: usize) {
        self.running.engine.faults.limit(requests);
    }

    /// Delays every answer.
    pub fn slow_down(&self, by: Duration) {
        self.running.engine.faults.slow_down(by);
    }
}

/// Starts the stand-in of a provider, on a free port unless it is given a listener.
async fn start(
    registration: &Registration,
    listener: Option<GatedListener>,
) -> Result<Running, ConfigError> {
    let name = registration.name;
    let profile = registration.profile.ok_or_else(|| {
        ConfigError::new(format!("`{name}` has no stand-in"))
            .help("a provider has one whose declaration names its profile: `stand_in = PROFILE`")
    })?;
    let engine = Engine::new(name, profile, registration.catalogue);
    let listening = match listener {
        Some(listener) => Running::start(engine, listener),
        None => GatedListener::local().await.and_then(|free| Running::start(engine, free)),
    };
    listening.map_err(|error| {
        ConfigError::new(format!("the stand-in of `{name}` cannot listen on this machine: {error}"))
    })
}

/// Registers the client of a stand-in in place of the provider's.
pub(super) fn use_stand_in(registration: &mut Registration, address: StandInAddress) {
    CLIENT_ID.clone_into(&mut registration.client_id);
    registration.secret = Some(CLIENT_SECRET.to_owned().into());
    registration.move_to(address);
}

/// A stand-in that took a provider's place.
#[cfg(feature = "dev")]
pub(crate) struct Replaced {
    pub(crate) url: String,
    /// What the stand-in knows.
    pub(crate) state: Arc<dyn HandOver>,
}

/// Starts the stand-in of a provider and registers its client, for as long as the registration is
/// used. It is on a free port unless it is given a listener.
#[cfg(feature = "dev")]
pub(crate) async fn replace(
    registration: &mut Registration,
    listener: Option<GatedListener>,
) -> Result<Replaced, ConfigError> {
    let running = start(registration, listener).await?;
    let url = running.url.clone();
    let state = Arc::<Engine>::clone(&running.engine);
    let keep_alive: Arc<dyn Any + Send + Sync> = Arc::new(running);
    let address = StandInAddress { url: url.as_str().into(), keep_alive: Some(keep_alive) };
    use_stand_in(registration, address);
    Ok(Replaced { url, state })
}

impl<P> fmt::Debug for StandIn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("url", &self.running.url).finish_non_exhaustive()
    }
}
