//! Connection settings, from a URL as libpq reads it.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use url::form_urlencoded;

use super::errors::{chain, invalid};
use crate::grant::store_error::StoreError;

/// How long the opening of a connection may take, at each host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a silent connection is trusted before it is probed.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// How long what was sent may stay without an acknowledgement.
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The most connections of one process, unless the URL says otherwise.
const MAX_CONNECTIONS: usize = 10;

/// What a URL says.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) config: Config,
    /// The file of root certificates. `None`: those of the system.
    pub(super) root_certificates: Option<PathBuf>,
    pub(super) max_connections: usize,
    /// The database as errors name it: without user and password.
    pub(super) name: String,
}

/// The values of `sslmode`.
#[derive(Clone, Copy, PartialEq)]
enum Tls {
    Off,
    On,
}

impl Settings {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut tls, mut root_certificates, mut max_connections) = (None, None, MAX_CONNECTIONS);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => tls = Some(tls_mode(&value)?),
                "sslrootcert" if value == "system" => root_certificates = None,
                "sslrootcert" => root_certificates = Some(PathBuf::from(&*value)),
                "max_connections" => max_connections = connections(&value)?,
                _ => drop(rest.append_pair(&name, &value)),
            }
        }
        // The driver reads `+` as it is, and not as a space.
        let rest = rest.finish().replace('+', "%20");
        let mut config: Config = format!("{base}?{rest}")
            .parse()
            .map_err(|error| invalid(format!("it cannot be read: {}", chain(&error))))?;
        if config.get_hosts().is_empty() {
            return Err(invalid("it names no host"));
        }
        let tls = tls.unwrap_or_else(|| if is_local(&config) { Tls::Off } else { Tls::On });
        config.ssl_mode(if tls == Tls::On { SslMode::Require } else { SslMode::Disable });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(USER_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("toolgate");
        }
        config.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(USER_TIMEOUT);
        let name = name_of(&config);
        Ok(Self { config, root_certificates, max_connections, name })
    }
}

fn tls_mode(value: &str) -> Result<Tls, StoreError> {
    match value {
        "disable" => Ok(Tls::Off),
        "require" | "verify-ca" | "verify-full" => Ok(Tls::On),
        "allow" | "prefer" => Err(invalid(
            "with this `sslmode` a host in between can turn encryption off; write `verify-full`, or \
             `disable` on a network that is yours",
        )),
        _ => Err(invalid("`sslmode` is `disable`, `require`, `verify-ca` or `verify-full`")),
    }
}

fn connections(value: &str) -> Result<usize, StoreError> {
    let count = value.parse().ok().filter(|count| (1..=1000).contains(count));
    count.ok_or_else(|| invalid("`max_connections` is a number from 1 to 1000"))
}

/// Whether the database is on this machine, so that no one can intercept the connection.
fn is_local(config: &Config) -> bool {
    let mut addresses = config.get_hostaddrs().iter();
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    hosts && addresses.all(IpAddr::is_loopback)
}

fn name_of(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let ports = config.get_ports();
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Settings {
        Settings::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_database_elsewhere_is_reached_over_tls() {
        for (url, mode) in [
            ("postgres://toolgate:secret@db.example/grants", SslMode::Require),
            ("postgresql://db.example/grants?sslmode=verify-full", SslMode::Require),
            ("postgres://db.example/grants?sslmode=require", SslMode::Require),
            ("postgres://db.example/grants?sslmode=disable", SslMode::Disable),
            ("postgres://localhost/grants", SslMode::Disable),
            ("postgres://localhost/grants?hostaddr=192.0.2.1", SslMode::Require),
            ("postgres://127.0.0.1,[::1]/grants", SslMode::Disable),
            ("postgres://127.0.0.1,db.example/grants", SslMode::Require),
            ("postgres://localhost/grants?sslmode=require", SslMode::Require),
            ("postgres:///grants?host=/run/postgresql", SslMode::Disable),
        ] {
            assert_eq!(parse(url).config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn a_mode_that_may_be_turned_off_is_refused() {
        for (mode, words) in [
            ("prefer", "verify-full"),
            ("allow", "verify-full"),
            ("yes", "`disable`"),
            ("", "`dis"),
        ] {
            let url = format!("postgres://u:hunter2@db.example/grants?sslmode={mode}");
            let error = Settings::parse(&url).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn neither_names_nor_errors_have_the_password() {
        let url = "postgres://toolgate:hunter2@a.example:6432,b.example/grants";
        assert_eq!(parse(url).name, "postgres://a.example:6432,b.example:5432/grants");
        for url in [
            "postgres://toolgate:hunter2@db.example/grants?unknown=1",
            "postgres://toolgate:hunter2@db.example:port/grants",
            "postgres://toolgate:hunter2@/grants",
            "postgres://toolgate:hunter2@db.example/g?max_connections=0",
        ] {
            let error = Settings::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let settings = parse("postgres://toolgate:hunter2@db.example/g");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn the_other_options_are_the_drivers() {
        let settings = parse(
            "postgres://a,b/g?target_session_attrs=read-write&options=-c%20search_path%3Dtools\
             &sslrootcert=/etc/ca.pem&max_connections=3",
        );
        assert_eq!(settings.config.get_options(), Some("-c search_path=tools"));
        assert_eq!(settings.root_certificates, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(settings.max_connections, 3);
    }
}
