//! Supervisor of programs, as `cargo toolgate dev` is one: it holds the listeners, and says whose turn
//! it is.

use std::{
    net::TcpListener,
    os::fd::{AsRawFd as _, OwnedFd},
    path::Path,
    process::Stdio,
};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{
        UnixListener,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, Command},
};

/// How many listeners there are besides the server's own.
const SPARES: usize = 4;

/// Where their numbers begin: above those that the program opens by itself.
const FIRST_FD: i32 = 300;

pub(super) struct Supervisor {
    pub(super) data: TempDir,
    pub(super) address: String,
    channel: UnixListener,
    /// The server's own and the spares, one after another.
    listeners: Vec<OwnedFd>,
    kept: Option<Value>,
}

/// A program that was started, and its end of the channel.
pub(super) struct Program {
    pub(super) child: Child,
    pub(super) input: Lines<BufReader<OwnedReadHalf>>,
    pub(super) output: OwnedWriteHalf,
    pub(super) built: Value,
}

impl Supervisor {
    pub(super) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let channel = UnixListener::bind(data.path().join("channel")).unwrap();
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = own.local_addr().unwrap().to_string();
        let spares = (0..SPARES).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let listeners = numbered(&std::iter::once(own).chain(spares).collect::<Vec<_>>());
        for fd in &listeners {
            // Children have it.
            fcntl_setfd(fd, FdFlags::empty()).unwrap();
        }
        Self { data, address, channel, listeners, kept: None }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts a program, and waits until it is built.
    pub(super) async fn start(&mut self, variables: &[(&str, &str)]) -> Program {
        let child = self.command(self.data.path()).envs(variables.iter().copied()).spawn().unwrap();
        let (stream, _) = self.channel.accept().await.unwrap();
        let (input, output) = stream.into_split();
        let input = BufReader::new(input).lines();
        let mut program = Program { child, input, output, built: Value::Null };
        let hello = program.hear("hello").await;
        assert_eq!((&hello["version"], &hello["name"]), (&json!(1), &json!("integration")));
        assert_eq!(hello["pid"], program.child.id().unwrap());
        let mut welcome = json!({ "type": "welcome", "version": 1, "announce": false });
        if let Some(kept) = &self.kept {
            welcome["kept"] = kept.clone();
        }
        program.say(&welcome).await;
        self.kept = Some(program.hear("keep").await["kept"].clone());
        program.built = program.hear("built").await;
        program
    }

    fn command(&self, data: &Path) -> Command {
        let names: Vec<_> = std::iter::once("http").chain((0..SPARES).map(|_| "spare")).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_supervised"));
        command
            .env("TOOLGATE_DATA", data)
            .env("XDG_CONFIG_HOME", data)
            .env("TOOLGATE_DEV_SOCKET", self.data.path().join("channel"))
            .env("LISTEN_FDS", self.listeners.len().to_string())
            .env("LISTEN_FDS_FIRST_FD", self.listeners[0].as_raw_fd().to_string())
            .env("LISTEN_FDNAMES", names.join(":"))
            .env("CARGO_MANIFEST_DIR", data)
            .env_remove("LISTEN_PID")
            .env_remove("TOOLGATE_HTTP")
            .env_remove("TOOLGATE_KEY")
            .env_remove("TOOLGATE_INSPECTOR")
            .env_remove("GITHUB_CLIENT_ID")
            .env_remove("GITHUB_CLIENT_SECRET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Lets a first program serve. Returns what it says then.
    pub(super) async fn begin(&self, program: &mut Program) -> Value {
        program.say(&json!({ "type": "accept" })).await;
        program.hear("ready").await
    }

    /// Puts a new program in the place of an old one, with a change of what it hands over. Returns
    /// what the new one says then.
    pub(super) async fn switch(
        &self,
        old: &mut Program,
        new: &mut Program,
        change: impl FnOnce(&mut Value),
    ) -> Value {
        old.say(&json!({ "type": "hand_over" })).await;
        let mut state = old.hear("state").await["state"].clone();
        change(&mut state);
        let tools = old.built["tools"].clone();
        new.say(&json!({ "type": "accept", "state": state, "tools_before": tools })).await;
        let ready = new.hear("ready").await;
        let tools_changed = ready["changes"]["tools_changed"].clone();
        old.say(&json!({ "type": "drain", "tools_changed": tools_changed })).await;
        ready
    }
}

/// The listeners under numbers that follow each other. Other tests of this process open files meanwhile.
fn numbered(listeners: &[TcpListener]) -> Vec<OwnedFd> {
    let mut first = FIRST_FD;
    loop {
        let mut found: Vec<OwnedFd> = Vec::new();
        for (listener, at) in listeners.iter().zip(first..) {
            let fd = fcntl_dupfd_cloexec(listener, at).unwrap();
            if fd.as_raw_fd() != at {
                first = fd.as_raw_fd();
                break;
            }
            found.push(fd);
        }
        if found.len() == listeners.len() {
            return found;
        }
    }
}

impl Program {
    pub(super) async fn say(&mut self, message: &Value) {
        self.output.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The next message, which has to be of this type.
    pub(super) async fn hear(&mut self, kind: &str) -> Value {
        let line = self.input.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("the program ended before `{kind}`"));
        let message: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(message["type"], kind, "{line}");
        message
    }
}
