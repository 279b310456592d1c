//! The broker: a host signs its user in, and that connects JupyterHub as well.

use std::time::Duration;

use integration::broker::Application;
use serde_json::json;

use crate::{
    hub::Hub,
    person::{Person, Visit},
    served::Served,
};

const EVERYTHING: &str = "read:users!user list:users read:tokens!user";

/// Signs a user in at a host, and returns the access token and what it is good for.
pub(crate) async fn sign_in(
    host: &Application,
    person: &Person,
    scope: &str,
    untick: &[&str],
) -> (String, String) {
    redeem(host, &person.visit(&host.link(scope, &[]), untick).await).await
}

/// What a visit to a host's link brought the host.
async fn redeem(host: &Application, visit: &Visit) -> (String, String) {
    let code = visit.parameter("code").unwrap_or_else(|| panic!("{}: {}", visit.url, visit.page));
    let tokens = host.redeem(&code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    (tokens.text("access_token"), tokens.text("scope"))
}

pub(crate) async fn two_people(hub: &mut Hub) {
    let server = Served::start(hub, "broker", &[("SIGN_IN", "1")]).await;
    let host = Application::register_at(&server.url).await;
    let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
    let ((hers, has), (his, got)) = tokio::join!(
        sign_in(&host, &alice, EVERYTHING, &[]),
        sign_in(&host, &bob, EVERYTHING, &[]),
    );
    assert_eq!(has, EVERYTHING);
    assert_eq!(got, "read:users!user read:tokens!user", "he got less than he asked for");
    for (token, name) in [(&hers, "alice"), (&his, "bob"), (&hers, "alice")] {
        let answer = server.call(token, "who_am_i", json!({})).await;
        assert!(answer.text.contains(name), "{answer:?}");
    }
    let answer = server.call(&hers, "list_users", json!({})).await;
    assert!(answer.text.contains("carol"), "{answer:?}");

    // Once the host may try, in case he left it out; then it is said that this does not help.
    let answer = server.call(&his, "list_users", json!({})).await;
    assert_eq!(answer.status, 403);
    assert!(answer.challenge.contains(r#"scope="list:users""#), "{answer:?}");
    let (his, got) = sign_in(&host, &bob, EVERYTHING, &[]).await;
    assert_eq!(got, "read:users!user read:tokens!user");
    let answer = server.call(&his, "list_users", json!({})).await;
    assert_eq!((answer.status, answer.challenge.as_str()), (200, ""), "no other round: {answer:?}");
    assert!(answer.failed && answer.text.contains("`list:users`"), "{answer:?}");
    assert!(
        answer.text.contains("until an administrator of JupyterHub changes that"),
        "{answer:?}"
    );

    let hers = what_she_leaves_out(&server, &host, &carol).await;
    when_it_ends(hub, &server, &hers, &carol, &bob).await;
}

/// She leaves out a scope. When a tool needs it, it is asked for alone, and nothing is lost by that.
async fn what_she_leaves_out(server: &Served, host: &Application, carol: &Person) -> String {
    let (hers, got) = sign_in(host, carol, EVERYTHING, &["list:users"]).await;
    assert_eq!(got, "read:users!user read:tokens!user");
    let answer = server.call(&hers, "list_users", json!({})).await;
    assert_eq!((answer.status, answer.demanded()), (403, "list:users"));

    let visit = carol.visit(&host.link(answer.demanded(), &[]), &[]).await;
    // She had let the host have it; it was at the hub that she did not.
    assert_eq!((visit.asked, visit.consents.len()), (1, 0), "{:?}", visit.offered);
    // The hub's new token takes the old one's place, so it is asked for what she granted, too.
    for scope in EVERYTHING.split(' ') {
        assert!(visit.offered.iter().any(|offered| offered == scope), "{:?}", visit.offered);
    }
    let (new, got) = redeem(host, &visit).await;
    assert_eq!(got, "list:users", "the host gets what it asked for");
    assert!(server.call(&new, "list_users", json!({})).await.text.contains("alice"));
    assert!(server.call(&hers, "who_am_i", json!({})).await.text.contains("carol"), "as before");

    // What the host never asked for is alone what is new to her.
    let answer = server.call(&new, "revoke_token", json!({ "id": "a999" })).await;
    assert_eq!((answer.status, answer.demanded()), (403, "read:users!user tokens!user"));
    let visit = carol.visit(&host.link(&format!("{EVERYTHING} tokens!user"), &[]), &[]).await;
    let [page] = &visit.consents[..] else { panic!("{:?}", visit.consents) };
    let (_, said) = page.split_once("What is new:").expect("something new");
    let (new, before) = said.split_once("What you have allowed it before:").expect("and the rest");
    let is_in = |part: &str, scope: &str| part.contains(&format!("<code>{scope}</code>"));
    assert!(is_in(new, "tokens!user") && !is_in(before, "tokens!user"), "{page}");
    for scope in EVERYTHING.split(' ') {
        assert!(is_in(before, scope) && !is_in(new, scope), "{scope}: {page}");
    }
    let (hers, got) = redeem(host, &visit).await;
    assert_eq!(got, format!("{EVERYTHING} tokens!user"));
    let answer = server.call(&hers, "revoke_token", json!({ "id": "a999" })).await;
    assert!(answer.text.contains("No such token a999 for user carol"), "{answer:?}");
    hers
}

/// The grant behind a token of ours that is still good ends: the browser is still known.
async fn when_it_ends(hub: &mut Hub, server: &Served, hers: &str, carol: &Person, bob: &Person) {
    let lists = async || {
        let answer = server.call(hers, "list_users", json!({})).await;
        assert!(!answer.failed && answer.text.contains("alice"), "{answer:?}");
    };
    let connects = async |link: &str| {
        let visit = carol.visit(link, &[]).await;
        assert!(visit.page.contains("JupyterHub is connected"), "{}: {}", visit.url, visit.page);
        assert_eq!((visit.asked, visit.consents.len()), (1, 0), "once, and by the hub alone");
    };
    hub.stop().await;
    let answer = server.call(hers, "list_users", json!({})).await;
    assert!(answer.text.contains("refuses connections"), "{answer:?}");
    hub.resume(Duration::from_secs(20)).await;
    lists().await;

    hub.revoke("carol").await;
    let answer = server.call(hers, "list_users", json!({})).await;
    assert!(answer.says_to_connect_again(), "{answer:?}");
    let link = answer.link().unwrap_or_else(|| panic!("{answer:?}"));
    let visit = bob.visit(link, &[]).await;
    assert!(visit.page.contains("This link is for another person"), "{}", visit.page);
    connects(link).await;
    lists().await;

    // That token is short-lived, and there is nothing to renew it with.
    let answer = server.until_it_expires(hers, "list_users").await;
    assert_eq!((answer.status, answer.challenge.as_str()), (200, ""), "the host's token is good");
    hub.stop().await;
    hub.resume(Duration::from_secs(3600)).await;
    connects(answer.link().unwrap_or_else(|| panic!("{answer:?}"))).await;
    lists().await;
}

/// The operator has mistyped the secret.
pub(crate) async fn with_a_wrong_secret(hub: &Hub) {
    let wrong = [("SIGN_IN", "1"), ("JUPYTERHUB_CLIENT_SECRET", "mistyped")];
    let server = Served::start(hub, "wrong-broker", &wrong).await;
    let host = Application::register_at(&server.url).await;
    let visit = Person::new("alice").visit(&host.link(EVERYTHING, &[]), &[]).await;
    assert_eq!(visit.parameter("error").as_deref(), Some("server_error"), "{}", visit.url);
    let said = visit.parameter("error_description").unwrap_or_default();
    assert!(said.contains("its operator has to mend"), "{said}");
    let log = server.logged("check `JUPYTERHUB_CLIENT_ID` and `JUPYTERHUB_CLIENT_SECRET`").await;
    assert!(!log.contains("mistyped"), "{log}");
}
