//! Several tasks and processes that need one grant at the same time.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;
use toolgate::grant::{
    AccessError, Clock as _, Grant, GrantKey, HolderId, ManualClock, TokenError,
};

use super::{Bench, HOUR, Provider, Watched, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_make_one_renewal() {
    let bench = Arc::new(Bench::new(Provider::new()).await);
    bench.clock.advance(HOUR);
    let calls = (0..100).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.token().await })
    });
    for token in join_all(calls).await {
        assert_eq!(token.unwrap(), "a1");
    }
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_refusals_make_one_renewal() {
    let bench = Arc::new(Bench::new(Provider::new()).await);
    let refused = bench.access().await.unwrap();
    let calls = (0..100).map(|_| {
        let (bench, refused) = (bench.clone(), refused.clone());
        tokio::spawn(async move { bench.grants.rejected(&key(), &refused, &bench.renew).await })
    });
    for access in join_all(calls).await {
        assert_eq!(access.unwrap().unwrap().token.expose_secret(), "a1");
    }
    assert_eq!(bench.provider.asked(), 1);
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_one_file_make_one_renewal() {
    use toolgate::grant::{MasterKey, SqliteStore};

    let dir = tempfile::tempdir().unwrap();
    let master = MasterKey::generate();
    let clock = Arc::new(ManualClock::new());
    let provider = Provider::gated(Some(HOUR));
    let refused = Arc::new(Semaphore::new(0));
    let mut benches = Vec::new();
    for _ in 0..2 {
        let options = SqliteStore::at(dir.path()).key(master.clone()).clock(clock.clone());
        let store = Watched::over(Arc::new(options.open().await.unwrap()));
        let store = Arc::new(Watched { refused: refused.clone(), ..store });
        benches.push(Arc::new(Bench::with_store(provider.clone(), clock.clone(), store).await));
    }
    clock.advance(HOUR);
    let calls: Vec<_> = (0..100)
        .map(|call| {
            let bench = benches[call % 2].clone();
            tokio::spawn(async move { bench.token().await })
        })
        .collect();
    // The provider answers one of them when the other has been told to wait.
    provider.entered.notified().await;
    tokio::select! {
        permit = refused.acquire() => drop(permit.unwrap()),
        () = provider.entered.notified() => panic!("both ask the provider"),
    }
    provider.gate.close();
    for token in join_all(calls).await {
        assert_eq!(token.unwrap(), "a1");
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn near_its_end_the_old_token_serves_while_the_new_one_is_fetched() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    assert_eq!(bench.token().await, "a0");
    bench.clock.advance(Duration::from_mins(59));
    assert_eq!(bench.token().await, "a0");
    bench.provider.entered.notified().await;
    assert_eq!(bench.token().await, "a0", "the call does not wait for the provider");
    bench.provider.gate.close();
    bench.grants.settled().await;
    assert_eq!(bench.token().await, "a1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn a_fresh_token_is_not_renewed() {
    let bench = Bench::new(Provider::new()).await;
    bench.clock.advance(Duration::from_secs(54 * 60 + 59));
    assert_eq!(bench.token().await, "a0");
    bench.grants.settled().await;
    assert_eq!(bench.provider.asked(), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_loses_nothing() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    {
        let mut access = std::pin::pin!(bench.access());
        tokio::select! {
            biased;
            _ = &mut access => panic!("the provider has not answered"),
            () = bench.provider.entered.notified() => {}
        }
    }
    bench.provider.gate.close();
    bench.grants.settled().await;
    assert_eq!(bench.token().await, "a1");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "r1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn invalid_grant_after_another_has_renewed_is_no_loss() {
    let bench = Bench::new(Provider::new()).await;
    let (store, now) = (bench.store.clone(), bench.clock.now() + HOUR);
    // Meanwhile a process whose lease we did not see has written its own.
    bench.provider.answer(move || {
        let newer = Grant::new("b1", now).refresh_token("s1");
        futures::executor::block_on(async {
            let revision = store.load(&key()).await.unwrap().unwrap().revision;
            store.save(&key(), &newer, revision).await.unwrap();
        });
        Err(TokenError::InvalidGrant { description: None })
    });
    bench.clock.advance(HOUR);
    assert_eq!(bench.token().await, "b1");
}

#[tokio::test]
async fn a_consent_during_a_renewal_wins() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    let (grants, renew) = (bench.grants.clone(), bench.renew.clone());
    let call = tokio::spawn(async move { grants.access(&key(), &renew).await });
    bench.provider.entered.notified().await;
    let consent = Grant::new("b0", bench.clock.now()).refresh_token("s0");
    bench.grants.put(&key(), consent).await.unwrap();
    bench.provider.gate.close();
    assert_eq!(call.await.unwrap().unwrap().token.expose_secret(), "b0");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "s0");
}

#[tokio::test]
async fn a_grant_removed_during_a_renewal_stays_removed() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    let (grants, renew) = (bench.grants.clone(), bench.renew.clone());
    let call = tokio::spawn(async move { grants.access(&key(), &renew).await });
    bench.provider.entered.notified().await;
    bench.grants.remove(&key()).await.unwrap();
    bench.provider.gate.close();
    assert!(matches!(call.await.unwrap(), Err(AccessError::Missing)));
    assert!(bench.store.load(&key()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_a_dead_process_ends() {
    let bench = Bench::new(Provider::new()).await;
    bench.clock.advance(HOUR);
    let term = Duration::from_secs(30);
    bench.store.lease(&key(), HolderId([9; 16]), term).await.unwrap().unwrap();
    assert!(matches!(bench.access().await, Err(AccessError::Busy { .. })));
    assert_eq!(bench.provider.asked(), 0);
    bench.clock.advance(term);
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn a_token_that_another_task_renewed_is_handed_out_on_a_refusal() {
    let bench = Bench::new(Provider::new()).await;
    let old = bench.access().await.unwrap();
    bench.clock.advance(HOUR);
    assert_eq!(bench.token().await, "a1");
    let next = bench.grants.rejected(&key(), &old, &bench.renew).await.unwrap();
    assert_eq!(next.token.expose_secret(), "a1");
    assert_eq!(bench.provider.asked(), 1);
}

/// All grants fail at the same moment; a provider that is back is not asked for all of them at once.
#[tokio::test]
async fn grants_that_failed_together_are_not_renewed_together() {
    const GRANTS: usize = 200;
    let bench = Bench::new(Provider::new()).await;
    let keys: Vec<_> =
        (0..GRANTS).map(|at| GrantKey::new(format!("person{at}"), "forge")).collect();
    for key in &keys {
        let grant = Grant::new("a0", bench.clock.now()).refresh_token("r0").expires_in(HOUR);
        bench.grants.put(key, grant).await.unwrap();
    }
    // Due, each of them; none has expired.
    bench.clock.advance(Duration::from_secs(3600 - 140));
    let unreachable = || TokenError::Unreachable { description: "503".into(), maybe_sent: false };
    for _ in 0..GRANTS * 3 {
        bench.provider.fault(unreachable());
    }
    let mut asked = Vec::new();
    // At once; within the first rest; at its end; within the second, which is twice as long.
    for seconds in [0, 22, 8, 15] {
        bench.clock.advance(Duration::from_secs(seconds));
        let before = bench.provider.asked();
        for key in &keys {
            bench.grants.access(key, &bench.renew).await.unwrap();
        }
        bench.grants.settled().await;
        asked.push(bench.provider.asked() - before);
    }
    assert_eq!(asked[0], GRANTS);
    assert!((GRANTS / 5..GRANTS * 4 / 5).contains(&asked[1]), "{asked:?}");
    assert_eq!(asked[1] + asked[2], GRANTS, "{asked:?}");
    assert!(asked[3] < GRANTS / 4, "a second failure is followed by a longer rest: {asked:?}");
}
