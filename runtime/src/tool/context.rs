//! Context of a running call: progress, log, cancellation.

use std::sync::Arc;

use rmcp::{RoleServer, model::ProgressNotificationParam, service::RequestContext};
use tokio_util::sync::CancellationToken;

/// The context of a running call: reports progress, and tells whether the call was cancelled.
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

    /// Creates a context for unit tests: it sends nothing and is never cancelled.
    pub fn testing() -> Self {
        Self { request: None, cancelled: CancellationToken::new() }
    }

    /// Reports progress, if the caller asked for it. `total` is in the units of `done`.
    pub async fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        let Some(request) = &self.request else { return };
        let Some(token) = request.meta.get_progress_token() else { return };
        let mut progress = ProgressNotificationParam::new(token, done);
        progress.total = total;
        progress.message = (!message.is_empty()).then(|| message.to_owned());
        // A client that cannot be reached must not fail the tool.
        let _ = request.peer.notify_progress(progress).await;
    }

    /// Completes when the caller cancels the call or disconnects.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Returns whether the caller cancelled the call or disconnected.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Returns the request as rmcp represents it.
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
