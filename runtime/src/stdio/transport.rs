//! The transport over a pair of streams, with one message a line.

use std::{io, sync::Arc};

use futures::future::{BoxFuture, FutureExt};
use rmcp::{
    ErrorData, RoleServer,
    model::GetExtensions,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::Mutex,
};

use super::framing::{InputLine, LineReader, MAX_LINE_BYTES};
use crate::mcp::{message::raw_arguments, transport::MessageTransport};

/// One client on a pair of streams. The arguments of its calls accompany the requests as raw text.
pub(crate) struct StdioTransport {
    input: LineReader,
    output: Arc<Mutex<Box<dyn AsyncWrite + Send + Unpin>>>,
    /// The error that is being sent about a line that was no message; a field, because
    /// [`next`](Self::next) may be cancelled meanwhile.
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

    fn send_line(
        &self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> BoxFuture<'static, io::Result<()>> {
        let output = Arc::clone(&self.output);
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let mut output = output.lock().await;
            output.write_all(&line).await?;
            output.flush().await
        }
        .boxed()
    }

    async fn next(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
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
            self.pending_error = Some(self.send_line(response));
        }
    }
}

impl MessageTransport for StdioTransport {
    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> BoxFuture<'static, io::Result<()>> {
        self.send_line(message)
    }

    fn receive(&mut self) -> BoxFuture<'_, Option<RxJsonRpcMessage<RoleServer>>> {
        self.next().boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, io::Result<()>> {
        async { self.output.lock().await.flush().await }.boxed()
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
