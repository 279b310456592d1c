//! Listeners that the process inherited (`sd_listen_fds` of systemd).

use std::net::TcpListener;

use crate::error::ConfigError;

/// The name in `LISTEN_FDNAMES` of a listener that is not the server's own.
#[cfg(unix)]
const SPARE: &str = "spare";

/// The listeners of the environment. They can be taken once: a second call returns none.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// The server's own.
    pub(crate) http: Option<TcpListener>,
    /// Others of this machine, whose ports stay the same when the program is replaced.
    pub(crate) spares: Vec<TcpListener>,
}

impl Inherited {
    #[cfg(unix)]
    pub(crate) fn take() -> Result<Self, ConfigError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = listenfd::ListenFd::from_env();
        let mut inherited = Self::default();
        for at in 0..sockets.len() {
            let is_spare = names.next() == Some(SPARE);
            let taken = sockets.take_tcp_listener(at).and_then(|listener| {
                listener
                    .inspect(|it| drop(it.set_nonblocking(true)))
                    .ok_or_else(|| std::io::ErrorKind::NotFound.into())
            });
            let listener = taken.map_err(|error| {
                ConfigError::new(format!("an inherited socket cannot be listened on: {error}"))
                    .help("`LISTEN_FDS` counts TCP sockets that listen: for systemd, `ListenStream=127.0.0.1:8765`")
            })?;
            if is_spare {
                inherited.spares.push(listener);
            } else if inherited.http.replace(listener).is_some() {
                return Err(ConfigError::new(
                    "the process inherited several sockets, and a server listens on one",
                )
                .help("for systemd, leave one `ListenStream=` in the socket unit"));
            }
        }
        Ok(inherited)
    }

    #[cfg(not(unix))]
    pub(crate) fn take() -> Result<Self, ConfigError> {
        Ok(Self::default())
    }
}
