//! A project on disk, a cargo that builds it at once, and the command that serves it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
};

/// How long anything may take on a machine with other work.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A project in a directory of its own.
pub(crate) struct Project(TempDir);

impl Project {
    /// A project for a cargo that does not compile: it writes a program that is this test program.
    ///
    /// The first line of `src/main.rs` is `// version N`. A line `error` does not compile, a program
    /// with `crash` ends at once, one with `gated` has a gate instead of people without passwords, one with
    /// `in memory` keeps its grants there and has the stand-in of GitHub, and a build waits for a reader of the pipe `gate`, where there is one.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        let root = project.root();
        let metadata = json!({
            "packages": [{ "id": "tools", "name": "tools", "source": null, "manifest_path": root.join("Cargo.toml"), "targets": [{ "kind": ["bin"] }] }],
            "workspace_default_members": ["tools"],
            "workspace_root": root,
            "target_directory": root.join("target"),
            "resolve": { "root": "tools", "nodes": [{ "id": "tools", "dependencies": [] }] },
        });
        project.write("metadata.json", &metadata.to_string());
        project.write("Cargo.toml", "[package]\n");
        project.write("target/debug/.keep", "");
        let message = json!({ "reason": "compiler-message", "message": { "level": "error", "message": "mismatched types", "code": { "code": "E0308" }, "spans": [], "rendered": "\u{1b}[1merror[E0308]\u{1b}[0m: mismatched types\n" } });
        let artifact = json!({ "reason": "compiler-artifact", "target": { "kind": ["bin"] }, "executable": root.join("target/debug/tools") });
        let script = format!(
            r#"#!/bin/sh
cd '{root}'
[ "$1" = metadata ] && exec cat metadata.json
echo build >> builds
[ -p gate ] && cat gate > /dev/null
if grep -q '^error' src/main.rs; then printf '%s\n' '{message}'; exit 101; fi
version=$(sed -n 's|^// version ||p' src/main.rs)
gated=$(sed -n 's|^gated.*|1|p' src/main.rs)
in_memory=$(sed -n 's|^in memory.*|1|p' src/main.rs)
first="exec env VERSION=$version GATED=$gated IN_MEMORY=$in_memory TOOLGATE_DATA='{root}/data' '{this}' --exact program::serves --nocapture"
grep -q '^crash' src/main.rs && first='echo it crashes >&2; exit 3'
printf '#!/bin/sh\n# in {root}\n%s\n' "$first" > target/debug/tools.new
chmod +x target/debug/tools.new
mv target/debug/tools.new target/debug/tools
printf '%s\n' '{artifact}'
"#,
            root = root.display(),
            this = std::env::current_exe().unwrap().display(),
        );
        project.write("cargo", &script);
        fs::set_permissions(root.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        project.save(0, "");
        project
    }

    /// A project that cargo itself builds, without dependencies.
    pub(crate) fn compiled() -> Self {
        let project = Self::empty();
        project
            .write("Cargo.toml", "[package]\nname = \"tools\"\nedition = \"2024\"\n[workspace]\n");
        project.save_compiled(0, "");
        project
    }

    fn empty() -> Self {
        Self(tempfile::Builder::new().prefix("toolgate-project-").tempdir().unwrap())
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Saves a version of the program.
    pub(crate) fn save(&self, version: u64, more: &str) {
        self.write("src/main.rs", &format!("// version {version}\n{more}\n"));
    }

    /// Saves a version of a program that cargo compiles.
    pub(crate) fn save_compiled(&self, version: u64, more: &str) {
        let program = format!(
            "use std::{{os::unix::process::CommandExt as _, process::Command}};\n\nfn main() {{\n    {more}\n    let error = Command::new({this:?}).args([\"--exact\", \"program::serves\", \"--nocapture\"]).env(\"VERSION\", \"{version}\").env(\"TOOLGATE_DATA\", {data:?}).exec();\n    panic!(\"{{error}}\");\n}}\n",
            this = std::env::current_exe().unwrap().to_str().unwrap(),
            data = self.root().join("data").to_str().unwrap(),
        );
        self.write("src/main.rs", &program);
    }

    /// A pipe, which is read until it is written to.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.root().join(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    }

    /// How often cargo was called to build.
    pub(crate) fn builds(&self) -> usize {
        fs::read_to_string(self.root().join("builds")).unwrap_or_default().lines().count()
    }

    /// Serves the project.
    pub(crate) fn dev(&self, arguments: &[&str]) -> Dev {
        self.dev_with(arguments, None)
    }

    /// Serves the project, with the programs of a directory before all others.
    pub(crate) fn dev_with(&self, arguments: &[&str], programs: Option<&Path>) -> Dev {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-toolgate"));
        command.args(["toolgate", "dev", "--no-open"]).args(arguments);
        if self.root().join("cargo").exists() {
            command.env("CARGO", self.root().join("cargo"));
        }
        command.env("CARGO_TARGET_DIR", self.root().join("target"));
        if let Some(programs) = programs {
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", programs.display()));
        }
        Dev::start(command.current_dir(self.root()), &self.root())
    }
}

/// The command, and what it and its programs print.
pub(crate) struct Dev {
    child: Child,
    root: PathBuf,
    printed: Arc<Mutex<String>>,
    changed: watch::Receiver<()>,
    /// Up to where it was looked at.
    read: usize,
}

impl Dev {
    fn start(command: &mut Command, root: &Path) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let printed = Arc::<Mutex<String>>::default();
        let (to_us, changed) = watch::channel(());
        let to_us = Arc::new(to_us);
        let collect = |from: Box<dyn AsyncRead + Send + Unpin>| {
            let (printed, to_us) = (Arc::clone(&printed), Arc::clone(&to_us));
            tokio::spawn(async move {
                let mut lines = BufReader::new(from).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    printed.lock().unwrap().push_str(&(line + "\n"));
                    to_us.send_replace(());
                }
            });
        };
        collect(Box::new(child.stdout.take().unwrap()));
        collect(Box::new(child.stderr.take().unwrap()));
        Self { child, root: root.to_owned(), printed, changed, read: 0 }
    }

    pub(crate) fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Waits until a line with this text is printed, after those that were waited for.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        let (line, end) = self.line(text, self.read).await;
        self.read = end;
        line
    }

    /// Waits until a line with this text is printed, before or after the others.
    pub(crate) async fn has_said(&mut self, text: &str) {
        self.line(text, 0).await;
    }

    /// The first line with this text from a position on, and where it ends.
    async fn line(&mut self, text: &str, from: usize) -> (String, usize) {
        let found = async {
            loop {
                {
                    let printed = self.printed.lock().unwrap();
                    let mut end = from;
                    for line in printed[from..].split_inclusive('\n') {
                        end += line.len();
                        if line.contains(text) {
                            return (line.to_owned(), end);
                        }
                    }
                }
                self.changed.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(LIMIT, found).await;
        found.unwrap_or_else(|_| panic!("nothing says {text:?}:\n{}", self.printed.lock().unwrap()))
    }

    /// The address of the server, once it has one.
    pub(crate) async fn address(&mut self) -> std::net::SocketAddr {
        let line = self.says("listens on http://").await;
        let address = line.split("listens on http://").nth(1).unwrap().split('/').next().unwrap();
        address.parse().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it as Ctrl-C does, and checks that nothing is left behind.
    pub(crate) async fn end(self) {
        self.end_by(Signal::INT).await;
    }

    /// Ends it by a signal, and checks that nothing is left behind.
    pub(crate) async fn end_by(mut self, signal: Signal) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let printed = self.printed();
        assert!(ended.expect("it ends").unwrap().success(), "{printed}");
        let nothing_is_left = || processes_of(&self.root).is_empty();
        eventually(&self, "no process is left", nothing_is_left).await;
    }
}

/// Waits until something holds: what was ended is there for a moment more.
pub(crate) async fn eventually(dev: &Dev, what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        let left = processes_of(&dev.root);
        assert!(begun.elapsed() < LIMIT, "{what}: {left:?}:\n{}", dev.printed());
        tokio::task::yield_now().await;
    }
}

/// Opens a pipe for writing, once it is read.
pub(crate) async fn open_once_read(pipe: PathBuf) -> fs::File {
    let open = tokio::task::spawn_blocking(|| fs::OpenOptions::new().write(true).open(pipe));
    let opened = tokio::time::timeout(LIMIT, open).await;
    opened.expect("it is read").unwrap().unwrap()
}

/// The command lines of the processes that work for the project.
pub(crate) fn processes_of(root: &Path) -> Vec<String> {
    let root = root.to_str().unwrap();
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name: &str| {
            let bytes = fs::read(process.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let command = read("cmdline");
        if command.contains(root) || read("environ").contains(root) {
            found.push(command);
        }
    }
    found
}

/// The children of a process that have ended and were not waited for.
pub(crate) fn zombies_of(parent: u32) -> usize {
    let is_zombie = |stat: &str| {
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.next() == Some("Z") && fields.next() == Some(&parent.to_string())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats =
        processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stats.filter(|stat| is_zombie(stat)).count()
}
