//! What a running call can say and hear: progress, log, cancellation.

use std::sync::Arc;

use rmcp::{RoleServer, model::ProgressNotificationParam, service::RequestContext};
use tokio_util::sync::CancellationToken;

/// The running call, injected into a tool that wants to report progress, write to the client's
/// log or notice that nobody waits any more.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// Counts, and says how far it is.
/// #[tool]
/// async fn count(context: Context, to: u32) -> Result<String> {
///     for n in 1..=to {
///         context.progress(n.into(), Some(to.into()), "counting").await;
///     }
///     Ok("done".to_owned())
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    request: Option<Arc<RequestContext<RoleServer>>>,
    cancelled: CancellationToken,
}

impl Context {
    pub(crate) fn of(request: RequestContext<RoleServer>) -> Self {
        Self { cancelled: request.ct.clone(), request: Some(Arc::new(request)) }
    }

    /// A context for unit tests: it says nothing to anybody and is never cancelled.
    pub fn testing() -> Self {
        Self { request: None, cancelled: CancellationToken::new() }
    }

    /// Reports progress, if the caller asked for it. `total` in the units of `done`.
    pub async fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        let Some(request) = &self.request else { return };
        let Some(token) = request.meta.get_progress_token() else { return };
        let mut progress = ProgressNotificationParam::new(token, done);
        progress.total = total;
        progress.message = (!message.is_empty()).then(|| message.to_owned());
        // A client that does not listen must not fail the tool.
        let _ = request.peer.notify_progress(progress).await;
    }

    /// Completes when the caller cancelled the call or went away.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Did the caller cancel the call or go away?
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// The request as rmcp knows it, for what toolgate has no word for.
    ///
    /// `None` in [`Context::testing`].
    pub fn request(&self) -> Option<&RequestContext<RoleServer>> {
        self.request.as_deref()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The request's extensions hold the caller's headers.
        f.debug_struct("Context").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
