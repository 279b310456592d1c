//! Where the server of a test is served: as one process would serve it, or as several replicas of it.
//!
//! `TOOLGATE_TEST_REPLICAS=4` makes of each server that is served here four, each with a state of its own,
//! behind nginx, which asks them in turn, on a database of their own in the server at
//! `TOOLGATE_TEST_DATABASE`. `tests/interop/replicas/run.sh` runs the tests so.

use std::{
    env,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::Router;
use tokio::net::TcpListener;
use toolgate::{
    Server,
    grant::{Clock, GrantStore, Grants, MasterKey, MemoryStore, PostgresStore, Records},
};

use crate::{front_proxy::FrontProxy, postgres};

/// How many databases were created.
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A place for a server, whose URL is known before the server is made.
#[derive(Debug)]
pub struct Deployment {
    url: String,
    listeners: Vec<TcpListener>,
    proxy: Option<FrontProxy>,
}

/// How many replicas a server has; `None`: it is one process.
pub fn replicas() -> Option<usize> {
    let count = env::var("TOOLGATE_TEST_REPLICAS").ok()?;
    Some(count.parse().expect("TOOLGATE_TEST_REPLICAS is a number"))
}

/// How many times a limit is counted that each replica counts by itself.
pub fn counters() -> usize {
    replicas().unwrap_or(1)
}

impl Deployment {
    /// Takes a free port, and starts nginx where there are replicas.
    ///
    /// # Panics
    ///
    /// No port is free, or nginx is not where `NGINX_PROGRAM` says.
    pub async fn prepare() -> Self {
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for _ in 0..replicas().unwrap_or(1) {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            addresses.push(listener.local_addr().expect("an address"));
            listeners.push(listener);
        }
        if replicas().is_none() {
            let url = format!("http://{}", addresses[0]);
            return Self { url, listeners, proxy: None };
        }
        let nginx = env::var_os("NGINX_PROGRAM").expect("NGINX_PROGRAM says where nginx is");
        let (proxy, address) = FrontProxy::replicas(&nginx, &addresses, None).await;
        Self { url: format!("http://{address}"), listeners, proxy: Some(proxy) }
    }

    /// The URL that clients and browsers see.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves a server until the test ends: one with `store`, or the replicas with PostgreSQL.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn serve(
        self,
        store: impl GrantStore,
        clock: &Arc<impl Clock>,
        server: impl Fn() -> Server,
    ) {
        self.serve_router(store, clock, server, |router| router).await;
    }

    /// As [`serve`](Self::serve), with more in the router.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn serve_router(
        self,
        store: impl GrantStore,
        clock: &Arc<impl Clock>,
        server: impl Fn() -> Server,
        finish: impl Fn(Router) -> Router,
    ) {
        let Some(proxy) = self.proxy else {
            let [listener] = self.listeners.try_into().expect("one of them");
            return spawn(listener, finish(routed(server().store(store)).await));
        };
        let database = Database::create();
        for listener in self.listeners {
            let server = server().store(database.open(clock).await);
            spawn(listener, finish(routed(server).await));
        }
        keep(proxy);
    }

    /// Serves a router until the test ends: one over grants and records in memory, or the replicas with
    /// PostgreSQL.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn serve_records(
        self,
        clock: &Arc<impl Clock>,
        mut router: impl FnMut(Grants, Arc<dyn Records>) -> Router,
    ) {
        let of_server = || Arc::clone(clock) as Arc<dyn Clock>;
        let Some(proxy) = self.proxy else {
            let [listener] = self.listeners.try_into().expect("one of them");
            let store = Arc::new(MemoryStore::with_clock(of_server()));
            return spawn(listener, router(Grants::new(store.clone(), of_server()), store));
        };
        let database = Database::create();
        for listener in self.listeners {
            let store = Arc::new(database.open(clock).await);
            spawn(listener, router(Grants::new(store.clone(), of_server()), store));
        }
        keep(proxy);
    }
}

/// A database that replicas share.
struct Database {
    url: String,
    master: MasterKey,
}

impl Database {
    fn create() -> Self {
        let name =
            format!("test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        let at = env::var("TOOLGATE_TEST_DATABASE").expect("TOOLGATE_TEST_DATABASE is a URL");
        let url = format!("{}?max_connections=4", postgres::create_database(&at, &name));
        Self { url, master: MasterKey::generate() }
    }

    async fn open(&self, clock: &Arc<impl Clock>) -> PostgresStore {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        let store = PostgresStore::at(&self.url).key(self.master.clone()).clock(clock);
        store.open().await.expect("the store opens")
    }
}

/// Keeps the proxy until the runtime of the test ends.
fn keep(proxy: FrontProxy) {
    tokio::spawn(async move {
        let _proxy = proxy;
        pending::<()>().await;
    });
}

async fn routed(server: Server) -> Router {
    server.build().await.expect("the server is sound").into_router()
}

fn spawn(listener: TcpListener, router: Router) {
    crate::host::serve_at(listener, router);
}
