//! Test suite of the contract that every [`GrantStore`] keeps.
//!
//! ```
//! use std::sync::Arc;
//! use toolgate::grant::{ManualClock, MemoryStore, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let clock = Arc::new(ManualClock::new());
//! contract::holds(&MemoryStore::with_clock(clock.clone()), &clock).await;
//! # }
//! ```

use std::time::Duration;

use futures::future::join_all;
use secrecy::ExposeSecret as _;

use super::{
    model::{DeadReason, Grant, GrantKey, GrantState, Revision, Stored},
    records::{MAX_RECORD_BYTES, Namespace, Records},
    store::{GrantStore, HolderId, MAX_PENDING_BYTES},
    store_error::{SaveError, StoreError},
};
use crate::support::clock::{Clock as _, ManualClock};

const MINUTE: Duration = Duration::from_mins(1);

/// Checks the whole contract on an empty store whose time is `clock`.
///
/// # Panics
///
/// The store breaks the contract; the message says where.
pub async fn holds(store: &dyn GrantStore, clock: &ManualClock) {
    loads_what_was_saved(store, clock).await;
    refuses_a_stale_revision(store, clock).await;
    gives_no_revision_twice(store, clock).await;
    lists_one_subject(store, clock).await;
    keeps_accounts_apart(store, clock).await;
    one_writer_wins(store, clock).await;
    leases_to_one_holder(store, clock).await;
    takes_a_pending_value_once(store, clock).await;
    bounds_pending_values(store, clock).await;
}

fn grant(token: &str, clock: &ManualClock) -> Grant {
    Grant::new(token, clock.now())
}

async fn load(store: &dyn GrantStore, key: &GrantKey) -> Option<Stored<Grant>> {
    store.load(key).await.expect("the store can be read")
}

async fn loads_what_was_saved(store: &dyn GrantStore, clock: &ManualClock) {
    let key = GrantKey::new("contract-saved", "forge");
    assert!(load(store, &key).await.is_none(), "an empty store has no grant");
    let mut full = grant("access", clock)
        .refresh_token("refresh")
        .scopes(["repo:read", "repo:write"])
        .expires_in(MINUTE);
    full.state = GrantState::Dead { reason: DeadReason::Interrupted };
    let revision = store.save(&key, &full, Revision::ABSENT).await.expect("a new row is saved");
    let stored = load(store, &key).await.expect("a saved grant is there");
    assert_eq!(stored.revision, revision, "load gives the revision that save gave");
    let back = stored.value;
    assert_eq!(back.access_token.expose_secret(), "access");
    assert_eq!(back.refresh_token.expect("the refresh token is kept").expose_secret(), "refresh");
    assert_eq!(back.scopes, full.scopes);
    assert_eq!(back.expires_at, full.expires_at);
    assert_eq!(back.obtained_at, full.obtained_at);
    assert_eq!(back.state, full.state);

    let bare = grant("bare", clock);
    store.save(&key, &bare, revision).await.expect("the row is replaced");
    let back = load(store, &key).await.expect("a replaced grant is there").value;
    assert_eq!(back.expires_at, None, "an unknown end stays unknown");
    assert!(back.refresh_token.is_none(), "what a new grant lacks is not kept from the old");

    store.remove(&key).await.expect("a grant can be removed");
    assert!(load(store, &key).await.is_none(), "a removed grant is gone");
    store.remove(&key).await.expect("removing what is not there is no error");
}

async fn refuses_a_stale_revision(store: &dyn GrantStore, clock: &ManualClock) {
    let key = GrantKey::new("contract-stale", "forge");
    let conflict = |result| assert!(matches!(result, Err(SaveError::Conflict)), "{result:?}");
    conflict(store.save(&key, &grant("x", clock), Revision(7)).await);
    let first = store.save(&key, &grant("1", clock), Revision::ABSENT).await.expect("saved");
    conflict(store.save(&key, &grant("x", clock), Revision::ABSENT).await);
    let second = store.save(&key, &grant("2", clock), first).await.expect("saved");
    assert_ne!(first, second, "every write makes another revision");
    conflict(store.save(&key, &grant("x", clock), first).await);
    let kept = load(store, &key).await.expect("the grant is there");
    assert_eq!(kept.value.access_token.expose_secret(), "2", "a conflict writes nothing");
    store.remove(&key).await.expect("removed");
    conflict(store.save(&key, &grant("x", clock), second).await);
    assert!(load(store, &key).await.is_none(), "a stale save does not bring a grant back");
}

async fn gives_no_revision_twice(store: &dyn GrantStore, clock: &ManualClock) {
    let key = GrantKey::new("contract-again", "forge");
    let first = store.save(&key, &grant("1", clock), Revision::ABSENT).await.expect("saved");
    store.remove(&key).await.expect("removed");
    let again = store.save(&key, &grant("2", clock), Revision::ABSENT).await.expect("saved");
    assert_ne!(first, again, "a row that was made again has another revision");
    store.remove(&key).await.expect("removed");
}

async fn lists_one_subject(store: &dyn GrantStore, clock: &ManualClock) {
    let keys = ["a", "b"].map(|provider| GrantKey::new("contract-list", provider));
    let other = GrantKey::new("contract-list-other", "a");
    for key in keys.iter().rev().chain([&other]) {
        store.save(key, &grant("t", clock), Revision::ABSENT).await.expect("saved");
    }
    assert_eq!(store.list("contract-list").await.expect("listed"), keys);
    assert!(store.list("contract-list-nobody").await.expect("listed").is_empty());
    for key in keys.iter().chain([&other]) {
        store.remove(key).await.expect("removed");
    }
}

async fn keeps_accounts_apart(store: &dyn GrantStore, clock: &ManualClock) {
    let first = GrantKey::new("contract-accounts", "forge");
    let accounts = [first.clone(), first.account("home"), first.account("work")];
    let other = GrantKey::new("contract-accounts", "forge2");
    for key in accounts.iter().rev().chain([&other]) {
        let saved = store.save(key, &grant(&key.account, clock), Revision::ABSENT).await;
        saved.expect("each account has a row of its own");
    }
    for key in &accounts {
        let found = load(store, key).await.expect("each account's grant is there").value;
        assert_eq!(found.access_token.expose_secret(), key.account, "it is that account's");
    }
    let all = [&accounts[..], std::slice::from_ref(&other)].concat();
    assert_eq!(store.list(&first.subject).await.expect("listed"), all, "the first comes first");

    let [one, two] = [HolderId([1; 16]), HolderId([2; 16])];
    let lease = |key: &GrantKey, holder| {
        let key = key.clone();
        async move { store.lease(&key, holder, MINUTE).await.expect("leased") }
    };
    let first_lease = lease(&first, one).await.expect("a free lease is given");
    let second_lease = lease(&accounts[1], two).await.expect("another account's is another lease");
    assert!(lease(&accounts[1], one).await.is_none(), "a lease has one holder");
    store.release(first_lease).await.expect("released");
    assert!(lease(&accounts[1], one).await.is_none(), "the other account's lease is held");
    store.release(second_lease).await.expect("released");

    store.remove(&first).await.expect("removed");
    assert!(load(store, &first).await.is_none());
    assert!(load(store, &accounts[1]).await.is_some(), "another account stays connected");
    for key in &all {
        store.remove(key).await.expect("removed");
    }
    assert!(store.list(&first.subject).await.expect("listed").is_empty());
}

async fn one_writer_wins(store: &dyn GrantStore, clock: &ManualClock) {
    let key = GrantKey::new("contract-race", "forge");
    let mut expected = Revision::ABSENT;
    for _ in 0..2 {
        let writers = (0..16).map(|writer| {
            let (grant, key) = (grant(&format!("w{writer}"), clock), &key);
            async move { store.save(key, &grant, expected).await.map(|revision| (writer, revision)) }
        });
        let mut won = Vec::new();
        for result in join_all(writers).await {
            match result {
                Ok(winner) => won.push(winner),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => panic!("a race is a conflict: {error}"),
            }
        }
        let [(writer, revision)] = won[..] else { panic!("one writer wins, not {won:?}") };
        let stored = load(store, &key).await.expect("the winner's grant is there");
        assert_eq!(stored.value.access_token.expose_secret(), format!("w{writer}"));
        assert_eq!(stored.revision, revision);
        expected = revision;
    }
    store.remove(&key).await.expect("removed");
}

async fn leases_to_one_holder(store: &dyn GrantStore, clock: &ManualClock) {
    let key = GrantKey::new("contract-lease", "forge");
    let [one, two] = [HolderId([1; 16]), HolderId([2; 16])];
    let lease = |holder| async move {
        store
            .lease(&GrantKey::new("contract-lease", "forge"), holder, MINUTE)
            .await
            .expect("leased")
    };
    let first = lease(one).await.expect("a free lease is given");
    assert_eq!((&first.key, first.holder), (&key, one));
    assert_eq!(first.expires_at, clock.now() + MINUTE);
    assert!(lease(two).await.is_none(), "a lease has one holder");
    let other = GrantKey::new("contract-lease", "other");
    let elsewhere = store.lease(&other, two, MINUTE).await.expect("leased");
    store.release(elsewhere.expect("another grant is free")).await.expect("released");

    clock.advance(MINUTE / 2);
    let longer = lease(one).await.expect("its holder may prolong it");
    clock.advance(MINUTE / 2);
    assert!(lease(two).await.is_none(), "a prolonged lease lasts");
    clock.advance(MINUTE / 2);
    let taken = lease(two).await.expect("a lease that ended is free");
    store.release(longer).await.expect("released");
    assert!(lease(one).await.is_none(), "a lost lease cannot be given back");
    store.release(taken).await.expect("released");
    let back = lease(one).await.expect("a lease that was given back is free");

    clock.set(clock.now() - 24 * 60 * MINUTE);
    let reset = lease(two).await.expect("a clock set back does not hold a lease for a day");
    store.release(reset).await.expect("released");
    clock.set(back.expires_at);
}

async fn takes_a_pending_value_once(store: &dyn GrantStore, clock: &ManualClock) {
    let until = clock.now() + MINUTE;
    let put = |value: &'static [u8]| async move {
        store.put_pending("contract-pending", value, until).await.expect("kept");
    };
    let peek = || async { store.peek_pending("contract-pending").await.expect("read") };
    let take = || async { store.take_pending("contract-pending").await.expect("taken") };
    assert_eq!(take().await, None);
    put(b"one").await;
    put(b"two").await;
    assert_eq!(peek().await.as_deref(), Some(&b"two"[..]), "a value can be replaced");
    assert_eq!(peek().await.as_deref(), Some(&b"two"[..]), "peeking takes nothing");
    let taken = join_all((0..16).map(|_| take())).await;
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(taken, [b"two"], "one taker gets it");
    assert_eq!((peek().await, take().await), (None, None), "what was taken is gone");

    put(b"late").await;
    clock.advance(MINUTE);
    assert_eq!(peek().await, None, "an expired value is not shown");
    assert_eq!(take().await, None, "an expired value is not given");
}

async fn bounds_pending_values(store: &dyn GrantStore, clock: &ManualClock) {
    let value = vec![0; MAX_PENDING_BYTES + 1];
    let put = store.put_pending("contract-long", &value, clock.now() + MINUTE).await;
    assert!(matches!(put, Err(StoreError::Full)), "a value is at most 64 KiB: {put:?}");
}

const RECORDS: Namespace = Namespace::new("contract", 3);

/// Checks the contract of [`Records`] on a store whose time is `clock`.
///
/// # Panics
///
/// The store breaks the contract; the message says where.
pub async fn records_hold(store: &dyn Records, clock: &ManualClock) {
    swaps_a_record(store, clock).await;
    forgets_an_expired_record(store, clock).await;
    gives_a_record_to_one(store, clock).await;
    bounds_records(store, clock).await;
    evicts_records(store, clock).await;
    wakes_who_watches_a_record(store, clock).await;
}

async fn put(store: &dyn Records, key: &str, clock: &ManualClock) -> Result<Revision, SaveError> {
    store.write(RECORDS, key, b"value", clock.now() + MINUTE, Revision::ABSENT).await
}

async fn swaps_a_record(store: &dyn Records, clock: &ManualClock) {
    let until = clock.now() + MINUTE;
    let first = put(store, "swap", clock).await.expect("a new record is written");
    let stored = store.read(RECORDS, "swap").await.expect("it can be read").expect("it is there");
    assert_eq!((stored.value.as_slice(), stored.revision), (&b"value"[..], first));
    let elsewhere = Namespace::new("contract-other", 3);
    assert!(store.read(elsewhere, "swap").await.expect("it can be read").is_none());
    let writes = (0..8u8)
        .map(|n| async move { store.write(RECORDS, "swap", &[n], until, first).await.is_ok() });
    let won = join_all(writes).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1, "one of several writers of one revision wins");
    let absent = put(store, "swap", clock).await;
    assert!(matches!(absent, Err(SaveError::Conflict)), "a record that is there is not absent");
    store.take(RECORDS, "swap").await.expect("it can be taken");
    let gone = store.write(RECORDS, "swap", b"x", until, first).await;
    assert!(matches!(gone, Err(SaveError::Conflict)), "a record that is gone has no revision");
}

async fn forgets_an_expired_record(store: &dyn Records, clock: &ManualClock) {
    let first = put(store, "expires", clock).await.expect("a new record is written");
    clock.advance(MINUTE);
    assert!(store.read(RECORDS, "expires").await.expect("it can be read").is_none());
    let until = clock.now() + MINUTE;
    let late = store.write(RECORDS, "expires", b"x", until, first).await;
    assert!(matches!(late, Err(SaveError::Conflict)), "an expired record is not revived");
    assert!(store.take(RECORDS, "expires").await.expect("it can be taken").is_none());
    let again = put(store, "expires", clock).await.expect("an expired record is absent");
    assert_ne!(first, again, "a revision does not come back");
    store.take(RECORDS, "expires").await.expect("it can be taken");
}

async fn gives_a_record_to_one(store: &dyn Records, clock: &ManualClock) {
    put(store, "once", clock).await.expect("a new record is written");
    let takes = (0..8).map(|_| async { store.take(RECORDS, "once").await.expect("it can tell") });
    let took = join_all(takes).await.into_iter().flatten().count();
    assert_eq!(took, 1, "of several callers one takes it");
}

async fn bounds_records(store: &dyn Records, clock: &ManualClock) {
    let until = clock.now() + MINUTE;
    let long = vec![0; MAX_RECORD_BYTES + 1];
    let refused = store.write(RECORDS, "long", &long, until, Revision::ABSENT).await;
    assert!(matches!(refused, Err(SaveError::Store(StoreError::Full))));
    for key in ["a", "b", "c"] {
        put(store, key, clock).await.expect("there is room");
    }
    let refused = put(store, "d", clock).await;
    assert!(matches!(refused, Err(SaveError::Store(StoreError::Full))), "a namespace is bounded");
    clock.advance(MINUTE);
    put(store, "d", clock).await.expect("what has expired makes room");
    store.take(RECORDS, "d").await.expect("it can be taken");
}

async fn wakes_who_watches_a_record(store: &dyn Records, clock: &ManualClock) {
    const WATCHED: Namespace = Namespace::new("contract-watched", 3).watched();
    let until = clock.now() + MINUTE;
    let changed = store.watch(WATCHED, "watched", Duration::from_millis(10));
    let first = store.write(WATCHED, "watched", b"one", until, Revision::ABSENT).await;
    changed.await;
    let changed = store.watch(WATCHED, "watched", Duration::from_millis(10));
    store.write(WATCHED, "watched", b"two", until, first.expect("written")).await.expect("written");
    changed.await;
    store.take(WATCHED, "watched").await.expect("it can be taken");
}

async fn evicts_records(store: &dyn Records, clock: &ManualClock) {
    const EVICTING: Namespace = Namespace::new("contract-evicting", 3).evicting();
    let put = |key: &'static str, minutes: u32| {
        let until = clock.now() + MINUTE * minutes;
        store.write(EVICTING, key, b"value", until, Revision::ABSENT)
    };
    let is_there = async |key| store.read(EVICTING, key).await.expect("it can be read").is_some();
    put("b", 2).await.expect("there is room");
    put("a", 1).await.expect("there is room");
    let c = put("c", 3).await.expect("there is room");
    let again = put("c", 4).await;
    assert!(matches!(again, Err(SaveError::Conflict)), "a record that is there is not absent");
    assert!(is_there("a").await, "a conflict evicts nothing");
    let until = clock.now() + MINUTE / 2;
    store.write(EVICTING, "c", b"value", until, c).await.expect("a change needs no room");
    assert!(is_there("a").await, "a change evicts nothing");
    put("d", 5).await.expect("an evicting namespace is never full");
    assert!(!is_there("c").await, "the record that expires first makes room");
    for key in ["a", "b", "d"] {
        assert!(is_there(key).await, "{key} is kept");
        store.take(EVICTING, key).await.expect("it can be taken");
    }
    let one = store.sealer().seal("contract", &["a"], b"value");
    let opened = store.sealer().open("contract", &["a"], &one).expect("its key stays the same");
    assert_eq!(opened.as_slice(), b"value");
}
