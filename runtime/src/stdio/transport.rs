//! Transports for rmcp's service loop: standard input and output, or a session over HTTP.

use std::{io, sync::Arc};

use futures::future::{BoxFuture, FutureExt, ready};
use rmcp::{
    ErrorData, RoleServer,
    model::GetExtensions,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{
        Transport,
        streamable_http_server::{SessionManager, session::local::LocalSessionManager},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::Mutex,
};

use super::framing::{InputLine, LineReader, MAX_LINE_BYTES};
use crate::mcp::message::raw_arguments;

/// All transports as one type, because rmcp's service loop, with the tasks that it spawns, is
/// compiled for each type.
pub(crate) enum ServerTransport {
    Stdio(StdioTransport),
    /// A session of a client before 2026-07-28, whose messages come over HTTP.
    Session(<LocalSessionManager as SessionManager>::Transport),
    /// No client: nothing is received, and sending fails.
    Disconnected,
}

impl Transport<RoleServer> for ServerTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let sent: BoxFuture<'static, io::Result<()>> = match self {
            Self::Stdio(stdio) => stdio.send(message).boxed(),
            Self::Session(session) => {
                session.send(message).map(|sent| sent.map_err(io::Error::other)).boxed()
            }
            Self::Disconnected => ready(Err(io::ErrorKind::BrokenPipe.into())).boxed(),
        };
        sent
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        match self {
            Self::Stdio(stdio) => stdio.receive().await,
            Self::Session(session) => session.receive().await,
            Self::Disconnected => std::future::pending().await,
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Stdio(stdio) => stdio.close().await,
            Self::Session(session) => session.close().await.map_err(io::Error::other),
            Self::Disconnected => Ok(()),
        }
    }
}

/// One client on a pair of streams. The arguments of its calls accompany the requests as raw text.
pub(crate) struct StdioTransport {
    input: LineReader,
    output: Arc<Mutex<Box<dyn AsyncWrite + Send + Unpin>>>,
    /// The error that is being sent about a line that was no message; a field, because
    /// [`receive`](Self::receive) may be cancelled meanwhile.
    pending_error: Option<BoxFuture<'static, io::Result<()>>>,
}

impl StdioTransport {
    pub(crate) fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let output: Box<dyn AsyncWrite + Send + Unpin> = Box::new(output);
        Self {
            input: LineReader::new(input),
            output: Arc::new(Mutex::new(output)),
            pending_error: None,
        }
    }

    fn send(
        &self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let output = Arc::clone(&self.output);
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let mut output = output.lock().await;
            output.write_all(&line).await?;
            output.flush().await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(sending) = &mut self.pending_error {
                let sent = sending.await;
                self.pending_error = None;
                sent.ok()?;
            }
            let error = match self.input.next().await.ok()?? {
                InputLine::Complete(line) if line.iter().all(u8::is_ascii_whitespace) => continue,
                InputLine::Complete(line) => match parse(&line) {
                    Ok(message) => return Some(message),
                    Err(error) => error,
                },
                InputLine::TooLong => ErrorData::invalid_request(
                    format!("a message has at most {MAX_LINE_BYTES} bytes"),
                    None,
                ),
            };
            let response = TxJsonRpcMessage::<RoleServer>::error(error, None);
            self.pending_error = Some(Box::pin(self.send(response)));
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.output.lock().await.flush().await
    }
}

fn parse(line: &[u8]) -> Result<RxJsonRpcMessage<RoleServer>, ErrorData> {
    let mut message = serde_json::from_slice::<RxJsonRpcMessage<RoleServer>>(line)
        .map_err(|_| ErrorData::parse_error("the line is not a JSON-RPC message", None))?;
    if let RxJsonRpcMessage::<RoleServer>::Request(request) = &mut message
        && let Some(arguments) = raw_arguments(line)
    {
        request.request.extensions_mut().insert(arguments);
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;

    #[tokio::test]
    async fn an_invalid_line_is_answered_and_the_next_one_read() {
        let input = b"{oops\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n".as_slice();
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut stdio = StdioTransport::new(input, ours);
        assert!(matches!(stdio.receive().await, Some(RxJsonRpcMessage::<RoleServer>::Request(_))));
        let mut response = String::new();
        BufReader::new(theirs).read_line(&mut response).await.unwrap();
        assert!(response.contains("-32700"), "{response}");
    }

    #[tokio::test]
    async fn an_error_is_sent_whole_although_receiving_is_cancelled() {
        let input = b"{oops\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n".as_slice();
        // Shorter than the response, so that sending it waits for the reader.
        let (ours, theirs) = tokio::io::duplex(8);
        let mut stdio = StdioTransport::new(input, ours);
        for _ in 0..3 {
            assert!(stdio.receive().now_or_never().is_none());
        }
        let mut response = String::new();
        let mut theirs = BufReader::new(theirs);
        let (next, _) = tokio::join!(stdio.receive(), theirs.read_line(&mut response));
        assert!(matches!(next, Some(RxJsonRpcMessage::<RoleServer>::Request(_))));
        let response: serde_json::Value = serde_json::from_str(&response).unwrap();
        assert_eq!(response["error"]["code"], -32700);
    }
}
