//! A server in a process of its own, whose memory can be looked at.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// The server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Crowd {
    process: Child,
    /// Open as long as the server may say something.
    _said: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Crowd {
    /// Starts `program`, which is the binary `crowd`.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn start(program: &str) -> Self {
        Self::run(Command::new(program)).await
    }

    /// Starts `program`, whose calls are streams as soon as they wait.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn streaming(program: &str) -> Self {
        let mut command = Command::new(program);
        command.env("CROWD_SSE_AFTER_MS", "1");
        Self::run(command).await
    }

    async fn run(mut command: Command) -> Self {
        let mut process = command
            .args(["--http", "127.0.0.1:0"])
            // Its log would count as memory of the clients.
            .env("TOOLGATE_INSPECTOR", "false")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let mut said = BufReader::new(process.stdout.take().expect("its output")).lines();
        let greeting = said.next_line().await.expect("its output").expect("a greeting");
        let address = greeting.split("http://").nth(1).and_then(|url| url.split('/').next());
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in: {greeting}"));
        Self { process, _said: said, address }
    }

    /// Asks the server to end.
    ///
    /// # Panics
    ///
    /// The process has ended.
    pub fn begin_shutdown(&self) {
        let id = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(id.expect("the server lives"), Signal::TERM).expect("the server lives");
    }

    /// Waits until the server has ended.
    ///
    /// # Panics
    ///
    /// It cannot be waited for.
    pub async fn end(&mut self) -> ExitStatus {
        self.process.wait().await.expect("it is waited for")
    }

    /// How much memory is resident, in kB.
    ///
    /// # Panics
    ///
    /// The process has ended.
    pub fn resident(&self) -> usize {
        let id = self.process.id().expect("the server lives");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        let number = line.split_whitespace().next().and_then(|number| number.parse().ok());
        number.expect("a number of kB")
    }
}

/// Lets this process, and those that it starts, have as many files open as they may, and returns
/// how many that are.
///
/// # Panics
///
/// The system does not let it.
pub fn many_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .expect("the hard limit");
    limit.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}
