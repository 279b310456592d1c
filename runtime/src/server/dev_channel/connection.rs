//! Connection of the channel: lines of JSON on a Unix socket.

use std::{io, net::TcpListener, path::PathBuf, pin::Pin, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    identity::DevIdentity,
    message::{Heard, Said, VERSION},
};
use crate::http::Accepting;

/// The environment variable with the path of the socket.
const VARIABLE: &str = "TOOLGATE_DEV_SOCKET";

/// The longest line, in bytes: the state of a program.
pub(super) const MAX_LINE_BYTES: usize = 64 << 20;

/// How long the supervisor may take to welcome a program.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);

/// The channel of a program to its supervisor.
pub(crate) struct DevChannel {
    input: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    output: Pin<Box<dyn AsyncWrite + Send>>,
    /// The beginning of a line; a field, because [`DevChannel::hear`] may be cancelled within a line.
    partial: Vec<u8>,
    pub(super) accepting: watch::Sender<Accepting>,
    pub(super) lost: CancellationToken,
    /// Whether the program prints where it is.
    pub(crate) announces: bool,
}

impl DevChannel {
    /// Connects to the supervisor that started this program, if one did.
    pub(crate) async fn connect(
        name: &str,
        spares: Vec<TcpListener>,
    ) -> Option<(Self, DevIdentity)> {
        if !(cfg!(debug_assertions) || cfg!(feature = "dev")) {
            return None;
        }
        let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
        let connected =
            tokio::time::timeout(WELCOME_TIMEOUT, Self::introduce(path.into(), name, spares));
        match connected.await.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            Ok(connected) => Some(connected),
            Err(error) => {
                tracing::warn!(target: "toolgate::server", %error, "the supervisor does not answer at `{VARIABLE}`, so nothing is handed over");
                None
            }
        }
    }

    async fn introduce(
        path: PathBuf,
        name: &str,
        spares: Vec<TcpListener>,
    ) -> io::Result<(Self, DevIdentity)> {
        let (input, output) = open(path).await?;
        let mut channel = Self::new(input, output);
        let pid = std::process::id();
        channel.say(&Said::Hello { version: VERSION, pid, name }).await?;
        loop {
            match channel.hear().await? {
                Some(Heard::Welcome(welcome)) => {
                    channel.announces = welcome.announce;
                    let accepting = channel.accepting.subscribe();
                    let identity = DevIdentity::of(welcome.kept.as_deref(), spares, accepting);
                    return Ok((channel, identity));
                }
                Some(_) => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + 'static,
    ) -> Self {
        Self {
            input: BufReader::new(Box::new(input)),
            output: Box::pin(output),
            partial: Vec::new(),
            accepting: watch::Sender::new(Accepting::Paused),
            lost: CancellationToken::new(),
            announces: true,
        }
    }

    /// Whether connections are accepted.
    pub(crate) fn accepting(&self) -> watch::Receiver<Accepting> {
        self.accepting.subscribe()
    }

    /// Is cancelled when the supervisor has ended.
    pub(crate) fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Sends a message.
    pub(super) async fn say(&mut self, message: &Said<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        if line.len() > MAX_LINE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
        }
        self.output.write_all(&line).await?;
        self.output.flush().await
    }

    /// The next message; `None` at the end.
    pub(super) async fn hear(&mut self) -> io::Result<Option<Heard>> {
        loop {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let read = end.map_or(chunk.len(), |end| end + 1);
            if self.partial.len() + read > MAX_LINE_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
            }
            self.partial.extend_from_slice(&chunk[..read]);
            self.input.consume(read);
            if end.is_some() {
                let line = std::mem::take(&mut self.partial);
                return Ok(Some(Heard::read(&line)?));
            }
        }
    }
}

#[cfg(unix)]
async fn open(
    path: PathBuf,
) -> io::Result<(impl AsyncRead + Send + Unpin + 'static, impl AsyncWrite + Send + 'static)> {
    Ok(tokio::net::UnixStream::connect(path).await?.into_split())
}

#[cfg(not(unix))]
async fn open(_: PathBuf) -> io::Result<(tokio::io::Empty, tokio::io::Sink)> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_lines() {
        let (end, other) = tokio::io::duplex(64);
        let (input, output) = tokio::io::split(end);
        let mut channel = DevChannel::new(input, output);
        let (mut read, mut write) = tokio::io::split(other);
        let supervisor = tokio::spawn(async move {
            let long = "x".repeat(1000);
            let text = format!(
                "{{\"type\":\"hand_over\"}}\n{{\"type\":\"{long}\"}}\n{{\"type\":\"resume\"}}\nno JSON\n"
            );
            write.write_all(text.as_bytes()).await.unwrap();
            let mut said = String::new();
            BufReader::new(&mut read).read_line(&mut said).await.unwrap();
            said
        });
        assert!(matches!(channel.hear().await, Ok(Some(Heard::HandOver))));
        assert!(matches!(channel.hear().await, Ok(Some(Heard::Unknown))));
        assert!(matches!(channel.hear().await, Ok(Some(Heard::Resume))));
        assert!(channel.hear().await.is_err());
        channel.say(&Said::Ready { inspector: None, changes: None }).await.unwrap();
        assert_eq!(supervisor.await.unwrap(), "{\"type\":\"ready\"}\n");
        assert!(matches!(channel.hear().await, Ok(None)));
    }
}
