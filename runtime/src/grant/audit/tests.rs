use std::time::SystemTime;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{entry::AuditEvent, *};
use crate::grant::{
    ManualClock, MemoryStore, Namespace, SaveError, Sealer, StoreError, Stored,
    store::GrantStore as _,
};

/// Records that fail while they are told to, and keep what is written.
struct Writes {
    inner: Arc<dyn Records>,
    is_away: AtomicBool,
    written: Mutex<Vec<(Namespace, serde_json::Value)>>,
}

#[async_trait]
impl Records for Writes {
    fn sealer(&self) -> &Sealer {
        self.inner.sealer()
    }

    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        self.inner.read(namespace, key).await
    }

    async fn write(
        &self,
        namespace: Namespace,
        _: &str,
        value: &[u8],
        _: SystemTime,
        _: Revision,
    ) -> Result<Revision, SaveError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::unavailable("writing", "the store is away").into());
        }
        let batch: Vec<serde_json::Value> = serde_json::from_slice(value).unwrap();
        let mut written = self.written.lock().unwrap();
        written.extend(batch.into_iter().map(|entry| (namespace, entry)));
        Ok(Revision(1))
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.inner.take(namespace, key).await
    }
}

fn kept() -> (AuditTrail, Arc<Writes>) {
    let inner = Arc::new(MemoryStore::new()).records().unwrap();
    let (is_away, written) = (AtomicBool::new(false), Mutex::default());
    let writes = Arc::new(Writes { inner, is_away, written });
    let clock = Arc::new(ManualClock::new());
    (AuditTrail::new(writes.clone(), clock, Duration::from_secs(60), false), writes)
}

fn connected(who: &str) -> Facts {
    Facts::of(AuditEvent::AccountConnected, who)
}

#[tokio::test(start_paused = true)]
async fn entries_are_written_together_and_each_kind_apart() {
    let (audit, writes) = kept();
    audit.decision(|| connected("alice"));
    audit.decision(|| connected("bob"));
    audit.record(Stream::Refreshes, || Facts::of(AuditEvent::TokenRefreshed, "alice"));
    audit.refuse("access_token", "expired");
    assert!(writes.written.lock().unwrap().is_empty(), "no caller waits");
    tokio::time::sleep(DECISION_DELAY * 2).await;
    assert_eq!(writes.written.lock().unwrap().len(), 2);
    tokio::time::sleep(OTHER_DELAY).await;
    let names: Vec<_> =
        writes.written.lock().unwrap().iter().map(|(namespace, _)| namespace.name).collect();
    assert_eq!(names[..2], ["audit", "audit"]);
    assert!(names.contains(&"audit-refresh") && names.contains(&"audit-refusal"));
}

#[tokio::test(start_paused = true)]
async fn what_a_store_does_not_take_waits_and_is_written_when_it_is_back() {
    let (audit, writes) = kept();
    writes.is_away.store(true, Ordering::Relaxed);
    audit.decision(|| connected("alice"));
    tokio::time::sleep(RETRY_DELAY * 3).await;
    audit.flush().await;
    assert!(writes.written.lock().unwrap().is_empty());
    writes.is_away.store(false, Ordering::Relaxed);
    tokio::time::sleep(RETRY_DELAY * 2).await;
    assert_eq!(writes.written.lock().unwrap().len(), 1);
    audit.decision(|| connected("bob"));
    tokio::time::sleep(DECISION_DELAY * 2).await;
    assert_eq!(writes.written.lock().unwrap().len(), 2, "a task is begun again");
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_a_process_nothing_waits() {
    let (audit, writes) = kept();
    audit.decision(|| connected("alice"));
    audit.refuse("access_token", "expired");
    audit.flush().await;
    assert_eq!(writes.written.lock().unwrap().len(), 2);
    AuditTrail::default().decision(|| unreachable!("none is kept"));
}
