//! What every [`GrantStore`] promises, as a suite that a test calls.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use secrecy::ExposeSecret;

use super::{Grant, GrantKey, GrantState, GrantStore, SaveError};

/// Holds `store`, which is empty, to the contract.
///
/// # Panics
///
/// It breaks it; the message says where.
pub async fn holds(store: &dyn GrantStore) {
    grants(store).await;
    one_winner(store).await;
    pending(store).await;
}

fn grant(token: &str) -> Grant {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Grant {
        access_token: token.to_owned().into(),
        refresh_token: Some("refresh".to_owned().into()),
        scopes: BTreeSet::from(["repo:read".to_owned()]),
        obtained_at: now,
        expires_at: Some(now + Duration::from_secs(60)),
        state: GrantState::Live,
    }
}

async fn grants(store: &dyn GrantStore) {
    let alice = GrantKey::new("alice", "forge");
    let bob = GrantKey::new("bob", "forge");
    assert!(store.load(&alice).await.unwrap().is_none(), "nothing was granted yet");

    let first = store.save(&alice, &grant("one"), 0).await.unwrap();
    let again = store.save(&alice, &grant("two"), 0).await;
    assert!(matches!(again, Err(SaveError::Conflict)), "it exists already");
    let second = store.save(&alice, &grant("two"), first).await.unwrap();
    assert!(second > first, "a revision grows");
    let stale = store.save(&alice, &grant("three"), first).await;
    assert!(matches!(stale, Err(SaveError::Conflict)), "the revision is stale");

    let stored = store.load(&alice).await.unwrap().expect("it was saved");
    assert_eq!(stored.revision, second);
    assert_eq!(stored.grant.access_token.expose_secret(), "two");
    assert_eq!(stored.grant.refresh_token.unwrap().expose_secret(), "refresh");
    assert_eq!(stored.grant.scopes, grant("").scopes);
    assert_eq!(stored.grant.expires_at, grant("").expires_at);
    assert_eq!(stored.grant.state, GrantState::Live);

    assert!(store.load(&bob).await.unwrap().is_none(), "alice's grant is not bob's");
    store.save(&bob, &grant("bob"), 0).await.unwrap();
    assert_eq!(store.list("alice").await.unwrap(), [alice.clone()]);
    store.remove(&alice).await.unwrap();
    store.remove(&alice).await.unwrap();
    assert!(store.load(&alice).await.unwrap().is_none(), "it was removed");
    assert!(store.list("alice").await.unwrap().is_empty());
    let gone = store.save(&alice, &grant("late"), second).await;
    assert!(matches!(gone, Err(SaveError::Conflict)), "what was removed is not brought back");
    assert!(store.load(&bob).await.unwrap().is_some(), "bob's grant stays");
}

async fn one_winner(store: &dyn GrantStore) {
    let key = GrantKey::new("carol", "forge");
    let revision = store.save(&key, &grant("start"), 0).await.unwrap();
    let tokens: Vec<_> = (0..16).map(|n| format!("token {n}")).collect();
    let saves = tokens.iter().map(|token| {
        let key = &key;
        async move { store.save(key, &grant(token), revision).await }
    });
    let won = futures::future::join_all(saves).await.iter().filter(|save| save.is_ok()).count();
    assert_eq!(won, 1, "of many writers at one revision, one wins");
}

async fn pending(store: &dyn GrantStore) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let later = now + Duration::from_secs(600);
    store.put_pending("a", b"one", later).await.unwrap();
    store.put_pending("b", b"two", later).await.unwrap();
    assert_eq!(store.take_pending("a", now).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.take_pending("a", now).await.unwrap(), None, "it is taken once");
    assert_eq!(store.take_pending("b", later).await.unwrap(), None, "it has expired");
    assert_eq!(store.take_pending("c", now).await.unwrap(), None, "it never was");
}
