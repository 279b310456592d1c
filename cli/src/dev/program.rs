//! A running program, and what it says over its channel.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixListener,
    process::{ChildStderr, Command},
    sync::mpsc,
};

use super::{
    listeners::Listeners,
    message::{FromProgram, ToProgram},
    process_group::{self, Signal},
};

/// How much of the standard error of a program is kept.
const MAX_TAIL_BYTES: usize = 16 << 10;

/// The longest line of a program.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// How long standard error and the channel may stay open after the program has ended: its children may
/// hold them.
const END_TIMEOUT: Duration = Duration::from_millis(200);

/// What happens to a program.
pub(super) enum Event {
    Said(FromProgram),
    Exited(ExitStatus),
}

/// How a program is started.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) executable: &'a Path,
    pub(super) arguments: &'a [OsString],
    /// The directory of its package.
    pub(super) directory: &'a Path,
    pub(super) variables: &'a [(&'static str, String)],
    /// The directory of the channel's socket, which only this user can enter.
    pub(super) sockets: &'a Path,
}

/// A program. It is killed when this is dropped.
pub(super) struct Program {
    id: u32,
    events: mpsc::UnboundedReceiver<Event>,
    lines: mpsc::UnboundedSender<String>,
    has_exited: Arc<AtomicBool>,
    tail: Arc<Mutex<VecDeque<u8>>>,
}

impl Program {
    pub(super) fn start(launch: &Launch<'_>, listeners: &Listeners) -> Result<Self> {
        let (to_us, events) = mpsc::unbounded_channel();
        let (lines, lines_to_write) = mpsc::unbounded_channel();
        let socket = socket(launch.sockets);
        let listener = UnixListener::bind(&socket).context("the channel cannot be opened")?;
        let mut command = Command::new(launch.executable);
        command
            .args(launch.arguments)
            .current_dir(launch.directory)
            .env("CARGO_MANIFEST_DIR", launch.directory)
            .env("TOOLGATE_DEV_SOCKET", &socket)
            .env_remove("TOOLGATE_HTTP")
            .env_remove("TOOLGATE_STDIO")
            .envs(launch.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        process_group::begin(&mut command);
        let mut child = listeners
            .start(&mut command)
            .with_context(|| format!("{} could not be started", launch.executable.display()))?;
        let id = child.id().context("the program has ended")?;
        let has_exited = Arc::<AtomicBool>::default();
        let tail = Arc::<Mutex<VecDeque<u8>>>::default();
        let copied = child.stderr.take().map(|from| tokio::spawn(copy(from, Arc::clone(&tail))));
        let (exited, to_us_at_end) = (Arc::clone(&has_exited), to_us.clone());
        let mut talks = tokio::spawn(talk(listener, socket, to_us, lines_to_write));
        tokio::spawn(async move {
            let status = child.wait().await;
            exited.store(true, SeqCst);
            if let Some(copied) = copied {
                let _ = tokio::time::timeout(END_TIMEOUT, copied).await;
            }
            // Its last output is read before its end is reported.
            if tokio::time::timeout(END_TIMEOUT, &mut talks).await.is_err() {
                talks.abort();
            }
            if let Ok(status) = status {
                let _ = to_us_at_end.send(Event::Exited(status));
            }
        });
        Ok(Self { id, events, lines, has_exited, tail })
    }

    pub(super) fn say(&self, message: &ToProgram<'_>) {
        // If the program has ended, the message is lost, and the end is an event of its own.
        let _ = self.lines.send(message.line());
    }

    /// The next event. `None` after the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    pub(super) fn signal(&self, signal: Signal) {
        if !self.has_exited.load(SeqCst) {
            process_group::signal(self.id, signal);
        }
    }

    /// The end of what the program wrote to standard error.
    pub(super) fn tail(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
    }
}

/// A path that no other program of this supervisor has.
fn socket(directory: &Path) -> PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    directory.join(NEXT.fetch_add(1, SeqCst).to_string())
}

/// Takes the program's connection, and passes messages both ways until it ends.
async fn talk(
    listener: UnixListener,
    socket: PathBuf,
    to_us: mpsc::UnboundedSender<Event>,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
    let accepted = listener.accept().await;
    // A second connection is refused, because there is no path to it any more.
    std::fs::remove_file(&socket)?;
    let (read, mut write) = accepted?.0.into_split();
    let writes = async {
        while let Some(line) = lines.recv().await {
            if write.write_all(line.as_bytes()).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let reads = async {
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut read).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await;
            if !matches!(read, Ok(1..))
                || to_us.send(Event::Said(FromProgram::parse(&line))).is_err()
            {
                break;
            }
        }
    };
    tokio::select! {
        () = writes => {}
        () = reads => {}
    }
    Ok(())
}

/// Copies standard error, and keeps its end.
async fn copy(mut from: ChildStderr, tail: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let _ = io::stderr().write_all(&buffer[..read]);
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&buffer[..read]);
        let over = tail.len().saturating_sub(MAX_TAIL_BYTES);
        tail.drain(..over);
    }
}
