//! What a provider answers, and what it does to the grant.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use secrecy::ExposeSecret as _;
use toolgate::{
    grant::{
        AccessError, Clock as _, DeadReason, Grant, ManualClock, MemoryStore, TokenError,
        TokenResponse,
    },
    provider::RefreshTokens,
};

use super::{Bench, HOUR, Provider, Watched, key, unreachable};

#[tokio::test]
async fn the_old_refresh_token_and_scopes_stay_when_the_answer_has_none() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.answer(|| Ok(TokenResponse::new("a1").scopes([""; 0])));
    bench.clock.advance(HOUR);
    let access = bench.access().await.unwrap();
    assert!(access.scopes.contains("repo:read"));
    let stored = bench.stored().await;
    assert_eq!(stored.refresh_token.unwrap().expose_secret(), "r0");
    assert_eq!(stored.expires_at, None, "no expires_in is not an hour");
    bench.clock.advance(24 * HOUR);
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn fewer_scopes_are_fewer_scopes() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.answer(|| Ok(TokenResponse::new("a1").scopes(["user:email"])));
    bench.clock.advance(HOUR);
    assert_eq!(bench.access().await.unwrap().scopes, BTreeSet::from(["user:email".to_owned()]));
}

#[tokio::test]
async fn a_revoked_grant_is_dead_and_the_provider_is_asked_once() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.fault(TokenError::InvalidGrant { description: Some("gone, r0\n".into()) });
    bench.clock.advance(HOUR);
    for _ in 0..3 {
        let Err(AccessError::Dead { reason }) = bench.access().await else { panic!() };
        let description = Some("gone, [redacted]".to_owned());
        assert_eq!(reason, DeadReason::InvalidGrant { description });
    }
    assert_eq!(bench.provider.asked(), 1);
    bench.grants.put(&key(), Grant::new("b0", bench.clock.now())).await.unwrap();
    assert_eq!(bench.token().await, "b0", "connecting again replaces it");
}

#[tokio::test]
async fn a_provider_that_is_down_costs_no_good_token_and_no_grant() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.fault(unreachable(true));
    bench.clock.advance(Duration::from_mins(59));
    for _ in 0..5 {
        assert_eq!(bench.token().await, "a0");
        bench.grants.settled().await;
    }
    assert_eq!(bench.provider.asked(), 1, "a failure is followed by a rest");

    bench.provider.fault(unreachable(true));
    bench.clock.advance(Duration::from_mins(1));
    assert!(matches!(bench.access().await, Err(AccessError::Unreachable { .. })));
    assert_eq!(bench.token().await, "a1", "once the provider is back, the grant works");
}

#[tokio::test]
async fn a_refused_client_kills_no_grant() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.fault(TokenError::Refused { status: 401, description: "invalid_client".into() });
    bench.clock.advance(HOUR);
    assert!(matches!(bench.access().await, Err(AccessError::Refused { status: 401, .. })));
    assert_eq!(bench.stored().await.renewal, None, "the token was not spent");
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn the_second_refusal_in_a_row_asks_the_person() {
    for words in ["unauthorized_client refresh_token is invalid", "status 401 Unauthorized"] {
        let bench = Bench::new(Provider::new()).await;
        let refuse = || {
            let description = words.to_owned();
            bench.provider.fault(TokenError::Refused { status: 400, description });
        };
        refuse();
        bench.clock.advance(HOUR);
        assert!(matches!(bench.access().await, Err(AccessError::Refused { status: 400, .. })));
        refuse();
        let error = bench.access().await.unwrap_err();
        assert!(error.is_consent_needed() && error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn refusals_of_a_client_and_refusals_that_are_not_in_a_row_kill_no_grant() {
    let bench = Bench::new(Provider::new()).await;
    let refuse = |words: &str| {
        bench.provider.fault(TokenError::Refused { status: 400, description: words.to_owned() });
    };
    bench.clock.advance(HOUR);
    for words in ["invalid_client", "invalid_client", "incorrect_client_credentials no", "x"] {
        refuse(words);
        assert!(matches!(bench.access().await, Err(AccessError::Refused { .. })), "{words}");
    }
    assert_eq!(bench.token().await, "a1");
    bench.clock.advance(HOUR);
    refuse("x");
    assert!(matches!(bench.access().await, Err(AccessError::Refused { .. })));
    assert_eq!(bench.token().await, "a2");
}

#[tokio::test]
async fn an_interrupted_refresh_is_sent_again_where_the_provider_lets_it() {
    let standard = RefreshTokens::STANDARD;
    for (behaviour, asked) in
        [(standard, 1), (standard.leeway(600), 2), (standard.rotates(false), 2)]
    {
        let bench = Bench::new(Provider::new()).await;
        *bench.provider.refresh_tokens.lock().unwrap() = behaviour;
        bench.provider.fault(unreachable(true));
        bench.clock.advance(HOUR);
        let access = bench.access().await;
        assert_eq!(bench.provider.asked(), asked, "{behaviour:?}");
        assert_eq!(access.is_ok(), asked == 2, "{behaviour:?}: {access:?}");
    }
    // Where nothing was sent, nothing was interrupted.
    let bench = Bench::new(Provider::new()).await;
    *bench.provider.refresh_tokens.lock().unwrap() = standard.leeway(600);
    bench.provider.fault(unreachable(false));
    bench.clock.advance(HOUR);
    assert!(bench.access().await.is_err());
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn a_refresh_that_ends_the_token_before_it_does_not_come_early() {
    let bench = Bench::new(Provider::new()).await;
    *bench.provider.refresh_tokens.lock().unwrap() =
        RefreshTokens::STANDARD.revokes_access_token(true);
    bench.clock.advance(Duration::from_mins(59));
    assert_eq!(bench.token().await, "a0");
    bench.grants.settled().await;
    assert_eq!(bench.provider.asked(), 0, "calls in progress use the token");
    bench.clock.advance(Duration::from_mins(1));
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn retry_after_is_kept() {
    let bench = Bench::new(Provider::new()).await;
    let wait = Duration::from_secs(20);
    bench.provider.fault(TokenError::Busy { retry_after: Some(wait) });
    bench.clock.advance(HOUR);
    for _ in 0..3 {
        let Err(AccessError::Busy { retry_after }) = bench.access().await else { panic!() };
        assert_eq!(retry_after, Some(wait));
    }
    assert_eq!(bench.provider.asked(), 1);
    bench.clock.advance(wait);
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_left() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    let Err(AccessError::Unreachable { description }) = bench.access().await else { panic!() };
    assert!(description.contains("15s"), "{description}");
    bench.provider.gate.close();
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn without_a_refresh_token_an_ended_token_needs_the_person() {
    let bench = Bench::new(Provider::new()).await;
    let grant = Grant::new("b0", bench.clock.now()).expires_in(HOUR);
    bench.grants.put(&key(), grant).await.unwrap();
    let access = bench.access().await.unwrap();
    let rejected = bench.grants.rejected(&key(), &access, &bench.renew).await;
    assert!(matches!(rejected, Err(AccessError::Expired)));
    bench.clock.advance(HOUR);
    assert!(matches!(bench.access().await, Err(AccessError::Expired)));
    bench.grants.remove(&key()).await.unwrap();
    assert!(matches!(bench.access().await, Err(AccessError::Missing)));
}

#[tokio::test]
async fn an_api_that_refuses_everything_does_not_wear_the_provider_out() {
    let bench = Bench::new(Provider::new()).await;
    let mut access = bench.access().await.unwrap();
    let error = loop {
        match bench.grants.rejected(&key(), &access, &bench.renew).await {
            Ok(next) => access = next,
            Err(error) => break error,
        }
        assert!(bench.provider.asked() < 10);
    };
    assert!(matches!(error, AccessError::Rejected));
    assert_eq!(bench.provider.asked(), 3);
    bench.clock.advance(Duration::from_mins(1));
    assert!(bench.grants.rejected(&key(), &access, &bench.renew).await.is_ok());
}

#[tokio::test]
async fn tokens_that_expire_on_their_way_to_the_api_are_renewed_each_time() {
    let life = Duration::from_secs(5);
    let bench = Bench::new(Provider::with_life(Some(life))).await;
    bench.clock.advance(HOUR);
    for renewed in 1..=10 {
        let access = bench.access().await.unwrap();
        bench.clock.advance(life);
        let next = bench.grants.rejected(&key(), &access, &bench.renew).await.unwrap();
        assert_eq!(next.token.expose_secret(), format!("a{}", renewed + 1));
    }
}

#[tokio::test]
async fn tokens_that_end_at_once_are_not_fetched_on_every_call() {
    let bench = Bench::new(Provider::with_life(Some(Duration::from_nanos(1)))).await;
    bench.clock.advance(HOUR);
    for _ in 0..50 {
        assert_eq!(bench.token().await, "a1");
    }
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_grant_that_cannot_be_written_is_not_lost() {
    let clock = Arc::new(ManualClock::new());
    let watched = Arc::new(Watched::over(Arc::new(MemoryStore::with_clock(clock.clone()))));
    let bench = Bench::with_store(Provider::new(), clock, watched.clone()).await;
    let breaking = watched.clone();
    bench.provider.answer(move || {
        breaking.broken.store(true, Ordering::SeqCst);
        Ok(TokenResponse::new("a1").refresh_token("r1").expires_in(HOUR))
    });
    bench.clock.advance(HOUR);
    let error = bench.access().await.unwrap_err();
    assert!(matches!(error, AccessError::Store(_)), "no token before it is durable: {error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    watched.broken.store(false, Ordering::SeqCst);
    assert_eq!(bench.token().await, "a1");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "r1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn a_panic_in_the_client_is_an_error_and_not_a_hang() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.answer(|| panic!("a bug"));
    bench.clock.advance(HOUR);
    assert!(matches!(bench.access().await, Err(AccessError::Aborted)));
    assert_eq!(bench.token().await, "a1");
}
