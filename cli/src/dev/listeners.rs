//! Listeners that outlive the programs: each program inherits them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use anyhow::{Context as _, Result};
use tokio::net::TcpSocket;

/// How many ports after the wanted one are tried.
const MAX_TRIES: u16 = 20;

/// Spare listeners of a program: for stand-ins, and for the origin of widgets.
const SPARES: usize = 16;

/// How many connections wait while no program accepts them.
const BACKLOG: u32 = 1024;

/// The number of the first inherited descriptor, after standard input, output and error.
#[cfg(unix)]
const FIRST_DESCRIPTORS: [i32; 6] = [64, 96, 128, 160, 192, 224];

/// The server's own listener, and spare ones.
#[derive(Debug)]
pub(super) struct Listeners {
    http: TcpListener,
    spares: Vec<TcpListener>,
}

impl Listeners {
    /// Listens on `port` of this machine, or on the next one that is free.
    pub(super) fn bind(port: u16) -> Result<Self> {
        let http = bind_from(port)?;
        let spares = (0..SPARES).map(|_| bind(0)).collect::<io::Result<_>>();
        Ok(Self { http, spares: spares.context("no port can be listened on")? })
    }

    /// The listener of a tunnel, on a free port.
    pub(super) fn of_tunnel() -> Result<Self> {
        let http = bind(0).context("no port can be listened on")?;
        Ok(Self { http, spares: Vec::new() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.http.local_addr().expect("it is bound")
    }

    /// Starts `command` with the listeners, by the protocol of systemd. Their descriptors are copied for
    /// the time of the start, so that no other process gets them: this program has one thread that
    /// starts processes.
    #[cfg(unix)]
    pub(super) fn start(
        &self,
        command: &mut tokio::process::Command,
    ) -> io::Result<tokio::process::Child> {
        use rustix::io::{FdFlags, fcntl_setfd};

        let (first, copies) = self.copy()?;
        for copy in &copies {
            fcntl_setfd(copy, FdFlags::empty())?;
        }
        let names = ["http"].into_iter().chain(self.spares.iter().map(|_| "spare"));
        command
            .env("LISTEN_FDS", copies.len().to_string())
            .env("LISTEN_FDS_FIRST_FD", first.to_string())
            .env("LISTEN_FDNAMES", names.collect::<Vec<_>>().join(":"))
            .env_remove("LISTEN_PID")
            .spawn()
    }

    /// Copies of the descriptors, whose numbers follow each other, and the first number.
    #[cfg(unix)]
    fn copy(&self) -> io::Result<(i32, Vec<std::os::fd::OwnedFd>)> {
        use std::os::fd::AsRawFd as _;

        use rustix::io::fcntl_dupfd_cloexec;

        let listeners = || std::iter::once(&self.http).chain(&self.spares);
        for first in FIRST_DESCRIPTORS {
            let numbered = listeners().zip(first..);
            let copies = numbered.map(|(listener, number)| fcntl_dupfd_cloexec(listener, number));
            let copies: Vec<_> = copies.collect::<Result<_, _>>()?;
            if copies.iter().zip(first..).all(|(copy, number)| copy.as_raw_fd() == number) {
                return Ok((first, copies));
            }
        }
        Err(io::Error::other("there is no room for the descriptors of the listeners"))
    }
}

/// The address of a port that is free now: `port`, or one of those after it.
pub(super) fn free_from(port: u16) -> Result<SocketAddr> {
    Ok(bind_from(port)?.local_addr()?)
}

/// A listener on `port`, or on the next one that is free.
fn bind_from(port: u16) -> Result<TcpListener> {
    let last = if port == 0 { 0 } else { port.saturating_add(MAX_TRIES) };
    let mut tried = (port..=last).map(bind);
    loop {
        match tried.next() {
            Some(Ok(listener)) => return Ok(listener),
            Some(Err(error)) if error.kind() == io::ErrorKind::AddrInUse => {}
            Some(Err(error)) => return Err(error).context("no port can be listened on"),
            None => return bind(0).context("no port can be listened on"),
        }
    }
}

/// A listener with the backlog of a server. It is not registered with the runtime, because it accepts
/// nothing here.
fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)?.into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_followed_by_the_next_free_one() {
        // Below the ports that the system gives to others, which could be this one once it is free.
        let wanted = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
        let first = Listeners::bind(wanted).unwrap();
        let port = first.address().port();
        let second = Listeners::bind(port).unwrap();
        assert!((port + 1..=port + MAX_TRIES).contains(&second.address().port()));
        drop(first);
        assert_eq!(Listeners::bind(port).unwrap().address().port(), port);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_inherits_every_listener_and_another_process_none() {
        let listeners = Listeners::bind(0).unwrap();
        let counts = |output: std::process::Output| {
            String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .filter(|line| line.contains("socket:"))
                .count()
        };
        let mut list = tokio::process::Command::new("sh");
        list.args(["-c", "ls -l /proc/self/fd | grep ' \\(6[4-9]\\|7.\\|80\\) '; echo $LISTEN_FDS $LISTEN_FDS_FIRST_FD"]);
        list.stdout(std::process::Stdio::piped());
        let inherited = listeners.start(&mut list).unwrap().wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&inherited.stdout).into_owned();
        assert!(said.contains("17 64"), "{said}");
        assert_eq!(counts(inherited), if cfg!(target_os = "linux") { 17 } else { 0 });
        let mut other = tokio::process::Command::new("sh");
        other.args(["-c", "ls -l /proc/self/fd | grep ' \\(6[4-9]\\|7.\\|80\\) '"]);
        assert_eq!(counts(other.output().await.unwrap()), 0);
    }
}
