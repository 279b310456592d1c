//! The model against `Grants`: replicas that share a store, on a clock that the test moves.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use integration::broker::CountingStore;
use scale::{Random, Settings, Summary, run};
use secrecy::SecretString;
use toolgate::grant::{Grant, GrantKey, Grants, ManualClock, Renew, TokenError, TokenResponse};

/// A provider with a rate limit and an outage.
#[derive(Default)]
struct Provider {
    is_away: AtomicBool,
    left: AtomicU32,
    asked: AtomicU64,
    renewed: AtomicU64,
    life: Duration,
}

#[async_trait]
impl Renew for Provider {
    async fn renew(
        &self,
        _: &SecretString,
        _: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            let description = "503".to_owned();
            return Err(TokenError::Unreachable { description, maybe_sent: false });
        }
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(TokenError::Busy { retry_after: Some(Duration::from_secs(30)) });
        }
        self.left.store(left - 1, Ordering::Relaxed);
        self.renewed.fetch_add(1, Ordering::Relaxed);
        Ok(TokenResponse::new("access").refresh_token("refresh").expires_in(self.life))
    }
}

#[allow(clippy::too_many_lines, reason = "one run, and what came of it")]
#[tokio::test(flavor = "current_thread")]
async fn the_model_predicts_what_happens() {
    let settings = Settings {
        grants: 400,
        replicas: 4,
        calls_per_hour: 30.0,
        token_life: 900,
        provider_limit: 2,
        outage: (3600, 5400),
        seconds: 9000,
        same_age: false,
        jitter: true,
    };
    let predicted = Summary::of(&run(&settings, &mut Random::new(7)));

    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(CountingStore::new(&clock));
    let life = Duration::from_secs(u64::from(settings.token_life));
    let provider = Arc::new(Provider { life, ..Provider::default() });
    let renew: Arc<dyn Renew> = provider.clone();
    let replicas: Vec<_> =
        (0..settings.replicas).map(|_| Grants::new(store.clone(), clock.clone())).collect();
    let key = |at: usize| GrantKey::new(format!("person{at}"), "forge");
    let mut random = Random::new(11);
    let start = toolgate::grant::Clock::now(&*clock);
    for at in 0..settings.grants as usize {
        let age = Duration::from_secs(u64::from(random.below(settings.token_life)));
        let grant = Grant::new("access", start - age).refresh_token("refresh").expires_in(life);
        replicas[0].put(&key(at), grant).await.unwrap();
    }
    store.take_uses();
    let gap = 3600.0 / settings.calls_per_hour;
    let mut calls: Vec<Vec<usize>> = vec![Vec::new(); settings.seconds as usize];
    for at in 0..settings.grants as usize {
        let mut next = 0.0;
        loop {
            next += random.exponential(gap).max(1.0);
            let Some(second) = calls.get_mut(Duration::from_secs_f64(next).as_secs() as usize)
            else {
                break;
            };
            second.push(at);
        }
    }
    let (mut made, mut failed, mut peak) = (0_u64, 0_u64, 0);
    for (now, second) in calls.into_iter().enumerate() {
        let is_away = (settings.outage.0..settings.outage.1).contains(&(now as u32));
        provider.is_away.store(is_away, Ordering::Relaxed);
        provider.left.store(settings.provider_limit, Ordering::Relaxed);
        let before = provider.asked.load(Ordering::Relaxed);
        for at in second {
            let replica = &replicas[random.below(u32::from(settings.replicas)) as usize];
            made += 1;
            failed += u64::from(replica.access(&key(at), &renew).await.is_err());
            replica.settled().await;
        }
        peak = peak.max(provider.asked.load(Ordering::Relaxed) - before);
        clock.advance(Duration::from_secs(1));
    }
    let uses = store.take_uses();
    let counts = [
        ("calls", predicted.calls, made),
        ("calls without a token", predicted.failed, failed),
        ("refresh requests", predicted.requests, provider.asked.load(Ordering::Relaxed)),
        ("renewed tokens", predicted.renewed, provider.renewed.load(Ordering::Relaxed)),
        ("reads", predicted.reads, uses.reads),
        ("writes", predicted.writes, uses.writes),
    ];
    println!("| 400 grants, 4 replicas, an outage of 30 minutes | predicted | happened |");
    println!("|---|--:|--:|");
    for (name, predicted, happened) in counts {
        println!("| {name} | {predicted} | {happened} |");
    }
    println!("| most refresh requests in a second | {} | {peak} |", predicted.peak);
    for (name, predicted, happened) in counts {
        let difference = predicted.abs_diff(happened) as f64 / happened as f64;
        assert!(difference < 0.1, "{name}: {predicted} were predicted, and {happened} happened");
    }
}
