//! A small code-hosting service with an OAuth 2.1 server in front of its API.
//!
//! It is the upstream of toolgate's examples and tests: everything is in memory or in one file, its clock can be
//! advanced, and it fails on command.
#![allow(clippy::result_large_err, reason = "a refusal is the answer, whatever its size")]

mod api;
mod config;
mod faults;
mod oauth;
mod page;
#[cfg(feature = "person")]
pub mod person;
mod state;
mod world;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, middleware};
use tokio::{net::TcpListener, sync::oneshot};

pub use crate::{
    config::{Config, Flavour},
    faults::{Faults, Held},
    world::{Counts, RefreshOutcome, RefreshRequest},
};
use crate::{state::StateFile, world::World};

/// A forge that runs, until it is dropped.
#[derive(Debug)]
pub struct Running {
    forge: Forge,
    url: String,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct Forge {
    config: Arc<Config>,
    /// The issuer, and the base of every link.
    base: Arc<str>,
    world: Arc<Mutex<World>>,
    faults: Faults,
    state: Option<Arc<StateFile>>,
}

impl Forge {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a forge.
///
/// # Errors
///
/// Its address cannot be listened on.
pub async fn start(config: Config) -> io::Result<Running> {
    let listener = TcpListener::bind(config.address).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    let state = config.state.clone().map(StateFile::new);
    let world = state.as_ref().map_or_else(World::seeded, StateFile::load);
    let forge = Forge {
        world: Arc::new(Mutex::new(world)),
        state: state.map(Arc::new),
        faults: Faults::default(),
        base: url.as_str().into(),
        config: Arc::new(config),
    };
    let stop = serve(listener, &forge);
    Ok(Running { forge, url, address, _stop: stop })
}

/// Serves until the sender is dropped. Apart from `start`, whose body whoever awaits it compiles.
fn serve(listener: TcpListener, forge: &Forge) -> oneshot::Sender<()> {
    let mut router = Router::new().merge(oauth::router()).nest("/api", api::router(forge));
    if forge.config.faults {
        router = router.merge(faults::router());
    }
    let save = middleware::from_fn_with_state(forge.clone(), state::save_changes);
    let router = router.layer(save).with_state(forge.clone());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(async move {
        let served = axum::serve(listener, router);
        tokio::select! {
            _ = served.into_future() => {}
            _ = stopped => {}
        }
    });
    stop
}

impl Running {
    /// The base URL, which is also the issuer: `http://127.0.0.1:4600`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What can be made to fail.
    pub fn faults(&self) -> &Faults {
        &self.forge.faults
    }

    /// What was asked of it so far.
    pub fn counts(&self) -> Counts {
        self.forge.world().counts.clone()
    }

    /// The newest refresh requests that named a token of this forge, in the order in which they arrived.
    pub fn refresh_requests(&self) -> Vec<RefreshRequest> {
        self.forge.world().refresh_log.iter().cloned().collect()
    }

    /// Lets time pass, for it alone.
    pub fn advance(&self, by: Duration) {
        self.forge.world().offset += by;
    }

    /// The user takes back all that was granted, at the provider.
    pub fn revoke_grants_of(&self, user: &str) {
        self.forge.world().revoke_user(user);
    }

    /// How many grants of the user's have not been revoked.
    pub fn live_grants_of(&self, user: &str) -> usize {
        let is_live = |family: &&world::Family| family.user == user && !family.revoked;
        self.forge.world().families.iter().filter(is_live).count()
    }

    /// Every access token expires now; refresh tokens stay.
    pub fn expire_access_tokens(&self) {
        self.forge.world().expire_access_tokens();
    }
}
