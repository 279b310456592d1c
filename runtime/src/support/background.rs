//! Work that goes on by itself.

use futures::future::{BoxFuture, FutureExt};
use tokio::task::JoinHandle;

/// Begins `work` in a task of its own, which goes on even if nobody waits for it.
///
/// It is boxed: tokio would be compiled anew for each type of future, once for each of its
/// schedulers.
pub(crate) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let work: BoxFuture<'static, T> = work.boxed();
    tokio::spawn(work)
}
