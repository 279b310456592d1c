//! A server that is built, and not yet listening.

use std::{sync::Arc, time::Duration};

use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;

use super::describe::{Description, ToolDescription};
#[cfg(feature = "broker")]
use crate::broker::Broker;
use crate::browser::sign_in::SignInAuth;
use crate::mcp::{dispatch::Dispatch, fallback::ErasedHandler, handler::Handler};

/// How long the calls under way may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// A server that is built: as a router, as an rmcp handler, as a description.
pub struct App<H> {
    pub(crate) assembled: Assembled,
    beside: Arc<H>,
}

/// A server, whatever the type of the handler beside its tools.
pub(crate) struct Assembled {
    pub(crate) handler: Handler<ErasedHandler>,
    pub(crate) ended: CancellationToken,
    pub(crate) sign_in: Option<SignInAuth>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<Broker>,
    #[cfg(feature = "dev")]
    pub(crate) login: Option<crate::dev::SignInPage>,
}

impl Assembled {
    pub(crate) fn new(dispatch: Dispatch, fallback: Arc<ErasedHandler>) -> Self {
        let handler = Handler { dispatch: Arc::new(dispatch), fallback };
        Self {
            handler,
            ended: CancellationToken::new(),
            sign_in: None,
            #[cfg(feature = "broker")]
            broker: None,
            #[cfg(feature = "dev")]
            login: None,
        }
    }

    pub(crate) fn describe(&self) -> Description {
        let dispatch = &self.handler.dispatch;
        Description {
            name: dispatch.identity.name.clone(),
            version: dispatch.identity.version.clone(),
            tools: dispatch
                .tools
                .iter()
                .map(|tool| ToolDescription::of(&tool.registered))
                .collect(),
        }
    }

    /// Waits for the calls under way, a while, and then ends the streams that never end.
    pub(crate) async fn drain(&self) {
        let running = &self.handler.dispatch.running;
        running.close();
        let grants = &self.handler.dispatch.grants;
        let ended = async {
            running.wait().await;
            // A token that is being renewed is not lost.
            grants.settled().await;
        };
        let _ = tokio::time::timeout(GRACE, ended).await;
        self.ended.cancel();
    }
}

impl<H: ServerHandler> App<H> {
    pub(crate) fn new(assembled: Assembled, beside: Arc<H>) -> Self {
        Self { assembled, beside }
    }

    /// The handler, for a transport of your own. Everyone who reaches it is the local person.
    pub fn handler(&self) -> Handler<H> {
        Handler {
            dispatch: Arc::clone(&self.assembled.handler.dispatch),
            fallback: Arc::clone(&self.beside),
        }
    }

    /// Every tool with its scopes.
    pub fn describe(&self) -> Description {
        self.assembled.describe()
    }
}

impl<H> std::fmt::Debug for App<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("handler", &self.assembled.handler).finish_non_exhaustive()
    }
}
