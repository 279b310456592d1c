//! Readiness: whether a request that is sent now can be served, from checks that are bounded and cached.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future::{BoxFuture, join_all};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the results of checks are used: probes must not load the database.
const REPORT_TTL: Duration = Duration::from_secs(1);

/// Why a check failed. The text is a constant of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckFailure(pub(crate) &'static str);

/// Examines one thing that requests need.
type Examine = Box<dyn Fn() -> BoxFuture<'static, Result<(), CheckFailure>> + Send + Sync>;

/// A named check.
pub(crate) struct Check {
    name: &'static str,
    examine: Examine,
    /// Whether it failed the last time, so that only changes are logged.
    has_failed: AtomicBool,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) name: &'static str,
    pub(super) result: Result<(), CheckFailure>,
}

/// The checks of a server.
pub(crate) struct Readiness {
    checks: Vec<Check>,
    is_draining: Box<dyn Fn() -> bool + Send + Sync>,
    last: Mutex<Option<(Instant, Vec<Checked>)>>,
}

impl Check {
    pub(crate) fn new<F>(
        name: &'static str,
        examine: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), CheckFailure>> + Send + 'static,
    {
        let examine: Examine = Box::new(move || Box::pin(examine()));
        Self { name, examine, has_failed: AtomicBool::new(false) }
    }

    async fn run(&self) -> Checked {
        let late = CheckFailure("it did not answer in time");
        let result = timeout(CHECK_TIMEOUT, (self.examine)()).await.unwrap_or(Err(late));
        let had_failed = self.has_failed.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(CheckFailure(reason)) if !had_failed => {
                tracing::warn!(target: "toolgate::management", check = self.name, reason, "the server is not ready");
            }
            Ok(()) if had_failed => {
                tracing::info!(target: "toolgate::management", check = self.name, "the check passes again");
            }
            _ => {}
        }
        Checked { name: self.name, result }
    }
}

impl Readiness {
    /// The checks, and whether the server has begun to shut down.
    pub(crate) fn new(
        checks: Vec<Check>,
        is_draining: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { checks, is_draining: Box::new(is_draining), last: Mutex::new(None) }
    }

    /// The results of all checks, at most a second old. Whether the server drains is never cached.
    pub(super) async fn report(&self) -> Vec<Checked> {
        // Held while the checks run: however many probes come, each check runs once.
        let mut last = self.last.lock().await;
        let mut checked = match &*last {
            Some((at, checked)) if at.elapsed() < REPORT_TTL => checked.clone(),
            _ => {
                let checked = join_all(self.checks.iter().map(Check::run)).await;
                *last = Some((Instant::now(), checked.clone()));
                checked
            }
        };
        let draining = (self.is_draining)();
        let result =
            if draining { Err(CheckFailure("the server is shutting down")) } else { Ok(()) };
        checked.push(Checked { name: "not_draining", result });
        checked
    }
}

/// Whether all checks passed.
pub(super) fn is_ready(checked: &[Checked]) -> bool {
    checked.iter().all(|check| check.result.is_ok())
}

/// The results as JSON, with a line for each check.
pub(super) fn json(checked: &[Checked]) -> String {
    let mut text = format!("{{\"ready\": {}, \"checks\": [", is_ready(checked));
    for (at, Checked { name, result }) in checked.iter().enumerate() {
        let separator = if at == 0 { "" } else { "," };
        let _ = write!(text, "{separator}\n  {{\"name\": \"{name}\", \"ok\": {}", result.is_ok());
        if let Err(CheckFailure(reason)) = result {
            let _ = write!(text, ", \"reason\": \"{reason}\"");
        }
        text.push('}');
    }
    text.push_str("\n]}\n");
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicUsize};

    use super::*;

    /// A check that counts how often it runs.
    fn counted(runs: &Arc<AtomicUsize>, result: Result<(), CheckFailure>) -> Check {
        let runs = Arc::clone(runs);
        Check::new("store", move || {
            runs.fetch_add(1, Ordering::Relaxed);
            async move { result }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_runs_once_a_second_however_many_probes_come() {
        let runs = Arc::new(AtomicUsize::new(0));
        let readiness = Readiness::new(vec![counted(&runs, Ok(()))], || false);
        join_all((0..100).map(|_| readiness.report())).await;
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        tokio::time::advance(REPORT_TTL).await;
        readiness.report().await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_is_a_failure_after_its_bound() {
        let hangs = Check::new("store", std::future::pending);
        let readiness = Readiness::new(vec![hangs], || false);
        let begun = Instant::now();
        let report = readiness.report().await;
        assert_eq!(begun.elapsed(), CHECK_TIMEOUT);
        assert!(!is_ready(&report));
        assert!(json(&report).contains(r#"{"name": "store", "ok": false, "reason": "it did not"#));
    }

    #[tokio::test(start_paused = true)]
    async fn draining_is_seen_at_once() {
        let draining = Arc::new(AtomicBool::new(false));
        let (runs, state) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&draining));
        let check = counted(&runs, Ok(()));
        let readiness = Readiness::new(vec![check], move || state.load(Ordering::Relaxed));
        assert!(is_ready(&readiness.report().await));
        draining.store(true, Ordering::Relaxed);
        let report = readiness.report().await;
        assert!(!is_ready(&report), "{report:?}");
        let value: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
        assert_eq!(value["checks"][1]["name"], "not_draining");
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }
}
