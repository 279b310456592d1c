//! The master key in a real Secret Service: GNOME's, on a message bus of the test. Skipped, with the
//! reason, where they are not installed, unless `TOOLGATE_TEST_KEYRING` says that they have to be.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;

/// A bus without services that start by themselves.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

/// How long the keyring may take to start.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A message bus, and the home of a user.
struct Desktop {
    home: TempDir,
    address: String,
    bus: Child,
    keyring: Option<Child>,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

impl Desktop {
    /// Starts a bus without a keyring.
    fn start() -> Option<Self> {
        for (program, package) in
            [("dbus-daemon", "dbus-daemon"), ("gnome-keyring-daemon", "gnome-keyring")]
        {
            if !is_installed(program) {
                assert!(
                    std::env::var_os("TOOLGATE_TEST_KEYRING").is_none(),
                    "{program} is not installed, and TOOLGATE_TEST_KEYRING is set"
                );
                eprintln!(
                    "skipped: {program} is not installed (Debian: apt-get install {package})"
                );
                return None;
            }
        }
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("bus.conf"), BUS).unwrap();
        fs::create_dir(home.path().join("runtime")).unwrap();
        let mut config = std::ffi::OsString::from("--config-file=");
        config.push(home.path().join("bus.conf"));
        let mut bus = Command::new("dbus-daemon")
            .arg(config)
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Some(Self { home, address: address.trim().to_owned(), bus, keyring: None })
    }

    /// Starts the keyring, unlocked where the password is given. It is new at the first start.
    fn start_keyring(&mut self, password: Option<&str>) {
        self.stop_keyring();
        let mut daemon = self.command("gnome-keyring-daemon");
        daemon.args(["--foreground", "--components=secrets"]);
        if password.is_some() {
            daemon.arg("--unlock");
        }
        daemon.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut daemon = daemon.spawn().unwrap();
        let mut input = daemon.stdin.take().unwrap();
        input.write_all(password.unwrap_or_default().as_bytes()).unwrap();
        drop(input);
        self.keyring = Some(daemon);
        // Until it has its name on the bus.
        let mut named = self.command("dbus-send");
        named.args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus"]);
        named.args(["/", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
        let begun = Instant::now();
        while begun.elapsed() < MAX_WAIT {
            let said = String::from_utf8(named.output().unwrap().stdout).unwrap();
            if said.contains("true") {
                return;
            }
        }
        panic!("the keyring has not started");
    }

    fn stop_keyring(&mut self) {
        if let Some(mut running) = self.keyring.take() {
            let _ = Command::new("kill").arg(running.id().to_string()).status();
            running.wait().unwrap();
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.home.path();
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("HOME", home);
        command.env("XDG_RUNTIME_DIR", home.join("runtime"));
        command
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_CONFIG_HOME", home.join("config"));
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "TOOLGATE_KEY", "CREDENTIALS_DIRECTORY"] {
            command.env_remove(name);
        }
        command
    }

    fn data(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn server(&self, data: &str, names: &str) -> Command {
        let mut server = self.command(env!("CARGO_BIN_EXE_served"));
        server.arg("--stdio").env("FORGE_URL", "http://127.0.0.1:9");
        server.env("TOOLGATE_DATA", self.data(data)).env("TOOLGATE_KEYRING", names);
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        server
    }

    /// Starts a server, which ends with its input, and returns what it logged.
    fn serve(&self, data: &str, names: &str) -> Result<String, String> {
        outcome(&mut self.server(data, names))
    }

    /// No key lies in a file.
    fn has_no_key_file(&self) -> bool {
        let files = fs::read_dir(self.home.path().join("config/toolgate")).into_iter().flatten();
        files.flatten().all(|file| file.file_name() == "keyring.lock")
    }
}

fn outcome(server: &mut Command) -> Result<String, String> {
    let output = server.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(said) } else { Err(said) }
}

fn has_database(data: &Path) -> bool {
    fs::metadata(data.join("grants.db")).is_ok_and(|meta| meta.len() > 0)
}

#[test]
fn a_key_is_made_and_kept_in_the_keyring() {
    let Some(mut desktop) = Desktop::start() else { return };
    desktop.start_keyring(Some("password"));
    // Many programs that start for the first time make one key.
    let mut started: Vec<_> =
        (0..6).map(|_| desktop.server("data", "tools").spawn().unwrap()).collect();
    for server in started.drain(..) {
        let output = server.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(has_database(&desktop.data("data")) && desktop.has_no_key_file());

    // It is there after the keyring has ended, and is that of the database.
    desktop.start_keyring(Some("password"));
    let said = desktop.serve("data", "tools").unwrap();
    assert!(!said.contains("a master key was made"), "{said}");

    // Another name is another key, and a database gets no new one.
    let said = desktop.serve("data", "other").unwrap_err();
    assert!(said.contains("has no key `other`") && said.contains("grants.db"), "{said}");
    desktop.serve("second", "other").unwrap();
    let said = desktop.serve("data", "other").unwrap_err();
    assert!(said.contains("the master key (of the keyring) is not the one"), "{said}");

    // It is one of all settings of the key, and the keyring is not asked for a database that it is not for.
    let said =
        outcome(desktop.server("data", "tools").env("TOOLGATE_KEY", STANDARD.encode([7; 32])));
    assert!(said.unwrap_err().contains("set one of them"));
    let store = "postgres://127.0.0.1:1/toolgate";
    let said = outcome(desktop.server("data", "shared").env("TOOLGATE_STORE", store)).unwrap_err();
    assert!(said.contains("has no key `shared`") && said.contains("secret-tool store"), "{said}");
    let said = desktop.serve("third", "shared").unwrap();
    assert!(said.contains("a master key was made"), "nothing was made for PostgreSQL: {said}");
}

#[test]
fn keys_are_rotated_by_their_names() {
    let Some(mut desktop) = Desktop::start() else { return };
    desktop.start_keyring(Some("password"));
    desktop.serve("data", "work").unwrap();
    let said = desktop.serve("data", "next,work").unwrap();
    assert!(said.contains("a master key was made"), "{said}");
    desktop.serve("data", "next,work").unwrap();
    desktop.serve("data", "next").unwrap();
    let said = desktop.serve("data", "work").unwrap_err();
    assert!(said.contains("is not the one"), "{said}");
    let said = desktop.serve("data", "last,lost").unwrap_err();
    assert!(said.contains("has no key `lost`"), "{said}");
}

#[test]
fn a_keyring_that_is_locked_or_absent_is_an_error() {
    let Some(mut desktop) = Desktop::start() else { return };
    let refused = |desktop: &Desktop, names: &str, word: &str| {
        let said = desktop.serve("new", names).unwrap_err();
        assert!(
            said.contains("the keyring of the operating system") && said.contains(word),
            "{said}"
        );
        assert!(!has_database(&desktop.data("new")) && desktop.has_no_key_file(), "{said}");
    };
    // A bus without a keyring, and none at all.
    refused(&desktop, "tools", "TOOLGATE_KEY_FILE in place of TOOLGATE_KEYRING");
    let nowhere = format!("unix:path={}", desktop.data("nowhere").display());
    let said = outcome(desktop.server("new", "tools").env("DBUS_SESSION_BUS_ADDRESS", nowhere));
    assert!(said.unwrap_err().contains("TOOLGATE_KEY_FILE in place of TOOLGATE_KEYRING"));

    // A keyring without a collection, in which nothing can be made.
    desktop.start_keyring(None);
    refused(&desktop, "tools", "unlock it");
    desktop.start_keyring(Some("password"));
    desktop.serve("data", "tools").unwrap();
    desktop.start_keyring(None);
    let said = desktop.serve("data", "tools").unwrap_err();
    assert!(said.contains("is locked") && said.contains("unlock it"), "{said}");
    refused(&desktop, "tools", "unlock it");
    desktop.start_keyring(Some("password"));
    desktop.serve("data", "tools").unwrap();
}
