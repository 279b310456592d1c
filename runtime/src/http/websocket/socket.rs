//! The connection itself: frames, pings, the end of the token, and the closing handshake.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::extract::ws::Message;
use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use super::close::Closing;
use crate::{
    gate::{Claims, connection_token::ConnectionToken, gate_error::GateError},
    http::message_connection::{
        Ending, MessageConnection, MessageConnections, Outgoing, ReceiveError, WRITE_TIMEOUT,
    },
};

/// How often the client is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// After how many pings without a sign of life the client is gone.
const MAX_SILENT_PINGS: u32 = 2;

/// How long the closing handshake may take, with what waits to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A WebSocket, and who opened it.
pub(super) struct Socket {
    pub(super) connections: Arc<MessageConnections>,
    pub(super) connection: MessageConnection,
    /// `None` on a server without a gate.
    pub(super) token: Option<ConnectionToken>,
}

impl Socket {
    /// Serves the client until the connection ends.
    pub(super) async fn run<S>(self, socket: S, served: JoinHandle<Ending>)
    where
        S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error>,
    {
        let (mut sink, mut stream) = socket.split();
        let silent_pings = AtomicU32::new(0);
        let outgoing = Arc::clone(self.connection.outgoing());
        let mut served = served;
        let closing = tokio::select! {
            biased;
            closing = self.read(&mut stream, &silent_pings) => closing,
            closing = write(&mut sink, &outgoing, &silent_pings) => closing,
            () = outgoing.overflowed() => Closing::NotReading,
            reason = self.token_ended() => Closing::Unauthorized(reason),
            () = self.connections.shut_down() => Closing::ShutDown,
            ended = &mut served => match ended {
                Ok(Ending::NotInitialized) => Closing::NotInitialized,
                Ok(Ending::Closed) | Err(_) => Closing::Failed,
            },
        };
        tracing::debug!(target: "toolgate::server", ?closing, "a WebSocket closes");
        self.connection.cancel();
        if closing == Closing::ShutDown {
            // The calls have ended, and their responses may be on their way.
            let _ = timeout(CLOSE_TIMEOUT, served).await;
        }
        let handshake = close(&mut sink, &mut stream, &outgoing, &closing);
        let _ = timeout(CLOSE_TIMEOUT, handshake).await;
    }

    /// Takes messages until the client closes the connection or has to be closed.
    async fn read(
        &self,
        stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
        silent_pings: &AtomicU32,
    ) -> Closing {
        while let Some(read) = stream.next().await {
            silent_pings.store(0, Relaxed);
            let text = match read {
                Ok(Message::Text(text)) => text,
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Binary(_)) => return Closing::Binary,
                Ok(Message::Close(_)) => return Closing::ByClient,
                Err(error) => return Closing::from_error(error),
            };
            if let Err(closing) = self.take(text.as_bytes()).await {
                return closing;
            }
        }
        Closing::ByClient
    }

    /// Takes one message, as `/mcp` does with a request: its token is verified, and its caller's limits
    /// count it.
    async fn take(&self, body: &[u8]) -> Result<(), Closing> {
        let received = match self.authenticate().await {
            Ok(caller) => self.connection.receive(body, caller.as_ref()).await,
            Err(GateError::Unauthorized(error, _)) if !error.is_temporary() => {
                return Err(Closing::Unauthorized(error.to_string()));
            }
            Err(error) => self.connection.refuse_unread(body, error).await,
        };
        let answered = match received {
            Err(ReceiveError::Invalid(error)) => self.connection.refuse_invalid(error).await,
            other => other,
        };
        match answered {
            Ok(()) => Ok(()),
            // The service loop, or the queue of messages, has ended and says why.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Socket {
    async fn authenticate(&self) -> Result<Option<Claims>, GateError> {
        match (self.connections.gate(), &self.token) {
            (Some(gate), Some(token)) => token.authenticate(gate).await,
            _ => Ok(None),
        }
    }

    /// Waits until the token is no longer good.
    async fn token_ended(&self) -> String {
        match (self.connections.gate(), &self.token) {
            (Some(gate), Some(token)) => token.ended(gate).await,
            _ => std::future::pending().await,
        }
    }
}

/// Sends messages and pings until the client is gone.
async fn write(
    sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin),
    outgoing: &Outgoing,
    silent_pings: &AtomicU32,
) -> Closing {
    let mut ping = interval(PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    loop {
        let message = tokio::select! {
            message = outgoing.next() => Message::Text(message.into()),
            _ = ping.tick() => {
                if silent_pings.fetch_add(1, Relaxed) >= MAX_SILENT_PINGS {
                    return Closing::Silent;
                }
                Message::Ping(Bytes::new())
            }
        };
        match timeout(WRITE_TIMEOUT, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Closing::ByClient,
            Err(_) => return Closing::NotReading,
        }
    }
}

/// Sends what waits and the reason, and waits for the client to close.
async fn close(
    sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin),
    stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
    outgoing: &Outgoing,
    closing: &Closing,
) {
    if let Some(frame) = closing.frame() {
        while let Some(message) = outgoing.take() {
            if sink.send(Message::Text(message.into())).await.is_err() {
                return;
            }
        }
        if sink.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        while let Some(Ok(read)) = stream.next().await {
            if matches!(read, Message::Close(_)) {
                break;
            }
        }
    }
    // Answers the frame of a client that closes.
    let _ = sink.close().await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::{channel::mpsc, sink};
    use tokio::time::Instant;

    use super::*;

    fn broken(_: mpsc::SendError) -> axum::Error {
        axum::Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_no_ping_is_gone() {
        let outgoing = Outgoing::default();
        let began = Instant::now();
        let mut pings = Vec::new();
        let mut sink = pin!(sink::unfold(&mut pings, async |pings, message| {
            pings.push(message);
            Ok::<_, axum::Error>(pings)
        }));
        let closing = write(&mut sink, &outgoing, &AtomicU32::new(0)).await;
        assert_eq!((closing, began.elapsed()), (Closing::Silent, PING_INTERVAL * 3));
        assert_eq!(pings, [Message::Ping(Bytes::new()), Message::Ping(Bytes::new())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_pings_stays() {
        let (outgoing, silent) = (Outgoing::default(), AtomicU32::new(0));
        let mut sink = pin!(sink::unfold((), async |(), _| {
            silent.store(0, Relaxed);
            Ok::<_, axum::Error>(())
        }));
        let written = write(&mut sink, &outgoing, &silent);
        assert!(timeout(PING_INTERVAL * 100, written).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_no_message_is_given_up() {
        let outgoing = Outgoing::default();
        outgoing.send("{}".to_owned()).await.unwrap();
        let began = Instant::now();
        let mut stuck = pin!(sink::unfold((), async |(), _| std::future::pending().await));
        let closing = write(&mut stuck, &outgoing, &AtomicU32::new(0)).await;
        assert_eq!((closing, began.elapsed()), (Closing::NotReading, WRITE_TIMEOUT));
    }

    #[tokio::test]
    async fn what_waits_is_sent_before_the_reason() {
        let outgoing = Outgoing::default();
        outgoing.send("{}".to_owned()).await.unwrap();
        let (sink, mut sent) = mpsc::channel(4);
        let mut sink = sink.sink_map_err(broken);
        let mut stream = futures::stream::iter([
            Ok(Message::Text("late".into())),
            Ok(Message::Close(None)),
            Ok(Message::Text("never read".into())),
        ]);
        close(&mut sink, &mut stream, &outgoing, &Closing::ShutDown).await;
        assert_eq!(sent.next().await, Some(Message::Text("{}".into())));
        let Some(Message::Close(Some(frame))) = sent.next().await else { panic!("no frame") };
        assert_eq!(frame.code, 1001);
        assert!(sent.next().await.is_none());
        assert!(stream.next().await.is_some(), "nothing is read after the client's frame");
    }
}
