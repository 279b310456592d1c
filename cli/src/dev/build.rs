//! Builds of the program by cargo, in the background.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use super::{
    message::Diagnostic,
    process_group::{self, Signal},
    project,
};
use crate::program::Selection;

/// The most diagnostics that are passed on.
const MAX_DIAGNOSTICS: usize = 50;

/// A build that runs. It is ended when this is dropped.
pub(super) struct Build {
    leader: u32,
    finished: JoinHandle<Built>,
    began: Instant,
}

/// The result of a build.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) succeeded: bool,
    /// The paths of the programs that the package has: cargo also reports those that were up to date.
    executables: Vec<PathBuf>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What cargo wrote to standard error.
    pub(super) errors: String,
}

impl Build {
    /// Starts a build. `is_first`: cargo shows its progress.
    pub(super) fn start(selection: &Selection, directory: &Path, is_first: bool) -> Result<Self> {
        let mut cargo = Command::from(project::cargo());
        cargo.args(["build", "--message-format=json-diagnostic-rendered-ansi"]);
        for (flag, value) in [
            ("--package", &selection.package),
            ("--bin", &selection.bin),
            ("--features", &selection.features),
        ] {
            cargo.args(value.iter().flat_map(|value| [flag, value]));
        }
        cargo.args(selection.release.then_some("--release"));
        cargo.args((!is_first).then_some("--quiet"));
        cargo.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped());
        cargo.stderr(if is_first { Stdio::inherit() } else { Stdio::piped() });
        let child = process_group::begin(&mut cargo).kill_on_drop(true).spawn();
        let child = child.context("cargo could not be started")?;
        let leader = child.id().context("cargo has ended")?;
        Ok(Self { leader, finished: tokio::spawn(follow(child)), began: Instant::now() })
    }

    #[cfg(unix)]
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) async fn finished(&mut self) -> Built {
        (&mut self.finished).await.unwrap_or_default()
    }

    /// Ends the build, and waits until it has ended: two builds would wait for each other's lock.
    pub(super) async fn cancel(mut self) {
        process_group::signal(self.leader, Signal::Terminate);
        if cfg!(not(unix)) {
            self.finished.abort();
        }
        self.finished().await;
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        if !self.finished.is_finished() {
            process_group::signal(self.leader, Signal::Kill);
        }
    }
}

impl Built {
    /// The messages of the compiler, as rustc rendered them.
    pub(super) fn rendered(&self) -> String {
        self.diagnostics.iter().map(|diagnostic| &*diagnostic.rendered).collect()
    }

    /// The one program.
    pub(super) fn executable(&self) -> Result<&Path> {
        match &self.executables[..] {
            [executable] => Ok(executable),
            [] => bail!("the package has no program"),
            _ => bail!("the package has several programs: name one with `--bin`"),
        }
    }

    fn add(&mut self, line: &str) {
        let Ok(line) = serde_json::from_str::<Line>(line) else { return };
        match (&*line.reason, line.message) {
            ("compiler-message", Some(message)) => self.diagnostics.push(message.into()),
            ("compiler-artifact", _) => {
                let is_program = line.target.is_some_and(|it| it.kind.iter().any(|it| it == "bin"));
                self.executables.extend(line.executable.filter(|_| is_program));
            }
            _ => {}
        }
    }
}

async fn follow(mut child: Child) -> Built {
    let mut built = Built::default();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let errors = async {
        let mut bytes = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.read_to_end(&mut bytes).await;
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let lines = async {
        let mut stdout = BufReader::new(stdout?);
        let mut line = Vec::new();
        while let Ok(1..) = stdout.read_until(b'\n', &mut line).await {
            built.add(&String::from_utf8_lossy(&line));
            line.clear();
        }
        Some(())
    };
    let (errors, _) = tokio::join!(errors, lines);
    built.errors = errors;
    built.succeeded = child.wait().await.is_ok_and(|status| status.success());
    // Errors first, and warnings after them.
    built.diagnostics.sort_by_key(|diagnostic| !diagnostic.level.starts_with("error"));
    built.diagnostics.truncate(MAX_DIAGNOSTICS);
    built
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    #[serde(rename = "message")]
    text: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u64,
    column_start: u64,
    is_primary: bool,
}

impl From<Message> for Diagnostic {
    fn from(message: Message) -> Self {
        let span = message.spans.into_iter().find(|span| span.is_primary);
        Self {
            level: message.level,
            message: message.text,
            code: message.code.map(|code| code.code),
            line: span.as_ref().map(|span| span.line_start),
            column: span.as_ref().map(|span| span.column_start),
            file: span.map(|span| span.file_name),
            rendered: message.rendered.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_cargo_are_read() {
        let mut built = Built::default();
        for line in [
            r#"{"reason":"compiler-message","message":{"level":"error","message":"mismatched types","code":{"code":"E0308"},"spans":[{"file_name":"src/main.rs","line_start":7,"column_start":3,"is_primary":true}],"rendered":"\u001b[1merror\u001b[0m"}}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"]},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"]},"executable":"/t/debug/tools"}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "a line of a build script",
        ] {
            built.add(line);
        }
        assert_eq!(built.executables, [Path::new("/t/debug/tools")]);
        assert_eq!(built.rendered(), "\u{1b}[1merror\u{1b}[0m");
        let only = &built.diagnostics[0];
        assert_eq!((only.file.as_deref(), only.line), (Some("src/main.rs"), Some(7)));
    }
}
