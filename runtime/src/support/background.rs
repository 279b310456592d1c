//! Background tasks.

use futures::future::{BoxFuture, FutureExt};
use tokio::task::JoinHandle;

/// Spawns `work` as a task, which goes on even if the handle is dropped.
///
/// The future is boxed: tokio would otherwise be compiled again for each type of future, once for
/// each of its schedulers.
pub(crate) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let work: BoxFuture<'static, T> = work.boxed();
    tokio::spawn(work)
}
