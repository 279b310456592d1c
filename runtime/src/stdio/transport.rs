//! The transport over a pair of streams, with one message a line.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};
use rmcp::{
    ErrorData, RoleServer,
    model::{ClientNotification, GetExtensions, JsonRpcMessage, RequestId},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::{Mutex, Notify},
    time::Instant,
};

use super::framing::{InputLine, LineReader, MAX_LINE_BYTES};
use crate::mcp::{message::raw_arguments, transport::MessageTransport};

/// U+FEFF in UTF-8. Some shells write it before what they pipe into a program.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One client on a pair of streams. The arguments of its calls accompany the requests as raw text.
pub(crate) struct StdioTransport {
    input: LineReader,
    output: Arc<Mutex<Box<dyn AsyncWrite + Send + Unpin>>>,
    /// The error that is being sent about a line that was no message; a field, because
    /// [`next`](Self::next) may be cancelled meanwhile.
    pending_error: Option<BoxFuture<'static, io::Result<()>>>,
    open: Arc<OpenRequests>,
    /// How long the requests that are open may take after the end of the input.
    drain_timeout: Duration,
    /// When that time is over; a field, because [`next`](Self::next) may be cancelled meanwhile.
    drained_at: Option<Instant>,
}

/// The requests that have no response yet.
#[derive(Default)]
struct OpenRequests {
    ids: StdMutex<HashSet<RequestId>>,
    answered: Notify,
}

impl OpenRequests {
    fn ids(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: &RequestId) {
        self.ids().insert(id.clone());
    }

    fn end(&self, id: &RequestId) {
        self.ids().remove(id);
        self.answered.notify_waiters();
    }

    /// Waits until no request is open.
    async fn wait(&self) {
        loop {
            let answered = self.answered.notified();
            if self.ids().is_empty() {
                return;
            }
            answered.await;
        }
    }
}

impl StdioTransport {
    pub(crate) fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
        drain_timeout: Duration,
    ) -> Self {
        let output: Box<dyn AsyncWrite + Send + Unpin> = Box::new(output);
        Self {
            input: LineReader::new(input),
            output: Arc::new(Mutex::new(output)),
            pending_error: None,
            open: Arc::default(),
            drain_timeout,
            drained_at: None,
        }
    }

    fn send_line(
        &self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> BoxFuture<'static, io::Result<()>> {
        let (output, open) = (Arc::clone(&self.output), Arc::clone(&self.open));
        async move {
            let answers = match &message {
                JsonRpcMessage::Response(response) => Some(&response.id),
                JsonRpcMessage::Error(error) => error.id.as_ref(),
                _ => None,
            };
            let written = async {
                let mut line = serde_json::to_vec(&message)?;
                line.push(b'\n');
                let mut output = output.lock().await;
                output.write_all(&line).await?;
                output.flush().await
            };
            let written = written.await;
            if let Some(id) = answers {
                open.end(id);
            }
            written
        }
        .boxed()
    }

    async fn next(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let message = self.next_message().await;
        match &message {
            Some(JsonRpcMessage::Request(request)) => self.open.begin(&request.id),
            Some(JsonRpcMessage::Notification(sent)) => {
                // A request that is cancelled has no response.
                if let ClientNotification::CancelledNotification(cancelled) = &sent.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.open.end(id);
                }
            }
            Some(_) => {}
            // The client has said everything, and may still wait for responses.
            None => {
                let end = *self.drained_at.get_or_insert(Instant::now() + self.drain_timeout);
                let _ = tokio::time::timeout_at(end, self.open.wait()).await;
            }
        }
        message
    }

    async fn next_message(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(sending) = &mut self.pending_error {
                let sent = sending.await;
                self.pending_error = None;
                sent.ok()?;
            }
            let error = match self.input.next().await.ok()?? {
                InputLine::Complete(line) => match without_mark(&line) {
                    [] => continue,
                    line => match parse(line) {
                        Ok(message) => return Some(message),
                        Err(error) => error,
                    },
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

/// The line without the white space around it, and without byte order marks.
fn without_mark(line: &[u8]) -> &[u8] {
    let mut line = line.trim_ascii();
    while let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK) {
        line = rest.trim_ascii_start();
    }
    line
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
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

    use super::*;

    const DRAIN: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn an_invalid_line_is_answered_and_the_next_one_read() {
        let input = b"{oops\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n".as_slice();
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut stdio = StdioTransport::new(input, ours, DRAIN);
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
        let mut stdio = StdioTransport::new(input, ours, DRAIN);
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

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_input_waits_for_open_requests() {
        let ping = |id: u32| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n");
        let input = io::Cursor::new(ping(1) + ping(2).trim_end());
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let mut stdio = StdioTransport::new(input, ours, DRAIN);
        for _ in 0..2 {
            assert!(stdio.receive().await.is_some());
        }
        for id in [2, 1] {
            assert!(stdio.receive().now_or_never().is_none(), "a request is open");
            let answer = TxJsonRpcMessage::<RoleServer>::error(
                ErrorData::internal_error("pong", None),
                Some(RequestId::Number(id)),
            );
            stdio.send(answer).await.unwrap();
        }
        assert!(stdio.receive().await.is_none());
        drop(stdio);
        let mut sent = String::new();
        theirs.read_to_string(&mut sent).await.unwrap();
        assert_eq!(sent.lines().count(), 2, "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_never_answered_does_not_hold_up_the_end() {
        let input = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}".as_slice();
        let mut stdio = StdioTransport::new(input, tokio::io::sink(), DRAIN);
        assert!(stdio.receive().await.is_some());
        let began = Instant::now();
        // The time is counted from the end of the input, although receiving is cancelled.
        for _ in 0..3 {
            let _ = tokio::time::timeout(DRAIN / 4, stdio.receive()).await;
        }
        assert!(stdio.receive().await.is_none());
        assert_eq!(began.elapsed(), DRAIN);
    }
}
