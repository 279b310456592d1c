//! The transport of a connection, as rmcp's service loop uses it.

use std::{io, sync::Arc};

use futures::future::{BoxFuture, FutureExt, ready};
use rmcp::{
    RoleServer,
    model::{JsonRpcMessage, ServerResult},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
};
use tokio::sync::mpsc;

use super::outgoing::Outgoing;
use crate::{http::security_schemes, mcp::transport::MessageTransport};

/// Receives the messages that may be answered, and sends into the queue of the connection.
pub(super) struct ConnectionTransport {
    pub(super) incoming: mpsc::Receiver<RxJsonRpcMessage<RoleServer>>,
    pub(super) outgoing: Arc<Outgoing>,
    /// Whether lists of tools have security schemes, which hosts read from two places.
    pub(super) lifts_schemes: bool,
}

impl MessageTransport for ConnectionTransport {
    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> BoxFuture<'static, io::Result<()>> {
        let (outgoing, lifts_schemes) = (Arc::clone(&self.outgoing), self.lifts_schemes);
        async move {
            let lists_tools = lifts_schemes
                && matches!(
                    &message,
                    JsonRpcMessage::Response(response)
                        if matches!(response.result, ServerResult::ListToolsResult(_))
                );
            let mut text = serde_json::to_string(&message)?;
            if lists_tools && let Some(lifted) = security_schemes::lift_in_message(&text) {
                text = lifted;
            }
            drop(message);
            outgoing.send(text).await
        }
        .boxed()
    }

    fn receive(&mut self) -> BoxFuture<'_, Option<RxJsonRpcMessage<RoleServer>>> {
        self.incoming.recv().boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, io::Result<()>> {
        ready(Ok(())).boxed()
    }
}
