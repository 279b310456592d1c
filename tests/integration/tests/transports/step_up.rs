//! Sign-in, step-up by a link, and the end of a sign-in, through the broker.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use forge::{Config, Running};
use integration::{
    broker::{Application, Browser},
    client::link_in,
    host::client_at,
    tools::{Forge, add, list_issues, open_issue},
    transport::{Dialogue, Opening, Transport, soon},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    gate::{Gate, StepUp},
    grant::{ManualClock, MemoryStore},
    prelude::*,
};

use super::{assert_adds, text};

/// A server with a broker.
struct Brokered {
    url: String,
    address: SocketAddr,
    _forge: Running,
}

/// A host that is signed in with `repo:read`, and the browser in which its user did that.
struct SignedIn {
    host: Application,
    browser: Browser,
    token: String,
    refresh: String,
}

impl Brokered {
    async fn start() -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let app = toolgate::Server::new("brokered", "1")
            .provider(client_at(forge.url()))
            .broker::<Forge>(|broker| broker.user("/user", "login"))
            .gate(Gate::for_broker().step_up(StepUp::Auto))
            .tools(tools![list_issues, open_issue, add])
            .store(MemoryStore::with_clock(clock.clone()))
            .clock(clock)
            .public_url(url.as_str())
            .legacy_sse()
            .websocket()
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { url, address, _forge: forge }
    }

    async fn sign_in(&self, name: &str, user: &str) -> SignedIn {
        let (host, browser) = (Application::register_named(&self.url, name).await, Browser::new());
        let tokens = host.sign_in(&browser, "repo:read", user).await;
        let (token, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        SignedIn { host, browser, token, refresh }
    }

    async fn session(&self, transport: Transport, signed_in: &SignedIn) -> Dialogue {
        let opening = Opening::bearer(&signed_in.token);
        Dialogue::begin(self.address, transport, &opening).await.unwrap()
    }
}

fn titled() -> Value {
    json!({ "owner": "alice", "repo": "compass", "title": "It spins" })
}

/// Opens the link in the answer to a call, and allows what it asks for.
async fn allow(alice: &SignedIn, link: &str) {
    let page = alice.browser.open(link).await;
    assert!(page.body.contains("asks for more"), "{}: {}", page.url, page.body);
    let page = alice.browser.send(&page, &[("decision", "allow")], &[]).await;
    let page = alice.browser.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("It may do more now"), "{}", page.body);
}

#[tokio::test]
async fn the_same_call_in_the_same_session_succeeds_after_the_link() {
    let site = Brokered::start().await;
    for transport in Transport::CONNECTED {
        let alice = site.sign_in("Codex", "alice").await;
        let mut session = site.session(transport, &alice).await;
        let listed = session.call("list_issues", json!({ "owner": "alice", "repo": "compass" }));
        assert!(text(&listed.await).contains("drifts"), "{transport:?}");
        let asked = session.call("open_issue", titled()).await;
        let words = text(&asked);
        assert!(words.contains("repo:write"), "{transport:?}: {words}");
        let link = link_in(&words);

        // Another client's session, of the same person, and another person's get nothing of it.
        let other = site.sign_in("Other", "alice").await;
        let bob = site.sign_in("Codex", "bob").await;
        let mut others = site.session(transport, &other).await;
        let mut bobs = site.session(transport, &bob).await;
        allow(&alice, &link).await;
        let opened = session.call("open_issue", titled()).await;
        assert!(text(&opened).contains("It spins"), "{transport:?}: {opened:?}");
        for dialogue in [&mut others, &mut bobs] {
            let answer = format!("{:?}", dialogue.call("open_issue", titled()).await);
            assert!(answer.contains("step-up"), "{transport:?}: {answer}");
            assert!(!answer.contains("\"number\""), "{transport:?}: {answer}");
        }
        assert_adds(&mut others).await;
        assert_adds(&mut bobs).await;
    }
}

/// The step-up of one transport is that of the sign-in, whichever way its next call comes.
#[tokio::test]
async fn what_was_allowed_holds_over_every_transport() {
    let site = Brokered::start().await;
    let alice = site.sign_in("Codex", "alice").await;
    let mut sse = site.session(Transport::Sse, &alice).await;
    let mut socket = site.session(Transport::WebSocket, &alice).await;
    let link = link_in(&text(&sse.call("open_issue", titled()).await));
    let same = link_in(&text(&socket.call("open_issue", titled()).await));
    assert_eq!(link, same, "a repeated call gets the same link");
    allow(&alice, &link).await;
    for dialogue in [&mut socket, &mut sse] {
        let opened = dialogue.call("open_issue", titled()).await;
        assert!(text(&opened).contains("It spins"), "{opened:?}");
    }
    let mut http = site.session(Transport::Http, &alice).await;
    assert!(text(&http.call("open_issue", titled()).await).contains("It spins"));
}

#[tokio::test]
async fn a_client_that_can_open_links_is_asked_to() {
    let site = Brokered::start().await;
    for transport in Transport::CONNECTED {
        let alice = site.sign_in("Codex", "alice").await;
        let opening = Opening::bearer(&alice.token);
        let capabilities = json!({ "elicitation": { "url": {} } });
        let begun = Dialogue::begin_with(site.address, transport, &opening, capabilities);
        let mut session = begun.await.unwrap();
        let asked = session.call("open_issue", titled()).await.unwrap();
        assert_eq!(asked["error"]["code"], -32042, "{transport:?}: {asked}");
        let link = asked["error"]["data"]["elicitations"][0]["url"].as_str().unwrap();
        allow(&alice, link).await;
        let opened = session.call("open_issue", titled()).await;
        assert!(text(&opened).contains("It spins"), "{transport:?}: {opened:?}");
    }
}

#[tokio::test]
async fn a_session_ends_when_its_client_signs_out() {
    let site = Brokered::start().await;
    for transport in Transport::CONNECTED {
        let alice = site.sign_in("Codex", "alice").await;
        let other = site.sign_in("Other", "alice").await;
        let mut session = site.session(transport, &alice).await;
        let mut others = site.session(transport, &other).await;
        assert_adds(&mut session).await;
        assert_eq!(alice.host.revoke(&alice.refresh).await.status, 200);
        // An access token is good until its end, as in every other request, and gets no more.
        let answer = soon(session.call("open_issue", titled())).await;
        assert!(!format!("{answer:?}").contains("\"number\""), "{transport:?}: {answer:?}");
        assert_adds(&mut others).await;
    }
}
