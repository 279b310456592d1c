//! The broker: a host signs its user in, and that connects JupyterHub as well.

use std::time::Duration;

use end_to_end::broker::Application;
use serde_json::json;

use crate::{hub::Hub, person::Person, served::Served};

const EVERYTHING: &str = "read:users!user list:users read:tokens!user";

/// Signs somebody in at a host, and returns the access token and what it is good for.
async fn sign_in(
    host: &Application,
    person: &Person,
    scope: &str,
    untick: &[&str],
) -> (String, String) {
    let visit = person.visit(&host.link(scope, &[]), untick).await;
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

    // She leaves it out, and lets the host have it when a tool needs it.
    let (hers, got) = sign_in(&host, &carol, EVERYTHING, &["list:users"]).await;
    assert_eq!(got, "read:users!user read:tokens!user");
    assert_eq!(server.call(&hers, "list_users", json!({})).await.status, 403);
    let (hers, got) = sign_in(&host, &carol, EVERYTHING, &[]).await;
    assert_eq!(got, EVERYTHING);
    assert!(server.call(&hers, "list_users", json!({})).await.text.contains("alice"));

    // The grant behind a token that is still good ends: the browser is still known.
    hub.revoke("carol").await;
    let answer = server.call(&hers, "list_users", json!({})).await;
    let link = answer.link().unwrap_or_else(|| panic!("{answer:?}"));
    let visit = bob.visit(link, &[]).await;
    assert!(visit.page.contains("This link is for somebody else"), "{}", visit.page);
    let visit = carol.visit(link, &[]).await;
    assert!(visit.page.contains("JupyterHub is connected"), "{}: {}", visit.url, visit.page);
    assert!(server.call(&hers, "list_users", json!({})).await.text.contains("alice"));

    hub.stop().await;
    let answer = server.call(&hers, "list_users", json!({})).await;
    assert!(answer.text.contains("refuses connections"), "{answer:?}");
    hub.resume(Duration::from_secs(3600)).await;
    assert!(server.call(&hers, "list_users", json!({})).await.text.contains("alice"));
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
    let log = server.log();
    assert!(log.contains("check `JUPYTERHUB_CLIENT_ID` and `JUPYTERHUB_CLIENT_SECRET`"), "{log}");
}
