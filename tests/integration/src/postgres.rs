//! A PostgreSQL server for tests, from the binaries of the system.

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::ports::free_port;

/// How long the server may take to start and to stop.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A server in a directory of its own, on a Unix socket and a port of the loopback interface.
pub struct Postgres {
    directory: TempDir,
    binaries: PathBuf,
    port: u16,
    settings: Vec<String>,
    server: Mutex<Option<Child>>,
}

impl Postgres {
    /// Starts a server. `None`, with the reason printed, where PostgreSQL is not installed, unless
    /// `TOOLGATE_TEST_POSTGRES` says that it has to be; or where that is `0`.
    ///
    /// # Panics
    ///
    /// The server does not start.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with settings, such as `ssl=on`.
    ///
    /// # Panics
    ///
    /// The server does not start.
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        Self::prepare().map(|mut server| {
            server.settings = settings.iter().map(|&setting| setting.to_owned()).collect();
            server.run();
            server
        })
    }

    /// Creates a server that is not running.
    ///
    /// # Panics
    ///
    /// The directory cannot be initialised.
    pub fn prepare() -> Option<Self> {
        let wanted = env::var_os("TOOLGATE_TEST_POSTGRES");
        if wanted.as_ref().is_some_and(|wanted| wanted == "0") {
            eprintln!("skipped: TOOLGATE_TEST_POSTGRES is 0");
            return None;
        }
        let Some(binaries) = binaries() else {
            assert!(
                wanted.is_none(),
                "PostgreSQL is not installed, and TOOLGATE_TEST_POSTGRES is set"
            );
            eprintln!(
                "skipped: PostgreSQL is not installed (on Debian: apt-get install postgresql)"
            );
            return None;
        };
        let directory = new_directory();
        let (port, data) = (free_port(), directory.path().join("data"));
        let server =
            Self { directory, binaries, port, settings: Vec::new(), server: Mutex::new(None) };
        let mut initdb = server.command("initdb");
        initdb.args(["--auth=trust", "--username=toolgate", "--no-sync", "--encoding=UTF8"]);
        initdb.arg("--locale=C").arg("-D").arg(&data);
        succeed(initdb.output().expect("initdb runs"), "initdb");
        Some(server)
    }

    /// Starts the server, which is not running.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub fn run(&self) {
        let path = self.directory.path();
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(path.join("data")).arg("-k").arg(path);
        postgres.args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        for setting in ["max_connections=50", "shared_buffers=16MB"] {
            postgres.args(["-c", setting]);
        }
        for setting in &self.settings {
            postgres.args(["-c", setting]);
        }
        let log = fs::File::create(path.join("log")).expect("a log");
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        *self.server() = Some(postgres.spawn().expect("postgres runs"));
        let begun = Instant::now();
        while !self
            .command("pg_isready")
            .args(self.address())
            .output()
            .expect("runs")
            .status
            .success()
        {
            let ended = self.server().as_mut().and_then(|server| server.try_wait().ok().flatten());
            assert!(ended.is_none() && begun.elapsed() < MAX_WAIT, "{}", self.log());
        }
        if self
            .sql_in("postgres", "SELECT 1 FROM pg_database WHERE datname = 'toolgate'")
            .is_empty()
        {
            self.sql_in("postgres", "CREATE DATABASE toolgate");
        }
    }

    /// Stops the server at once, as a power failure does for its clients.
    ///
    /// # Panics
    ///
    /// It does not stop.
    pub fn stop(&self) {
        if let Some(mut server) = self.server().take() {
            let pid = server.id().to_string();
            // SIGQUIT: without waiting for connections, and without leaving processes behind.
            Command::new("kill").args(["-QUIT", &pid]).status().expect("kill runs");
            server.wait().expect("the server ends");
        }
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        format!("postgres://toolgate@127.0.0.1:{}/toolgate", self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory, which the server's user owns.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs SQL as the owner of the database would, and returns what `psql` prints without a table.
    ///
    /// # Panics
    ///
    /// It fails.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("toolgate", sql)
    }

    /// Starts to run SQL, and goes on. It ends when what is returned is dropped.
    ///
    /// # Panics
    ///
    /// `psql` does not start.
    pub fn spawn_sql(&self, sql: &str) -> impl Drop + use<> {
        struct Running(Child);
        impl Drop for Running {
            fn drop(&mut self) {
                let _ = self.0.kill();
                let _ = self.0.wait();
            }
        }
        let mut psql = self.command("psql");
        psql.args(self.address()).args(["-U", "toolgate", "-d", "toolgate", "-XAtq", "-c", sql]);
        psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Running(psql.spawn().expect("psql runs"))
    }

    /// Creates a server that follows this one, and is not running. It is read-only until it is promoted.
    ///
    /// # Panics
    ///
    /// The data cannot be copied.
    #[must_use]
    pub fn standby(&self) -> Self {
        let (directory, port) = (new_directory(), free_port());
        let server = Self {
            directory,
            binaries: self.binaries.clone(),
            port,
            settings: Vec::new(),
            server: Mutex::new(None),
        };
        let mut copy = server.command("pg_basebackup");
        copy.args(self.address()).args(["-U", "toolgate", "-R", "-X", "stream", "--no-sync"]);
        copy.args(["-c", "fast", "-D"]).arg(server.directory.path().join("data"));
        succeed(copy.output().expect("pg_basebackup runs"), "pg_basebackup");
        server
    }

    /// Makes a standby the primary.
    ///
    /// # Panics
    ///
    /// It is none.
    pub fn promote(&self) {
        assert_eq!(self.sql("SELECT pg_promote()"), "t");
    }

    /// Waits until a query has a row.
    ///
    /// # Panics
    ///
    /// It has none for a minute.
    pub fn wait_for(&self, sql: &str) {
        let begun = Instant::now();
        while self.sql(sql).is_empty() {
            assert!(begun.elapsed() < MAX_WAIT, "{sql}");
        }
    }

    /// Sets the server's settings, which is not running.
    pub fn set(&mut self, settings: &[String]) {
        self.settings = settings.to_vec();
    }

    /// Gives a file of the directory to the server's user.
    ///
    /// # Panics
    ///
    /// There is no such file.
    pub fn own(&self, name: &str) {
        self.own_path(&self.directory.path().join(name));
    }

    /// Gives a file or a directory to the server's user.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn own_path(&self, path: &Path) {
        give_away(path);
    }

    fn sql_in(&self, database: &str, sql: &str) -> String {
        let mut psql = self.command("psql");
        psql.args(self.address()).args(["-U", "toolgate", "-d", database, "-XAtq"]);
        psql.args(["-v", "ON_ERROR_STOP=1", "-c", sql]);
        succeed(psql.output().expect("psql runs"), sql)
    }

    /// Copies rows in the text format of `COPY` into a table.
    ///
    /// # Panics
    ///
    /// A row is refused.
    pub fn copy(&self, table: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut psql = self.command("psql");
        let sql = format!("COPY {table} FROM STDIN");
        psql.args(self.address()).args(["-U", "toolgate", "-d", "toolgate", "-Xq", "-c", &sql]);
        psql.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut copying = psql.spawn().expect("psql runs");
        let mut rows = io::BufWriter::new(copying.stdin.take().expect("an input"));
        write(&mut rows).expect("rows are taken");
        drop(rows);
        assert!(copying.wait().expect("psql ends").success(), "{table}");
    }

    /// All that the database has, as text.
    ///
    /// # Panics
    ///
    /// It cannot be dumped.
    pub fn dump(&self) -> String {
        let mut dump = self.command("pg_dump");
        dump.args(self.address()).args(["-U", "toolgate", "toolgate"]);
        succeed(dump.output().expect("pg_dump runs"), "pg_dump")
    }

    fn address(&self) -> [String; 4] {
        let path = self.directory.path().display().to_string();
        ["-h".to_owned(), path, "-p".to_owned(), self.port.to_string()]
    }

    /// A program of PostgreSQL, which refuses to run as root.
    fn command(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = if let Some(user) = other_user() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.env("LC_ALL", "C").current_dir(self.directory.path());
        command
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Creates a database in the server at `url`, and returns its URL.
///
/// # Panics
///
/// It is not created.
pub fn create_database(url: &str, name: &str) -> String {
    let psql = binaries().expect("PostgreSQL is installed").join("psql");
    let mut psql = Command::new(psql);
    psql.args([url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", &format!("CREATE DATABASE {name}")]);
    succeed(psql.output().expect("psql runs"), name);
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

/// The user for the server, where this process is root's: "nobody".
fn other_user() -> Option<&'static str> {
    static IS_ROOT: OnceLock<bool> = OnceLock::new();
    let is_root = IS_ROOT.get_or_init(|| {
        let id = Command::new("id").arg("-u").output();
        id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    });
    is_root.then_some("65534")
}

/// A directory of the server's user, with one for the data in it.
fn new_directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("pg").tempdir().expect("a directory");
    let data = directory.path().join("data");
    fs::create_dir(&data).expect("a directory");
    fs::set_permissions(&data, Permissions::from_mode(0o700)).expect("it is ours");
    give_away(directory.path());
    give_away(&data);
    directory
}

/// Gives a directory to the server's user.
fn give_away(path: &Path) {
    if let Some(user) = other_user() {
        let id = user.parse().expect("a number");
        chown(path, Some(id), Some(id)).expect("root may give files away");
    }
}

/// The folder with the programs: Debian's newest, or one in the `PATH`.
fn binaries() -> Option<PathBuf> {
    let needed = ["initdb", "pg_basebackup", "pg_dump", "pg_isready", "postgres", "psql"];
    let has_all = |path: &PathBuf| needed.iter().all(|name| path.join(name).is_file());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut debian: Vec<_> =
        versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect();
    debian.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    debian.into_iter().rev().chain(env::split_paths(&path)).find(has_all)
}

fn succeed(output: Output, doing: &str) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{doing}: {error}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
