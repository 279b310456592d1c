//! Single flight: concurrent callers that want the same share one piece of work.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::background;

/// The work under way, by key. Each piece carries a label of its first caller.
///
/// The work runs in a task of its own, so that a caller that is cancelled does not cancel it for the
/// others.
pub(crate) struct SingleFlight<K, T, L = ()>(Arc<Mutex<Flights<K, T, L>>>);

type Flights<K, T, L> = HashMap<K, Flight<T, L>>;

/// Work under way.
#[derive(Clone)]
pub(crate) struct Flight<T, L = ()> {
    /// The label of the caller that began it.
    pub(crate) label: L,
    outcome: Shared<BoxFuture<'static, Option<T>>>,
}

impl<T: Clone, L> Flight<T, L> {
    /// Waits for the outcome; `None` if the work panicked.
    pub(crate) async fn outcome(self) -> Option<T> {
        self.outcome.await
    }
}

impl<K, T, L> Default for SingleFlight<K, T, L> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T, L> Clone for SingleFlight<K, T, L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T, L> SingleFlight<K, T, L>
where
    K: Hash + Eq + Clone + Send + 'static,
    T: Clone + Send + Sync + 'static,
    L: Clone + Send + 'static,
{
    /// Joins the work under way for `key`, or begins it with what `start` returns. `start` runs
    /// under a lock.
    ///
    /// # Errors
    ///
    /// `start` refused to begin.
    pub(crate) fn join_or_start<F, E>(
        &self,
        key: &K,
        start: impl FnOnce() -> Result<(L, F), E>,
    ) -> Result<Flight<T, L>, E>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = lock(&self.0);
        if let Some(flight) = flights.get(key) {
            return Ok(flight.clone());
        }
        let (label, work) = start()?;
        let guard = RemoveOnDrop { flights: self.clone(), key: key.clone() };
        let task = background::spawn(async move {
            let _guard = guard;
            work.await
        });
        let outcome = task.map(Result::ok).boxed().shared();
        let flight = Flight { label, outcome };
        flights.insert(key.clone(), flight.clone());
        Ok(flight)
    }
}

impl<K, T, L> SingleFlight<K, T, L>
where
    T: Clone,
    L: Clone,
{
    /// The work under way.
    pub(crate) fn under_way(&self) -> Vec<Flight<T, L>> {
        lock(&self.0).values().cloned().collect()
    }
}

/// Removes the work from the list when it ends, also by a panic.
struct RemoveOnDrop<K: Hash + Eq, T, L> {
    flights: SingleFlight<K, T, L>,
    key: K,
}

impl<K: Hash + Eq, T, L> Drop for RemoveOnDrop<K, T, L> {
    fn drop(&mut self) {
        // Bound first: what is removed is dropped after the lock.
        let _removed = lock(&self.flights.0).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU32, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_piece_of_work() {
        let (flights, begun) = (SingleFlight::<_, _>::default(), Arc::new(AtomicU32::new(0)));
        let join = |key| {
            let begun = Arc::clone(&begun);
            let start = || {
                Ok::<_, Infallible>(((), async move {
                    tokio::task::yield_now().await;
                    begun.fetch_add(1, Ordering::Relaxed)
                }))
            };
            flights.join_or_start(&key, start).unwrap().outcome()
        };
        let (one, two) = (join("a"), join("a"));
        assert_eq!(tokio::join!(one, two), (Some(0), Some(0)));
        assert_eq!(join("a").await, Some(1), "work that ended is not joined");
        assert!(lock(&flights.0).is_empty());
    }

    #[tokio::test]
    async fn work_outlives_its_caller_and_may_panic() {
        let flights = SingleFlight::<_, _, &str>::default();
        let (go, wait) = oneshot::channel();
        let first =
            flights.join_or_start(&1, || Ok::<_, ()>(("first", async { wait.await.is_ok() })));
        drop(first);
        let second =
            flights.join_or_start(&1, || Ok::<_, ()>(("second", async { false }))).unwrap();
        assert_eq!(second.label, "first");
        go.send(()).unwrap();
        assert_eq!(second.outcome().await, Some(true));
        let faulty = flights
            .join_or_start(&1, || Ok::<_, ()>(("third", async { panic!("the work panics") })));
        assert_eq!(faulty.unwrap().outcome().await, None);
        assert!(lock(&flights.0).is_empty());
        let refused = flights.join_or_start(&1, || Err::<(_, std::future::Ready<bool>), _>("no"));
        assert_eq!(refused.err(), Some("no"));
    }
}
