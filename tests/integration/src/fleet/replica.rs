//! One process of a fleet.

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Mutex,
    time::timeout,
};

use crate::ports::free_port;

/// How long a process may take to start, and to end after SIGTERM.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// What a process is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: it ends its calls first.
    Terminate,
    /// SIGKILL: it ends at once.
    Kill,
    /// SIGSTOP: it stops until it gets SIGCONT.
    Stop,
    /// SIGCONT.
    Continue,
}

/// A process that can be started again.
pub struct Replica {
    program: PathBuf,
    address: SocketAddr,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    process: Mutex<Option<Child>>,
    lives: AtomicUsize,
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Replica {
    pub(super) fn new(
        program: &Path,
        log: PathBuf,
        environment: Vec<(&'static str, String)>,
    ) -> Self {
        let address = ([127, 0, 0, 1], free_port()).into();
        let program = program.to_owned();
        Self {
            program,
            address,
            environment,
            log,
            process: Mutex::new(None),
            lives: AtomicUsize::new(0),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name of its process, which is another after each start. The provider sees it in the query of
    /// refresh requests.
    pub fn process_name(&self) -> String {
        format!("{}.{}", self.address.port(), self.lives.load(Ordering::SeqCst))
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Panics
    ///
    /// It does not.
    pub async fn start(&self) {
        self.start_with(&[]).await;
        let listens = self.wait_until_it_listens().await;
        assert!(listens, "it does not start: {}", self.log());
    }

    /// Starts it with further variables, and does not wait.
    ///
    /// # Panics
    ///
    /// The program is not there.
    pub async fn start_with(&self, more: &[(&str, &str)]) {
        let log = fs::File::options().create(true).append(true).open(&self.log).expect("a log");
        let mut command = Command::new(&self.program);
        command.args(["--http", &self.address.to_string()]).env("TOOLGATE_INSPECTOR", "off");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.lives.fetch_add(1, Ordering::SeqCst);
        command.env("PROCESS_NAME", self.process_name());
        command.envs(more.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let process = command.spawn().expect("the program is there");
        *self.process.lock().await = Some(process);
    }

    /// Waits until it says that it listens. `false`: it has ended.
    ///
    /// # Panics
    ///
    /// It does neither.
    pub async fn wait_until_it_listens(&self) -> bool {
        let said = self.process.lock().await.as_mut().and_then(|process| process.stdout.take());
        let Some(said) = said else { return false };
        let mut lines = BufReader::new(said).lines();
        let listens = async {
            loop {
                match lines.next_line().await {
                    Ok(Some(line)) if line.contains("listens on") => return true,
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return false,
                }
            }
        };
        let listens = timeout(MAX_WAIT, listens).await.expect("it starts or ends");
        // What it says more is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        listens
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// It cannot be sent.
    pub async fn send(&self, signal: Signal) {
        let process = self.process.lock().await;
        let Some(id) = process.as_ref().and_then(Child::id) else { return };
        let name = match signal {
            Signal::Terminate => "-TERM",
            Signal::Kill => "-KILL",
            Signal::Stop => "-STOP",
            Signal::Continue => "-CONT",
        };
        let sent = Command::new("kill").args([name, &id.to_string()]).status().await;
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// It does not end.
    pub async fn ended(&self) -> Option<ExitStatus> {
        let mut process = self.process.lock().await.take()?;
        let ended = timeout(MAX_WAIT, process.wait()).await;
        Some(ended.unwrap_or_else(|_| panic!("it does not end: {}", self.log())).expect("it ran"))
    }

    /// Whether it is stopped, as by SIGSTOP.
    pub async fn is_stopped(&self) -> bool {
        let process = self.process.lock().await;
        let Some(id) = process.as_ref().and_then(Child::id) else { return false };
        let said = Command::new("ps").args(["-o", "state=", "-p", &id.to_string()]).output().await;
        said.is_ok_and(|said| said.stdout.trim_ascii().starts_with(b"T"))
    }

    /// What it has logged, in all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}
