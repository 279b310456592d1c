//! MCP over standard input and output: a message a line.

use std::{io, sync::Arc};

use futures::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer,
    model::GetExtensions,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::Mutex,
};

use crate::http::fast_path::envelope;

/// The longest line that is read, in bytes.
const LONGEST: usize = 4 << 20;

/// A client on lines; it hands on the arguments of a call as they were sent.
///
/// Its ends are boxed, so that all of them are one type: see [`Wire`](super::transport::Wire).
pub(crate) struct Lines {
    input: BufReader<Input>,
    output: Arc<Mutex<Output>>,
    /// What has been read of a line; kept here, because `receive` may be cancelled in mid-line.
    line: Vec<u8>,
    /// What is being said of a line that was no message; kept for the same reason.
    fault: Option<BoxFuture<'static, io::Result<()>>>,
}

type Input = Box<dyn AsyncRead + Send + Unpin>;
type Output = Box<dyn AsyncWrite + Send + Unpin>;

impl Lines {
    pub(crate) fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let output: Output = Box::new(output);
        Self {
            input: BufReader::new(Box::new(input)),
            output: Arc::new(Mutex::new(output)),
            line: Vec::new(),
            fault: None,
        }
    }

    /// Reads on until a line is whole. `None` at the end of input; a line that is too long is
    /// dropped and reported as an empty one.
    async fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            if self.line.len() <= LONGEST {
                self.line.extend_from_slice(&chunk[..taken]);
            }
            self.input.consume(taken);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                return Ok(Some(if line.len() > LONGEST {
                    Line::TooLong
                } else {
                    Line::Whole(line)
                }));
            }
        }
    }

    pub(crate) fn send(
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

    pub(crate) async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(saying) = &mut self.fault {
                let said = saying.await;
                self.fault = None;
                said.ok()?;
            }
            let fault = match self.next_line().await.ok()?? {
                Line::Whole(line) if line.iter().all(u8::is_ascii_whitespace) => continue,
                Line::Whole(line) => match parse(&line) {
                    Ok(message) => return Some(message),
                    Err(fault) => fault,
                },
                Line::TooLong => ErrorData::invalid_request(
                    format!("a message has at most {LONGEST} bytes"),
                    None,
                ),
            };
            let fault = TxJsonRpcMessage::<RoleServer>::error(fault, None);
            self.fault = Some(Box::pin(self.send(fault)));
        }
    }

    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.output.lock().await.flush().await
    }
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

fn parse(line: &[u8]) -> Result<RxJsonRpcMessage<RoleServer>, ErrorData> {
    let mut message = serde_json::from_slice::<RxJsonRpcMessage<RoleServer>>(line)
        .map_err(|_| ErrorData::parse_error("the line is not a JSON-RPC message", None))?;
    if let RxJsonRpcMessage::<RoleServer>::Request(request) = &mut message
        && let Some(arguments) = envelope::raw_arguments(line)
    {
        request.request.extensions_mut().insert(arguments);
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_line_that_is_no_message_is_answered_and_the_next_one_read() {
        let input = b"{oops\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n".as_slice();
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut lines = Lines::new(input, ours);
        assert!(matches!(lines.receive().await, Some(RxJsonRpcMessage::<RoleServer>::Request(_))));
        let mut answer = String::new();
        BufReader::new(theirs).read_line(&mut answer).await.unwrap();
        assert!(answer.contains("-32700"), "{answer}");
    }

    #[tokio::test]
    async fn what_is_said_of_a_line_is_said_whole_however_often_one_asks_for_the_next() {
        let input = b"{oops\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n".as_slice();
        // Less than the answer, so that it waits for its reader.
        let (ours, theirs) = tokio::io::duplex(8);
        let mut lines = Lines::new(input, ours);
        for _ in 0..3 {
            assert!(lines.receive().now_or_never().is_none());
        }
        let mut answer = String::new();
        let mut theirs = BufReader::new(theirs);
        let (next, _) = tokio::join!(lines.receive(), theirs.read_line(&mut answer));
        assert!(matches!(next, Some(RxJsonRpcMessage::<RoleServer>::Request(_))));
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"]["code"], -32700);
    }
}
