//! A server of several processes with one store, behind a proxy that asks them in turn: any of them is
//! stopped, killed and started again while people call.

mod front;
mod kills;
mod load;
mod losses;
mod points;
mod random;
mod replica;

use std::{ffi::OsStr, fmt, net::SocketAddr, path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use forge::Config;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::front_proxy::FrontProxy;

pub use self::{
    kills::{Kills, Outcome},
    load::{Answer, Load, Tally, User},
    losses::{Kill, Loss, Match, find_kills},
    points::{FreshStore, Points, Tried},
    random::Random,
    replica::{Replica, Signal},
};

/// What the processes of a fleet are started with.
#[derive(Debug)]
pub struct Options<'a> {
    /// The program, which is named `fleet`.
    pub program: &'a Path,
    /// How many processes.
    pub replicas: usize,
    /// `TOOLGATE_STORE`. Empty: SQLite in a directory of its own.
    pub store: &'a str,
    /// How the provider behaves.
    pub forge: Config,
    /// Further variables of each process.
    pub more: &'a [(&'static str, &'a str)],
    /// The program of nginx, if two processes are behind one.
    pub nginx: Option<&'a OsStr>,
}

/// The processes, their proxy and their provider, which run until the fleet is dropped.
pub struct Fleet {
    /// What browsers and clients see: the proxy.
    pub url: String,
    /// The provider.
    pub forge: forge::Running,
    /// The processes.
    pub replicas: Vec<Arc<Replica>>,
    _nginx: Option<FrontProxy>,
    _data: TempDir,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Fleet {
    /// Starts all of them.
    ///
    /// # Panics
    ///
    /// They do not start.
    pub async fn start(options: Options<'_>) -> Self {
        let fleet = Self::prepare(options).await;
        for replica in &fleet.replicas {
            replica.start().await;
        }
        fleet
    }

    /// Starts the provider and the proxy, and no process.
    ///
    /// # Panics
    ///
    /// They do not start.
    pub async fn prepare(options: Options<'_>) -> Self {
        let config = options.forge.redirect("http://127.0.0.1/callback/lenient");
        let forge = forge::start(config).await.expect("forge starts");
        let data = tempfile::tempdir().expect("a directory can be made");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let path = |name: &str| data.path().join(name).display().to_string();
        let mut environment = vec![
            ("FORGE_URL", forge.url().to_owned()),
            ("PUBLIC_URL", url.clone()),
            ("TOOLGATE_DATA", path("data")),
            ("TOOLGATE_KEY", BASE64_STANDARD.encode([7; 32])),
        ];
        if !options.store.is_empty() {
            environment.push(("TOOLGATE_STORE", options.store.to_owned()));
        }
        environment.extend(options.more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let replicas: Vec<_> = (0..options.replicas)
            .map(|number| {
                let log = data.path().join(format!("replica-{number}.log"));
                Arc::new(Replica::new(options.program, log, environment.clone()))
            })
            .collect();
        let addresses: Vec<SocketAddr> = replicas.iter().map(|replica| replica.address()).collect();
        let nginx = match (options.nginx, &addresses[..]) {
            (Some(program), &[one, two]) => {
                Some(FrontProxy::round_robin(program, &[one, two]).await)
            }
            _ => None,
        };
        let (nginx, addresses) = match nginx {
            Some((nginx, address)) => (Some(nginx), vec![address]),
            None => (None, addresses),
        };
        // Where one process is all there is, nobody else can answer.
        let rounds = if addresses.len() == 1 { 1 } else { 20 };
        front::serve(listener, addresses, rounds);
        Self { url, forge, replicas, _nginx: nginx, _data: data }
    }

    /// The endpoint behind the proxy.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.url)
    }
}
