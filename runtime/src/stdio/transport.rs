//! What a client is heard and answered on.

use std::io;

use futures::future::{BoxFuture, FutureExt};
use rmcp::transport::streamable_http_server::{
    SessionManager, session::local::LocalSessionManager,
};
use rmcp::{
    RoleServer,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

use super::framing::Lines;

/// One type for both: rmcp's loop, with all the tasks that it begins, is compiled for each type.
pub(crate) enum Wire {
    Lines(Lines),
    /// A session of a client of 2025, whose messages come by HTTP.
    Session(<LocalSessionManager as SessionManager>::Transport),
}

impl Transport<RoleServer> for Wire {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let sent: BoxFuture<'static, io::Result<()>> = match self {
            Self::Lines(lines) => lines.send(message).boxed(),
            Self::Session(session) => {
                session.send(message).map(|sent| sent.map_err(io::Error::other)).boxed()
            }
        };
        sent
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        match self {
            Self::Lines(lines) => lines.receive().await,
            Self::Session(session) => session.receive().await,
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Lines(lines) => lines.close().await,
            Self::Session(session) => session.close().await.map_err(io::Error::other),
        }
    }
}
