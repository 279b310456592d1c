//! Processes that are paused for longer than their lease.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use tokio::{task::JoinHandle, time};
use toolgate::grant::{Grants, ManualClock, MemoryStore};

use super::{Bench, HOUR, Provider, Watched, key};

/// Longer than a lease.
const PAUSE: Duration = Duration::from_secs(31);

/// A bench whose process is paused after it has recorded a renewal, and another process.
async fn paused() -> (Arc<Bench>, Arc<Watched>, Grants, time::Instant) {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    let watched = Arc::new(Watched::over(store.clone()));
    let bench = Bench::with_store(Provider::new(), clock.clone(), watched.clone()).await;
    (Arc::new(bench), watched, Grants::new(store, clock), time::Instant::now())
}

/// A call that needs a refresh, in a process that is paused before its request for longer than its
/// lease.
async fn paused_call(bench: &Arc<Bench>, watched: &Watched) -> JoinHandle<String> {
    bench.clock.advance(HOUR);
    watched.stalls.store(true, std::sync::atomic::Ordering::SeqCst);
    let call = tokio::spawn({
        let bench = bench.clone();
        async move { bench.token().await }
    });
    watched.stalled.notified().await;
    bench.clock.advance(PAUSE);
    time::advance(PAUSE).await;
    call
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_paused_past_its_lease_does_not_spend_the_token_again() {
    let (bench, watched, other, begun) = paused().await;
    let call = paused_call(&bench, &watched).await;
    assert!(begun.elapsed() >= PAUSE);
    let access = other.access(&key(), &bench.renew).await.unwrap();
    assert_eq!(access.token.expose_secret(), "a1");
    watched.goes_on.notify_one();
    assert_eq!(call.await.unwrap(), "a1", "the token of the other process");
    assert_eq!(bench.provider.asked(), 1, "the spent token is not sent");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "r1");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_paused_alone_takes_its_lease_again() {
    let (bench, watched, _, _) = paused().await;
    let call = paused_call(&bench, &watched).await;
    watched.goes_on.notify_one();
    assert_eq!(call.await.unwrap(), "a1");
    assert_eq!(bench.provider.asked(), 1);
    assert_eq!(bench.stored().await.renewal, None);
}
