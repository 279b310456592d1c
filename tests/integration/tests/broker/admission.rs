//! Who may sign in at all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use forge::Config;
use integration::{
    broker::{Application, Browser, Site},
    tools::Forge,
};
use serde_json::Value;
use toolgate::{broker::Person, grant::GrantKey, prelude::*};

const HOUR: Duration = Duration::from_secs(3600);

/// Whether forge's API says so, asked as the person.
async fn is_named(person: &Person, name: &str) -> Result<bool> {
    let user: Value = person.client::<Forge>()?.get("/user").send().await?.json().await?;
    Ok(user["login"] == name)
}

async fn only_alice() -> Site {
    let admit = async |person: Person| is_named(&person, "alice").await;
    Site::with(Config::default(), |builder| builder.admit(admit)).await
}

#[tokio::test]
async fn only_those_who_are_admitted_sign_in() {
    let site = only_alice().await;
    let host = Application::register(&site).await;
    host.sign_in(&Browser::new(), "repo:read", "alice").await;

    let browser = Browser::new();
    let page = browser.sign_in(&host.link("repo:read", &[]), "bob").await;
    assert!(!page.is_application, "{}", page.url);
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("may not sign in"), "{}", page.body);
    let link = page.body.split("href=\"").find(|link| link.contains("access_denied"));
    let link = link.and_then(|link| link.split('"').next()).expect("a link back");
    let link = link.replace("&amp;", "&");
    assert!(link.starts_with(&host.redirect) && link.contains("state=the-state"), "{link}");
    let key = GrantKey::new("forge:bob", "forge");
    assert!(site.grants.store().load(&key).await.unwrap().is_none(), "nothing is kept");
    assert!(browser.open(&host.link("repo:read", &[])).await.is_consent(), "nobody is signed in");
    let revoked = async {
        while site.forge.counts().revocations < 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), revoked)
        .await
        .expect("forge's tokens are revoked");
}

#[tokio::test]
async fn what_cannot_be_decided_is_a_no() {
    let admit = async |_: Person| Err(Error::new("the directory is down"));
    let site = Site::with(Config::default(), |builder| builder.admit(admit)).await;
    let host = Application::register(&site).await;
    let page = Browser::new().sign_in(&host.link("repo:read", &[]), "alice").await;
    let answer = page.answer();
    assert_eq!(answer.get("error"), Some("temporarily_unavailable"));
    assert!(!answer.get("error_description").unwrap().contains("directory"), "{answer:?}");
}

#[tokio::test]
async fn the_profile_and_the_subject_are_the_persons() {
    let admit = async |person: Person| {
        Ok(person.subject() == "forge:alice" && person.profile()["login"] == "alice")
    };
    let site = Site::with(Config::default(), |builder| builder.admit(admit)).await;
    let host = Application::register(&site).await;
    host.sign_in(&Browser::new(), "repo:read", "alice").await;
}

#[tokio::test]
async fn scopes_of_the_sign_in_are_asked_of_the_provider_and_given_to_no_host() {
    let site = Site::with(Config::default(), |builder| {
        builder.sign_in_scopes(["repo:delete"]).admit(async |_: Person| Ok(true))
    });
    let site = site.await;
    let host = Application::register(&site).await;
    let tokens = host.sign_in(&Browser::new(), "repo:read", "alice").await;
    assert_eq!(tokens.body["scope"], "repo:read");
    assert!(site.forge.counts().last_asked.contains("repo:delete"));
    let more = host.refresh_with(&tokens.text("refresh_token"), &[("scope", "repo:delete")]).await;
    assert_eq!(more.error(), Some("invalid_scope"));
}

#[tokio::test]
async fn who_has_left_is_signed_out_within_the_hour() {
    let asked = Arc::new(AtomicUsize::new(0));
    let members = Arc::new(AtomicUsize::new(1));
    let (count, open) = (asked.clone(), members.clone());
    let admit = move |_: Person| {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = match open.load(Ordering::SeqCst) {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::new("the directory is down")),
        };
        async move { answer }
    };
    let site = Site::with(Config::default(), |builder| builder.admit(admit.clone())).await;
    let host = Application::register(&site).await;
    let mut token = host.sign_in(&Browser::new(), "repo:read", "alice").await.text("refresh_token");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for _ in 0..5 {
        site.clock.advance(HOUR / 6);
        token = host.refresh(&token).await.text("refresh_token");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it is good for an hour");
    site.clock.advance(HOUR / 6);
    token = host.refresh(&token).await.text("refresh_token");
    token = host.refresh(&token).await.text("refresh_token");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    members.store(2, Ordering::SeqCst);
    site.clock.advance(HOUR);
    let unknown = host.refresh(&token).await;
    assert_eq!((unknown.status.as_u16(), unknown.error()), (503, Some("temporarily_unavailable")));
    members.store(1, Ordering::SeqCst);
    token = host.refresh(&token).await.text("refresh_token");
    members.store(0, Ordering::SeqCst);
    site.clock.advance(HOUR);
    assert_eq!(host.refresh(&token).await.error(), Some("invalid_grant"));
    members.store(1, Ordering::SeqCst);
    assert_eq!(host.refresh(&token).await.error(), Some("invalid_grant"), "it is over");
}
