//! A server with the tools of the tests, on a free port, over a forge of its own.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use forge::{Config, Running};
use tokio::net::TcpListener;
use toolgate::{
    OAuthClient, Provider, Server,
    grant::{GrantStore, ManualClock, MemoryStore, RefreshPolicy},
    telemetry::Metrics,
    tools,
};

use crate::{
    deployment::Deployment,
    recorder::Recorder,
    tools::{
        Forge, Second, add, count, delete_repository, echo, follow, hasty, list_issues, open_issue,
        panics,
    },
};

/// A server that runs until the test ends.
pub struct Host {
    /// The upstream.
    pub forge: Running,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The server's clock; forge has its own.
    pub clock: Arc<ManualClock>,
}

/// Serves `server` on a free port, and returns its MCP endpoint.
///
/// # Panics
///
/// It cannot be started.
pub async fn serve(server: Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let app = server.build().await.expect("the server is sound");
    serve_at(listener, app.into_router());
    url
}

/// Serves `router` at `listener`, in the background.
pub fn serve_at(listener: TcpListener, router: axum::Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
}

/// The client of the registered application, at the forge under `url`.
pub fn client_at(url: &str) -> OAuthClient<Forge> {
    Forge::client(Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .api(format!("{url}/api"))
        .authorize(format!("{url}/oauth/authorize"))
        .token(format!("{url}/oauth/token"))
        .issuer(url)
}

/// The client of the registered application, at the second forge under `url`.
pub fn second_client_at(url: &str) -> OAuthClient<Second> {
    Second::client(Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .api(format!("{url}/api"))
        .authorize(format!("{url}/oauth/authorize"))
        .token(format!("{url}/oauth/token"))
}

/// A policy for tests in which the provider does not answer, or a process dies while it renews: such a
/// lease is waited for, and a request may take half of it.
pub fn leased_for(lease: Duration) -> RefreshPolicy {
    let mut policy = RefreshPolicy::default();
    policy.timeout = lease / 2;
    policy.lease = lease;
    policy
}

impl Host {
    /// A server over a forge that behaves as `config` says.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn start(config: Config) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let store = MemoryStore::with_clock(clock.clone());
        Self::over(forge, clock, store).await
    }

    /// A server whose events `recorder` keeps, over a forge that behaves as `config` says.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn observed(config: Config, recorder: &Recorder) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let store = MemoryStore::with_clock(clock.clone());
        let recorder = recorder.clone();
        Self::configured(forge, clock, store, |server| server.observe(recorder.clone())).await
    }

    /// A server that waits two seconds for a forge that does not answer a refresh, over one that behaves
    /// as `config` says.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn impatient(config: Config) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let store = MemoryStore::with_clock(clock.clone());
        let policy = leased_for(Duration::from_secs(4));
        Self::configured(forge, clock, store, |server| server.refresh_policy(policy.clone())).await
    }

    /// A server over this forge.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn over(forge: Running, clock: Arc<ManualClock>, store: impl GrantStore) -> Self {
        Self::configured(forge, clock, store, |server| server).await
    }

    /// A server that counts what it does in `metrics`, over a forge that behaves as `config` says.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn watched(config: Config, metrics: &Metrics) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let store = MemoryStore::with_clock(clock.clone());
        Self::configured(forge, clock, store, |server| server.metrics(metrics.clone())).await
    }

    async fn configured(
        forge: Running,
        clock: Arc<ManualClock>,
        store: impl GrantStore,
        configure: impl Fn(Server) -> Server,
    ) -> Self {
        let deployment = Deployment::prepare().await;
        let url = deployment.url().to_owned();
        let server = || {
            let server = Server::new("tests", "1.2.3")
                .provider(client_at(forge.url()))
                .tools(tools![list_issues, open_issue, delete_repository, echo, follow, hasty])
                .tools(tools![add, panics, count])
                .clock(clock.clone())
                .public_url(url.as_str());
            configure(server)
        };
        deployment.serve(store, &clock, server).await;
        Self { forge, url, clock }
    }

    /// The MCP endpoint.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.url)
    }

    /// Lets time pass, for the server and for forge.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.forge.advance(by);
    }
}
