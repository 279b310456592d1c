//! Connections to the database: the hosts of the URL in turn, with a bound for each.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Connection, Error, Socket,
    config::{Host, LoadBalanceHosts},
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{errors::describe, settings::Settings, tls};
use crate::{
    grant::store_error::StoreError,
    support::{background as task, crypto},
};

/// How long all hosts together may take for a new connection, as far as each gets
/// [`MIN_HOST_TIMEOUT`].
const HOSTS_TIMEOUT: Duration = Duration::from_secs(4);
const MIN_HOST_TIMEOUT: Duration = Duration::from_secs(1);

/// What each new connection is set to. A grant must survive the server's crash, so a commit waits for
/// the disk.
const SESSION: &str = "SET statement_timeout = '5s'; SET lock_timeout = '4s'; \
    SET idle_in_transaction_session_timeout = '10s'; \
    SET default_transaction_isolation = 'read committed'; \
    SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// What drives a connection.
pub(super) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// The hosts of a database.
pub(super) struct Connector {
    /// The settings of each host.
    hosts: Vec<Config>,
    tls: MakeRustlsConnect,
    /// The host that is asked first: the one that answered last.
    first: AtomicUsize,
}

/// Why no host gave a connection.
#[derive(Debug)]
pub(super) struct ConnectError {
    problem: String,
    /// Whether a host did not answer in time, so that others would wait as long.
    pub(super) is_silent: bool,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl Connector {
    pub(super) fn new(settings: &Settings) -> Result<Self, StoreError> {
        let (hosts, tls) = (hosts(&settings.config), tls::connector(settings)?);
        let mut random = [0];
        if settings.config.get_load_balance_hosts() == LoadBalanceHosts::Random {
            crypto::fill_random(&mut random);
        }
        let first = AtomicUsize::new(usize::from(random[0]) % hosts.len().max(1));
        Ok(Self { hosts, tls, first })
    }

    /// Connects to the first host that answers and is what the URL asks for. `set_up` is a part of it.
    pub(super) async fn connect<T>(
        &self,
        set_up: impl AsyncFn(Client, Driver) -> Result<T, Error>,
    ) -> Result<T, ConnectError> {
        let count = self.hosts.len();
        let host_timeout = HOSTS_TIMEOUT / u32::try_from(count).unwrap_or(u32::MAX);
        let host_timeout = host_timeout.max(MIN_HOST_TIMEOUT);
        let first = self.first.load(Ordering::Relaxed);
        let (mut problems, mut is_silent) = (Vec::new(), false);
        for turn in 0..count {
            let at = (first + turn) % count;
            let connected = timeout(host_timeout, async {
                let (client, driver) = self.hosts[at].connect(self.tls.clone()).await?;
                set_up(client, driver).await
            });
            let problem = match connected.await {
                Ok(Ok(connected)) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(error)) => describe(&error),
                Err(_) => {
                    is_silent = true;
                    "the database does not answer".to_owned()
                }
            };
            // Concurrent and later attempts begin with the next host.
            self.first.store((at + 1) % count, Ordering::Relaxed);
            problems.push(problem);
        }
        // The errors are in the order in which the hosts were asked.
        Err(ConnectError { problem: problems.join("; then: "), is_silent })
    }
}

/// The same settings for each host alone.
fn hosts(config: &Config) -> Vec<Config> {
    let of = |at: usize, host: &Host| {
        let mut one = Config::new();
        match host {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(path) => one.host_path(path),
        };
        if let Some(address) = config.get_hostaddrs().get(at) {
            one.hostaddr(*address);
        }
        let ports = config.get_ports();
        if let Some(port) = ports.get(at).or(ports.first()) {
            one.port(*port);
        }
        if let Some(user) = config.get_user() {
            one.user(user);
        }
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        if let Some(name) = config.get_dbname() {
            one.dbname(name);
        }
        if let Some(options) = config.get_options() {
            one.options(options);
        }
        if let Some(name) = config.get_application_name() {
            one.application_name(name);
        }
        if let Some(timeout) = config.get_connect_timeout() {
            one.connect_timeout(*timeout);
        }
        if let Some(timeout) = config.get_tcp_user_timeout() {
            one.tcp_user_timeout(*timeout);
        }
        if let Some(interval) = config.get_keepalives_interval() {
            one.keepalives_interval(interval);
        }
        if let Some(retries) = config.get_keepalives_retries() {
            one.keepalives_retries(retries);
        }
        one.keepalives(config.get_keepalives())
            .keepalives_idle(config.get_keepalives_idle())
            .ssl_mode(config.get_ssl_mode())
            .ssl_negotiation(config.get_ssl_negotiation())
            .target_session_attrs(config.get_target_session_attrs())
            .channel_binding(config.get_channel_binding());
        one
    };
    config.get_hosts().iter().enumerate().map(|(at, host)| of(at, host)).collect()
}

/// A connection of the pool.
pub(super) struct PooledClient {
    client: Client,
    driver: JoinHandle<()>,
}

impl Deref for PooledClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for PooledClient {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Drop for PooledClient {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Makes the connections of the pool.
pub(super) struct Connections(pub(super) Arc<Connector>);

impl Manager for Connections {
    type Type = PooledClient;
    type Error = ConnectError;

    async fn create(&self) -> Result<PooledClient, ConnectError> {
        let set_up = async |client, driver: Driver| {
            let driver = task::spawn(async move {
                if let Err(error) = driver.await {
                    tracing::warn!(target: "toolgate::grant", error = describe(&error), "a connection to the database has ended");
                }
            });
            // The guard ends the driver if the following steps fail.
            let client = PooledClient { client, driver };
            client.batch_execute(SESSION).await?;
            Ok(client)
        };
        self.0.connect(set_up).await
    }

    async fn recycle(&self, client: &mut PooledClient, _: &Metrics) -> RecycleResult<ConnectError> {
        if client.is_closed() { Err(RecycleError::message("it has ended")) } else { Ok(()) }
    }
}
