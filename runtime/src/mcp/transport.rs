//! Transports of rmcp's service loop, as one type.

use std::{io, sync::Arc};

use futures::future::{BoxFuture, FutureExt, ready};
use rmcp::{
    RoleServer,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{
        Transport,
        streamable_http_server::{SessionManager, session::local::LocalSessionManager},
    },
};

/// A transport whose type is erased, such as that over standard input and output.
pub(crate) trait MessageTransport: Send {
    /// Sends a message.
    fn send(&mut self, message: TxJsonRpcMessage<RoleServer>)
    -> BoxFuture<'static, io::Result<()>>;

    /// Receives the next message; `None` at the end. The future may be dropped at any time, and no
    /// message is lost.
    fn receive(&mut self) -> BoxFuture<'_, Option<RxJsonRpcMessage<RoleServer>>>;

    /// Sends what is buffered.
    fn close(&mut self) -> BoxFuture<'_, io::Result<()>>;
}

/// All transports as one type, because rmcp's service loop, with the tasks that it spawns, is
/// compiled for each type.
pub(crate) enum ServerTransport {
    Messages(Box<dyn MessageTransport>),
    /// A session of a client before 2026-07-28, whose messages come over HTTP. It is alive as long as
    /// the other value is held.
    Session {
        transport: <LocalSessionManager as SessionManager>::Transport,
        _alive: Arc<()>,
    },
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
            Self::Messages(transport) => transport.send(message),
            Self::Session { transport: session, .. } => {
                session.send(message).map(|sent| sent.map_err(io::Error::other)).boxed()
            }
            Self::Disconnected => ready(Err(io::ErrorKind::BrokenPipe.into())).boxed(),
        };
        sent
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        match self {
            Self::Messages(transport) => transport.receive().await,
            Self::Session { transport: session, .. } => session.receive().await,
            Self::Disconnected => std::future::pending().await,
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Messages(transport) => transport.close().await,
            Self::Session { transport: session, .. } => {
                session.close().await.map_err(io::Error::other)
            }
            Self::Disconnected => Ok(()),
        }
    }
}
