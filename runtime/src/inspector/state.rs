//! State of the inspector, which its routes share.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use serde_json::{Value, value::RawValue};
use tokio::sync::{RwLock, Semaphore};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    event_log::{EventLog, Shown},
    exchanges::Exchanges,
    guard::Guard,
    local_client::LocalClient,
    oauth_client::OAuthClient,
    page_token::PageToken,
    people::People,
    previous_tools,
    saved_calls::SavedCalls,
    sessions::Sessions,
    stage::Stage,
    token::{self, TokenSigner},
};
#[cfg(feature = "broker")]
use crate::broker::Broker;
use crate::{
    http::{ExchangeRecorder, ToolgateService},
    mcp::dispatch::Dispatch,
};

/// The most pages that follow the events at once.
const MAX_STREAMS: usize = 16;

/// How people sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "one way needs the broker"))]
pub(crate) enum Access {
    /// With the server's broker.
    Broker,
    /// As anyone whom the program names.
    Dev,
    /// With another authorization server.
    Outside,
    /// Not at all: there is no gate.
    Open,
}

/// What an inspector is made of.
pub(crate) struct InspectorConfig {
    pub(crate) token: PageToken,
    pub(crate) log: Arc<EventLog>,
    pub(crate) dispatch: Arc<Dispatch>,
    /// The address of the listener.
    pub(crate) address: SocketAddr,
    /// The server's URL.
    pub(crate) base: Url,
    pub(crate) shutdown: CancellationToken,
    pub(crate) access: Access,
    /// The people whom the program names.
    pub(crate) people: Vec<String>,
    /// Whether what mends and what breaks is offered: in builds with debug assertions.
    pub(crate) is_development: bool,
    /// Signs tokens in development, where the server has a key for it.
    pub(crate) signer: Option<Arc<dyn TokenSigner>>,
    /// When the server was started, where programs before this one have the same time.
    pub(crate) started_at: Option<SystemTime>,
    /// Where the tools of this start are kept until the next one.
    pub(crate) data_directory: Option<PathBuf>,
    /// The directory of saved calls.
    pub(crate) calls_directory: PathBuf,
    pub(crate) stage: Stage,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<Broker>,
}

/// The inspector of a server. Clones share everything.
#[derive(Clone)]
pub(crate) struct Inspector(pub(super) Arc<InspectorState>);

pub(crate) struct InspectorState {
    pub(super) guard: Guard,
    pub(super) log: Arc<EventLog>,
    pub(super) exchanges: Arc<Exchanges>,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) local: LocalClient,
    pub(super) oauth: OAuthClient,
    pub(super) people: People,
    /// Held for writing while the tokens of a sign-in are fetched: events of it reach the page before
    /// the tokens are kept, and the page sends its call again at once.
    pub(super) signing_in: RwLock<()>,
    pub(super) sessions: Sessions,
    pub(super) calls: SavedCalls,
    pub(super) stage: Stage,
    pub(super) access: Access,
    pub(super) is_development: bool,
    pub(super) signer: Option<Arc<dyn TokenSigner>>,
    pub(super) base: Url,
    pub(super) address: SocketAddr,
    pub(super) shutdown: CancellationToken,
    pub(super) streams: Arc<Semaphore>,
    /// The time of the events' zero, in milliseconds since 1970.
    pub(super) started_at: u64,
    /// The tools of the start before this one.
    pub(super) previous: Option<Value>,
    #[cfg(feature = "broker")]
    pub(super) broker: Option<Broker>,
}

impl Inspector {
    pub(crate) fn new(config: InspectorConfig) -> Self {
        let InspectorConfig { token, log, dispatch, address, base, shutdown, .. } = config;
        let started = dispatch.tracer.started().unwrap_or_else(Instant::now);
        let now = || SystemTime::now() - started.elapsed();
        let started_at = token::millis(config.started_at.unwrap_or_else(now));
        let root = base.path().trim_end_matches('/');
        let exchanges = Arc::new(Exchanges::new(Arc::clone(&log), started, root));
        let resource = resource_of(&dispatch);
        let previous = config
            .data_directory
            .as_deref()
            .and_then(|directory| previous_tools::replace(directory, &dispatch, started_at));
        Self(Arc::new(InspectorState {
            guard: Guard::new(token, address.port()),
            log,
            exchanges,
            local: LocalClient::new(address, dispatch.tracer.clone()),
            oauth: OAuthClient::new(address, &resource),
            people: People::declared(&config.people),
            signing_in: RwLock::default(),
            sessions: Sessions::default(),
            calls: SavedCalls::new(config.calls_directory),
            stage: config.stage,
            access: config.access,
            is_development: config.is_development,
            signer: config.signer,
            base,
            address,
            shutdown,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            started_at,
            previous,
            dispatch,
            #[cfg(feature = "broker")]
            broker: config.broker,
        }))
    }

    /// The link that the server prints.
    pub(crate) fn link(&self) -> String {
        format!("http://{}{}", self.0.address, self.0.guard.link())
    }

    /// Shows pages what the supervisor says: how the build goes, or that files were written.
    pub(crate) fn show(&self, kind: Shown, what: &RawValue) {
        self.0.log.show(kind, what);
    }

    /// Receives the exchanges of the listener.
    pub(crate) fn recorder(&self) -> Arc<dyn ExchangeRecorder> {
        Arc::<Exchanges>::clone(&self.0.exchanges)
    }

    /// Sets the service that answers the page's own requests, or removes it when the server ends.
    pub(crate) fn set_service(&self, service: Option<ToolgateService>) {
        self.0.local.set_service(service);
    }

    /// The URL of the endpoint.
    pub(super) fn resource(&self) -> String {
        resource_of(&self.0.dispatch)
    }
}

fn resource_of(dispatch: &Dispatch) -> String {
    match &dispatch.resource_server {
        Some(gate) => gate.resource().to_owned(),
        None => dispatch.prompts.consents.url(crate::http::PATH),
    }
}
