//! Stores whose uses are events.

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    model::{Grant, GrantKey, Revision, Stored},
    records::{Namespace, Records},
    seal::Sealer,
    store::{GrantStore, HolderId, Lease},
    store_error::{SaveError, StoreError},
    watchers::Watch,
};
use crate::{
    support::clock::Clock,
    trace::{EventKind, StoreOperation, StoreOutcome, Tracer, child_of_current, ms_since},
};

/// A store, or its records, whose uses are reported.
pub(crate) struct Traced<S: ?Sized> {
    tracer: Tracer,
    inner: Arc<S>,
}

/// The same store, whose uses are reported if there is an observer.
pub(crate) fn traced(store: Arc<dyn GrantStore>, tracer: &Tracer) -> Arc<dyn GrantStore> {
    if !tracer.is_observed() {
        return store;
    }
    Arc::new(Traced { tracer: tracer.clone(), inner: store })
}

/// The outcome that an error is reported as.
trait Outcome {
    fn outcome(&self) -> StoreOutcome;
}

impl Outcome for StoreError {
    fn outcome(&self) -> StoreOutcome {
        match self {
            Self::Full => StoreOutcome::Full,
            _ => StoreOutcome::Failed,
        }
    }
}

impl Outcome for SaveError {
    fn outcome(&self) -> StoreOutcome {
        match self {
            Self::Conflict => StoreOutcome::Conflict,
            Self::Store(error) => error.outcome(),
        }
    }
}

impl<S: ?Sized> Traced<S> {
    async fn report<T, E: Outcome>(
        &self,
        operation: StoreOperation,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = Instant::now();
        let result = doing.await;
        let outcome = result.as_ref().err().map_or(StoreOutcome::Done, Outcome::outcome);
        let ms = ms_since(Some(started));
        let span = child_of_current().unwrap_or_else(|| self.tracer.span());
        span.emit(|| EventKind::StoreUsed { operation, outcome, ms });
        result
    }
}

// Every method is forwarded, also those with a default: the default would hide the store's own.
#[async_trait]
impl GrantStore for Traced<dyn GrantStore> {
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        self.report(StoreOperation::LoadGrant, self.inner.load(key)).await
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        self.report(StoreOperation::SaveGrant, self.inner.save(key, grant, expected)).await
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.report(StoreOperation::RemoveGrant, self.inner.remove(key)).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        self.report(StoreOperation::ListGrants, self.inner.list(subject)).await
    }

    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.report(StoreOperation::Lease, self.inner.lease(key, holder, term)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.report(StoreOperation::Release, self.inner.release(lease)).await
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        let doing = self.inner.put_pending(id, value, expires_at);
        self.report(StoreOperation::PutPending, doing).await
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.report(StoreOperation::TakePending, self.inner.take_pending(id)).await
    }

    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        let records = Arc::clone(&self.inner).records()?;
        Some(Arc::new(Traced { tracer: self.tracer.clone(), inner: records }))
    }

    fn in_memory(self: Arc<Self>) -> Option<Arc<dyn Any + Send + Sync>> {
        Arc::clone(&self.inner).in_memory()
    }

    fn inventory(self: Arc<Self>) -> Option<Box<dyn Any + Send + Sync>> {
        Arc::clone(&self.inner).inventory()
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.report(StoreOperation::PeekPending, self.inner.peek_pending(id)).await
    }

    fn shared_clock(&self) -> Option<Arc<dyn Clock>> {
        self.inner.shared_clock()
    }

    async fn is_migrated(&self) -> Result<bool, StoreError> {
        self.inner.is_migrated().await
    }
}

#[async_trait]
impl Records for Traced<dyn Records> {
    fn sealer(&self) -> &Sealer {
        self.inner.sealer()
    }

    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        self.report(StoreOperation::ReadRecord, self.inner.read(namespace, key)).await
    }

    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let doing = self.inner.write(namespace, key, value, expires_at, expected);
        self.report(StoreOperation::WriteRecord, doing).await
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.report(StoreOperation::TakeRecord, self.inner.take(namespace, key)).await
    }

    fn watch(&self, namespace: Namespace, key: &str, poll_interval: Duration) -> Watch {
        self.inner.watch(namespace, key, poll_interval)
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
}
