//! Waiters for changes of records.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use crate::support::crypto;

/// The end of a wait: the record may have changed.
pub type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Identifies a record among those of all namespaces, without its key.
pub(crate) type RecordId = [u8; 32];

/// The identifier of a record.
pub(crate) fn record_id(namespace: &str, key: &str) -> RecordId {
    crypto::sha256(format!("{namespace}\n{key}").as_bytes())
}

/// With fewer records than this, none are swept.
const MIN_SWEEP: usize = 64;

/// The waiters of this process, by the record that they wait for.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    records: HashMap<RecordId, Weak<Notify>>,
    /// The number of records at which those without waiters are removed. It is twice the number that the
    /// last sweep left, so that sweeps cost each new waiter the same, however many there are.
    sweep_at: usize,
}

impl Waiting {
    fn notify(&self, id: &RecordId) -> Option<Arc<Notify>> {
        self.records.get(id).and_then(Weak::upgrade)
    }

    fn insert(&mut self, id: RecordId, notify: &Arc<Notify>) {
        if self.records.len() >= self.sweep_at.max(MIN_SWEEP) {
            self.records.retain(|_, notify| notify.strong_count() > 0);
            self.sweep_at = 2 * self.records.len();
        }
        self.records.insert(id, Arc::downgrade(notify));
    }
}

impl Watchers {
    /// Waits from now on for a change of the record, for `at_most`.
    pub(crate) fn watch(&self, id: RecordId, at_most: Duration) -> Watch {
        let mut waiting = self.lock();
        let notify = waiting.notify(&id).unwrap_or_else(|| {
            let notify = Arc::new(Notify::new());
            waiting.insert(id, &notify);
            notify
        });
        // It counts from its creation, before it is polled.
        let changed = notify.notified_owned();
        Box::pin(async move {
            tokio::select! {
                () = changed => {}
                () = sleep(at_most) => {}
            }
        })
    }

    /// Wakes those who wait for the record.
    pub(crate) fn wake(&self, id: &RecordId) {
        if let Some(notify) = self.lock().notify(id) {
            notify.notify_waiters();
        }
    }

    /// Wakes all, because a change may have been missed.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "PostgreSQL's connection ends")
    )]
    pub(crate) fn wake_all(&self) {
        let waiting = self.lock();
        waiting
            .records
            .values()
            .filter_map(Weak::upgrade)
            .for_each(|notify| notify.notify_waiters());
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: &str = "test";
    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_change_wakes_those_who_wait_for_it_and_no_others() {
        let watchers = Watchers::default();
        let (one, other) = (record_id(SPACE, "one"), record_id(SPACE, "other"));
        let (first, second) = (watchers.watch(one, LONG), watchers.watch(one, LONG));
        let mut unchanged = watchers.watch(other, LONG);
        watchers.wake(&one);
        first.await;
        second.await;
        assert!(futures::poll!(&mut unchanged).is_pending());
        watchers.wake_all();
        unchanged.await;
    }

    #[tokio::test]
    async fn records_without_waiters_are_forgotten() {
        let watchers = Watchers::default();
        let watch = |number: usize| watchers.watch(record_id(SPACE, &number.to_string()), LONG);
        let kept: Vec<_> = (0..300).map(watch).collect();
        (300..5000).for_each(|number| drop(watch(number)));
        let records = watchers.lock().records.len();
        assert!((300..=600).contains(&records), "{records}");
        drop(kept);
        (0..1000).for_each(|number| drop(watch(number)));
        let records = watchers.lock().records.len();
        assert!(records <= MIN_SWEEP, "{records}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_by_itself() {
        Watchers::default().watch(record_id(SPACE, "one"), LONG).await;
    }
}
