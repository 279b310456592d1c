//! A broker over a forge, and those who use it: an application, and a person with a browser.

mod application;
mod browser;
mod counting_store;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::Router;
use forge::{Config, Running};
use tokio::net::TcpListener;
use toolgate::{
    broker::{Broker, BrokerBuilder},
    grant::{Clock, GrantStore, Grants, ManualClock, Records},
};

pub use self::{
    application::{Application, REDIRECT, Walk, s256},
    browser::{Answer, Browser, Page},
    counting_store::{CountingStore, Uses},
};
use crate::{deployment::Deployment, host::client_at};

/// A broker that runs until the test ends.
pub struct Site {
    /// The provider.
    pub forge: Running,
    /// The broker's public URL.
    pub url: String,
    /// What the tokens are for.
    pub resource: String,
    /// The broker's clock; forge has its own.
    pub clock: Arc<ManualClock>,
    /// The grants of the provider's.
    pub grants: Grants,
    /// The broker.
    pub broker: Broker,
    records: Arc<dyn Records>,
}

/// Serves a router on a free port.
///
/// # Panics
///
/// There is none.
pub async fn listen(router: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    crate::host::serve_at(listener, router(&url));
    url
}

impl Site {
    /// A broker over a forge that behaves as the RFCs say.
    pub async fn start() -> Self {
        Self::with(Config::default(), |builder| builder).await
    }

    /// A broker that is set up further, over a forge that behaves as `config` says.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn with(config: Config, set_up: impl Fn(BrokerBuilder) -> BrokerBuilder) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let deployment = Deployment::prepare().await;
        let url = deployment.url().to_owned();
        let (resource, mut made) = (format!("{url}/mcp"), None);
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let serve = |grants: Grants, records| {
            let broker = build(&forge, &url, &resource, &clock, &grants, &records, &set_up);
            let router = broker.standalone_router();
            made.get_or_insert((broker, grants, records));
            router
        };
        deployment.serve_records(&clock, serve).await;
        let (broker, grants, records) = made.expect("it was made");
        Self { forge, url, resource, clock, grants, broker, records }
    }

    /// A broker whose grants and records are in `store`.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn over<S: GrantStore + Records>(
        config: Config,
        clock: Arc<ManualClock>,
        store: Arc<S>,
        set_up: impl FnOnce(BrokerBuilder) -> BrokerBuilder,
    ) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let grants = Grants::new(store.clone(), clock.clone());
        let records: Arc<dyn Records> = store;
        let mut made = None;
        let url = listen(|url| {
            let resource = format!("{url}/mcp");
            let broker = build(&forge, url, &resource, &clock, &grants, &records, set_up);
            let router = broker.standalone_router();
            made = Some((broker, resource));
            router
        })
        .await;
        let (broker, resource) = made.expect("it was made");
        Self { forge, url, resource, clock, grants, broker, records }
    }

    /// Another process of the same broker: its own memory, `records` of the same store.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn replica<S: GrantStore + Records>(&self, store: Arc<S>) -> String {
        self.replica_with(store, |builder| builder).await
    }

    /// As [`Site::replica`], with a broker that is set up further.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn replica_with<S: GrantStore + Records>(
        &self,
        store: Arc<S>,
        set_up: impl FnOnce(BrokerBuilder) -> BrokerBuilder,
    ) -> String {
        let grants = Grants::new(store.clone(), self.clock.clone());
        let (url, resource, records) = (&self.url, &self.resource, store as Arc<dyn Records>);
        let broker = build(&self.forge, url, resource, &self.clock, &grants, &records, set_up);
        listen(|_| broker.standalone_router()).await
    }

    /// A broker over a store that counts its records.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn counted(
        set_up: impl FnOnce(BrokerBuilder) -> BrokerBuilder,
    ) -> (Self, Arc<CountingStore>) {
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let store = Arc::new(CountingStore::new(&clock));
        (Self::over(Config::default(), clock, store.clone(), set_up).await, store)
    }

    /// A broker on the same store under another URL, as of another deployment. Returns the URL.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn sibling(&self, set_up: impl FnOnce(BrokerBuilder) -> BrokerBuilder) -> String {
        listen(|url| {
            let (resource, grants) = (format!("{url}/mcp"), &self.grants);
            let broker =
                build(&self.forge, url, &resource, &self.clock, grants, &self.records, set_up);
            broker.standalone_router()
        })
        .await
    }

    /// Another broker on the same store, which is not built yet.
    pub fn builder(&self) -> BrokerBuilder {
        builder(&self.forge, &self.url, &self.resource, &self.grants, &self.records)
    }

    /// The records underneath.
    pub fn records(&self) -> &Arc<dyn Records> {
        &self.records
    }

    /// Lets time pass, for the broker and for forge.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.forge.advance(by);
    }

    /// An endpoint's URL: `token`.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/oauth/{name}", self.url)
    }
}

fn build(
    forge: &Running,
    url: &str,
    resource: &str,
    clock: &Arc<ManualClock>,
    grants: &Grants,
    records: &Arc<dyn Records>,
    set_up: impl FnOnce(BrokerBuilder) -> BrokerBuilder,
) -> Broker {
    let clock: Arc<dyn Clock> = clock.clone();
    let builder = builder(forge, url, resource, grants, records).clock(clock);
    set_up(builder).build().expect("the broker is sound")
}

fn builder(
    forge: &Running,
    url: &str,
    resource: &str,
    grants: &Grants,
    records: &Arc<dyn Records>,
) -> BrokerBuilder {
    let client = client_at(forge.url()).revoke(format!("{}/oauth/revoke", forge.url()));
    Broker::builder(url, resource, client, grants.clone(), records.clone()).user("/user", "login")
}
