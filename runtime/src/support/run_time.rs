//! Timeouts of a process that may be paused.

use std::{pin::pin, time::Duration};

use tokio::time::{error::Elapsed, sleep};

/// In how many steps a timeout is counted.
const STEPS: u32 = 16;

/// Completes with `future`, or after `limit` of the time in which this process runs: a pause counts as
/// at most one sixteenth of it. Data that arrived during a pause is still read before the time is up.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    for _ in 1..STEPS {
        tokio::select! {
            biased;
            output = &mut future => return Ok(output),
            () = sleep(limit / STEPS) => {}
        }
    }
    tokio::time::timeout(limit / STEPS, future).await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::{Instant, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_is_up_after_the_limit() {
        let begun = Instant::now();
        assert!(timeout(Duration::from_secs(16), pending::<()>()).await.is_err());
        let took = begun.elapsed();
        assert!((16..17).contains(&took.as_secs()), "{took:?}");
        assert_eq!(timeout(Duration::ZERO, ready(7)).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_does_not_use_the_time_up() {
        let answered = async {
            advance(Duration::from_secs(3600)).await;
            sleep(Duration::from_secs(2)).await;
            7
        };
        assert_eq!(timeout(Duration::from_secs(16), answered).await, Ok(7));
    }
}
