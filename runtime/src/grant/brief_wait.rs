//! Waits for a store by calls that can do without its answer.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::store_error::StoreError;
use crate::support::{
    background as task,
    outage::{Ask, Outage},
};

/// How long such a call waits for a store. While it does not answer, no call waits.
pub(crate) const MAX_BRIEF_WAIT: Duration = Duration::from_millis(500);

/// Bounds the waits for one store. Clones share their knowledge of an outage.
#[derive(Debug, Clone, Default)]
pub(crate) struct BriefWait(Arc<Outage>);

impl BriefWait {
    /// The outcome of `work`, unless the store fails or takes too long. `doing` is for the log, as in
    /// "reading a session".
    ///
    /// The work runs in a task of its own, and goes on after the wait has ended: its end shows that the
    /// store answers again.
    pub(crate) async fn outcome<T, F>(
        &self,
        doing: &'static str,
        work: impl FnOnce() -> F,
    ) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Arc<StoreError>>> + Send + 'static,
    {
        let ask = self.0.ask();
        if ask == Ask::NotNow {
            return None;
        }
        let (outage, work) = (Arc::clone(&self.0), work());
        let outcome = task::spawn(async move {
            match work.await {
                Ok(value) => {
                    if outage.end() {
                        tracing::info!(target: "toolgate::grant", doing, "the store answers again");
                    }
                    Some(value)
                }
                Err(error) => {
                    let is_away = matches!(*error, StoreError::Unavailable { .. });
                    if !is_away || outage.begin() {
                        tracing::error!(target: "toolgate::grant", doing, %error, "calls go on without the store");
                    }
                    None
                }
            }
        });
        if ask == Ask::Probe {
            return None;
        }
        match timeout(MAX_BRIEF_WAIT, outcome).await {
            Ok(outcome) => outcome.ok().flatten(),
            Err(_) => {
                if self.0.begin() {
                    tracing::error!(target: "toolgate::grant", doing, "the store takes too long; calls go on without it");
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn failed() -> Arc<StoreError> {
        Arc::new(StoreError::unavailable("reading a session", "it is away"))
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_call_of_an_outage_waits() {
        let wait = BriefWait::default();
        let begun = tokio::time::Instant::now();
        let answered = wait.outcome("testing", || async { Ok(1) }).await;
        assert_eq!((answered, begun.elapsed()), (Some(1), Duration::ZERO));
        let silent = wait.outcome("testing", pending::<Result<i32, _>>).await;
        assert_eq!((silent, begun.elapsed()), (None, MAX_BRIEF_WAIT));
        for _ in 0..100 {
            let silent = wait.outcome("testing", pending::<Result<i32, _>>).await;
            assert_eq!((silent, begun.elapsed()), (None, MAX_BRIEF_WAIT));
        }
    }

    #[tokio::test]
    async fn an_error_of_one_row_does_not_count_as_an_outage() {
        let wait = BriefWait::default();
        let full = wait.outcome("testing", || async { Err::<i32, _>(Arc::new(StoreError::Full)) });
        assert_eq!(full.await, None);
        assert_eq!(wait.0.ask(), Ask::Usual);
        assert_eq!(wait.outcome("testing", || async { Err::<i32, _>(failed()) }).await, None);
        assert_eq!(wait.0.ask(), Ask::NotNow);
    }
}
