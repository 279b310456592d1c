//! Lifetimes of data keys: on paused time, with a source and rows in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretSlice};
use tokio::time::advance;

use super::{DataKeys, MAX_DATA_KEYS, RENEWAL_TIMEOUT, WrappedKeys};
use crate::{
    grant::{
        key_source::{KeySource, KeySourceError},
        seal::Sealer,
        store_error::StoreError,
    },
    support::clock::ManualClock,
};

const LIFETIME: Duration = Duration::from_secs(3600);
const PERIOD: Duration = Duration::from_hours(24);

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Answers,
    Fails,
    Refuses,
    Hangs,
}

/// A source that turns bits over.
struct Source {
    mood: Mutex<Mood>,
    asked: AtomicU32,
}

impl Source {
    fn new() -> Arc<Self> {
        Arc::new(Self { mood: Mutex::new(Mood::Answers), asked: AtomicU32::new(0) })
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> u32 {
        self.asked.swap(0, Ordering::Relaxed)
    }

    async fn turned(&self, bytes: &[u8]) -> Result<Vec<u8>, KeySourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => Ok(bytes.iter().map(|byte| !byte).collect()),
            Mood::Fails => Err(KeySourceError::unavailable("503\nforged line")),
            Mood::Refuses => Err(KeySourceError::refused("403")),
            Mood::Hangs => std::future::pending().await,
        }
    }
}

#[async_trait]
impl KeySource for Arc<Source> {
    async fn wrap(&self, key: &SecretSlice<u8>) -> Result<Vec<u8>, KeySourceError> {
        self.turned(key.expose_secret()).await
    }

    async fn unwrap(&self, wrapped: &[u8]) -> Result<SecretSlice<u8>, KeySourceError> {
        self.turned(wrapped).await.map(SecretSlice::from)
    }

    fn cache_lifetime(&self) -> Duration {
        LIFETIME
    }

    fn rotation_period(&self) -> Duration {
        PERIOD
    }
}

#[derive(Default)]
struct Rows(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl WrappedKeys for Rows {
    async fn read(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        Ok(self.0.lock().unwrap().clone().into_iter().collect())
    }

    async fn insert(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.lock().unwrap().entry(name.to_owned()).or_insert_with(|| value.to_vec());
        Ok(())
    }

    async fn replace(&self, name: &str, _: &[u8], after: &[u8]) -> Result<(), StoreError> {
        self.0.lock().unwrap().insert(name.to_owned(), after.to_vec());
        Ok(())
    }
}

struct Replica {
    keys: Arc<DataKeys>,
    sealer: Sealer,
}

impl Replica {
    async fn start(source: &Arc<Source>, rows: &Arc<Rows>, clock: &Arc<ManualClock>) -> Self {
        let (source, rows) = (Arc::new(Arc::clone(source)), Arc::clone(rows));
        let keys = DataKeys::load(source, rows, Arc::clone(clock) as _, None).await.unwrap();
        keys.store_first().await.unwrap();
        Self { sealer: Sealer::sourced(Arc::clone(&keys)), keys }
    }

    async fn seal(&self) -> Vec<u8> {
        self.sealer.ready().await.unwrap().seal("p", &[], b"value")
    }

    async fn opens(&self, sealed: &[u8]) -> bool {
        self.sealer.ready().await.unwrap().open("p", &[], sealed).is_ok()
    }
}

async fn replica() -> (Arc<Source>, Arc<Rows>, Arc<ManualClock>, Replica) {
    let (source, rows, clock) = (Source::new(), Arc::default(), Arc::new(ManualClock::new()));
    let replica = Replica::start(&source, &rows, &clock).await;
    source.asked();
    (source, rows, clock, replica)
}

#[tokio::test(start_paused = true)]
async fn keys_are_used_until_their_lifetime_ends_and_again_when_the_source_answers() {
    let (source, _, _, replica) = replica().await;
    let sealed = replica.seal().await;
    source.set(Mood::Fails);
    advance(LIFETIME.saturating_sub(Duration::from_secs(1))).await;
    assert!(replica.opens(&sealed).await);
    advance(Duration::from_secs(2)).await;
    let error = replica.sealer.ready().await.unwrap_err().to_string();
    assert!(error.contains("does not answer") && !error.contains('\n'), "{error}");
    assert!(replica.sealer.open("p", &[], &sealed).is_err(), "the key has gone from memory");
    let unread = replica.sealer.seal("p", &[], b"value");
    source.set(Mood::Answers);
    advance(Duration::from_secs(2)).await;
    assert!(replica.opens(&sealed).await);
    assert!(!replica.opens(&unread).await, "what is sealed without a key is opened by no one");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_erases_the_keys() {
    let (source, _, _, replica) = replica().await;
    let sealed = replica.seal().await;
    source.set(Mood::Refuses);
    advance(LIFETIME.mul_f64(0.7)).await;
    // The task in the background asks.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(replica.sealer.open("p", &[], &sealed).is_err());
    let error = replica.sealer.ready().await.unwrap_err().to_string();
    assert!(error.contains("refuses: 403"), "{error}");
    source.set(Mood::Answers);
    advance(Duration::from_secs(2)).await;
    assert!(replica.opens(&sealed).await);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_asked_by_one_call_and_for_a_bounded_time() {
    let (source, _, _, replica) = replica().await;
    source.set(Mood::Hangs);
    advance(LIFETIME * 2).await;
    source.asked();
    let begun = tokio::time::Instant::now();
    let found = join_all((0..100).map(|_| replica.sealer.ready())).await;
    assert!(found.iter().all(Result::is_err));
    // The background's try may be under way when the calls come.
    assert!(begun.elapsed() <= RENEWAL_TIMEOUT * 2, "{:?}", begun.elapsed());
    assert!(source.asked() <= 2);
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_the_source_while_it_answers() {
    let (source, _, _, replica) = replica().await;
    for _ in 0..100 {
        advance(LIFETIME / 50).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(replica.keys.valid().is_some());
    }
    assert!((3..=6).contains(&source.asked()), "twice in each lifetime");
}

#[tokio::test(start_paused = true)]
async fn a_new_key_seals_once_all_replicas_have_it() {
    let (source, rows, clock, one) = replica().await;
    let other = Replica::start(&source, &rows, &clock).await;
    let first = one.seal().await;
    clock.advance(PERIOD);
    one.keys.reload().await.unwrap();
    assert_eq!(rows.0.lock().unwrap().len(), 2);
    assert_eq!(one.seal().await[1..9], first[1..9], "it does not seal yet");
    clock.advance(LIFETIME + Duration::from_mins(1));
    advance(LIFETIME + Duration::from_mins(1)).await;
    one.keys.reload().await.unwrap();
    let second = one.seal().await;
    assert_ne!(second[1..9], first[1..9]);
    assert!(one.opens(&first).await);
    assert!(other.opens(&second).await && other.opens(&first).await);
    other.keys.reload().await.unwrap();
    assert_eq!(rows.0.lock().unwrap().len(), 2, "one replica adds one key");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_data_keys_is_bounded() {
    let (_, rows, clock, one) = replica().await;
    for _ in 0..MAX_DATA_KEYS + 5 {
        clock.advance(PERIOD + LIFETIME * 2);
        one.keys.reload().await.unwrap();
    }
    assert_eq!(rows.0.lock().unwrap().len(), MAX_DATA_KEYS);
    rows.insert("data key 99999999", b"x").await.unwrap();
    assert!(one.keys.reload().await.unwrap_err().to_string().contains("more than 64"));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_unwraps_another_key_is_refused() {
    let (_, rows, _, one) = replica().await;
    let name = rows.0.lock().unwrap().keys().next().unwrap().clone();
    let mut value = rows.0.lock().unwrap()[&name].clone();
    for (end, words) in [(value.len() - 1, "31 bytes"), (value.len(), "another key")] {
        value[end - 1] ^= 1;
        rows.replace(&name, b"", &value[..end]).await.unwrap();
        let error = one.keys.reload().await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
