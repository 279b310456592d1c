//! Clients that leave, and calls that are cancelled.

use std::net::SocketAddr;

use forge::{Config, Running, person::Person};
use integration::{
    client::link_in,
    host::client_at,
    transport::{Dialogue, Opening, Transport, soon},
    waiting::{Room, talk, visit, visit_aloud, wait, wait_aloud},
};
use serde_json::json;
use tokio::net::TcpListener;
use toolgate::{Server, grant::MemoryStore, tools};

use super::text;

/// A server without a gate, over a forge.
struct Inn {
    forge: Running,
    room: Room,
    address: SocketAddr,
}

impl Inn {
    async fn start() -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let room = Room::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Server::new("inn", "1")
            .provider(client_at(forge.url()))
            .tools(tools![talk, visit, visit_aloud, wait, wait_aloud])
            .state(room.clone())
            .store(MemoryStore::new())
            .public_url(format!("http://{address}"))
            .legacy_sse()
            .websocket()
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { forge, room, address }
    }

    async fn session(&self, transport: Transport) -> Dialogue {
        Dialogue::begin(self.address, transport, &Opening::default()).await.unwrap()
    }

    /// A session of a person who has connected an account.
    async fn connected(transport: Transport) -> (Self, Dialogue) {
        let inn = Self::start().await;
        let mut dialogue = inn.session(transport).await;
        let link = link_in(&text(&dialogue.call("visit", json!({})).await));
        let page = Person::new("alice").approve(&link).await.unwrap();
        assert!(page.body.contains("Forge is connected"), "{}", page.body);
        (inn, dialogue)
    }
}

#[tokio::test]
async fn calls_end_when_their_client_leaves() {
    for transport in Transport::CONNECTED {
        let inn = Inn::start().await;
        let (mut alice, mut bob) = (inn.session(transport).await, inn.session(transport).await);
        for tool in ["wait", "wait_aloud", "wait"] {
            alice.begin_call(tool, json!({})).await.unwrap();
        }
        let waiting = bob.begin_call("wait", json!({})).await.unwrap();
        soon(inn.room.came(4)).await;
        drop(alice);
        soon(inn.room.left(3)).await;
        // Nobody else's calls end.
        inn.room.open();
        assert_eq!(text(&bob.answer(waiting).await), "waited", "{transport:?}");
    }
}

#[tokio::test]
async fn a_call_is_cancelled_by_saying_so() {
    for transport in Transport::CONNECTED {
        let inn = Inn::start().await;
        let (mut alice, mut bob) = (inn.session(transport).await, inn.session(transport).await);
        for (number, tool) in ["wait", "wait_aloud"].into_iter().enumerate() {
            let waiting = alice.begin_call(tool, json!({})).await.unwrap();
            soon(inn.room.came(number + 1)).await;
            let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {
                "requestId": waiting,
                "reason": "no longer needed",
            }});
            // Another connection has other requests, with the same identifiers.
            bob.send(&cancel).await.unwrap();
            bob.ask("ping", json!({})).await.unwrap();
            alice.ask("ping", json!({})).await.unwrap();
            alice.send(&cancel).await.unwrap();
            soon(inn.room.left(number + 1)).await;
        }
        let pong = alice.ask("ping", json!({})).await.unwrap();
        assert!(pong["result"].is_object(), "{transport:?}: {pong}");
    }
}

#[tokio::test]
async fn a_call_whose_progress_nobody_reads_ends_when_its_client_leaves() {
    for transport in Transport::CONNECTED {
        let inn = Inn::start().await;
        let mut alice = inn.session(transport).await;
        let call = json!({
            "name": "talk",
            "arguments": { "times": u32::MAX },
            "_meta": { "progressToken": "so far" },
        });
        alice.request("tools/call", call).await.unwrap();
        let progress = alice.receive().await.unwrap();
        assert_eq!(progress["method"], "notifications/progress", "{transport:?}: {progress}");
        drop(alice);
        soon(inn.room.left(1)).await;
    }
}

#[tokio::test]
async fn a_refresh_under_way_is_saved_after_the_caller_leaves() {
    for transport in Transport::CONNECTED {
        for tool in ["visit", "visit_aloud"] {
            let (inn, mut alice) = Inn::connected(transport).await;
            inn.forge.expire_access_tokens();
            let held = inn.forge.faults().hold_token();
            alice.begin_call(tool, json!({})).await.unwrap();
            soon(held.reached(1)).await;
            drop(alice);
            soon(inn.room.left(1)).await;
            // The only one that waited for the refresh is gone.
            drop(held);
            let mut again = inn.session(transport).await;
            let visited = text(&again.call("visit", json!({})).await);
            assert!(visited.contains("alice"), "{transport:?} {tool}: {visited}");
            let counts = inn.forge.counts();
            assert_eq!((counts.refreshes, counts.refreshes_refused), (1, 0), "{transport:?}");
        }
    }
}

#[tokio::test]
async fn a_consent_is_kept_when_the_client_that_asked_for_it_leaves() {
    for transport in Transport::CONNECTED {
        let inn = Inn::start().await;
        let mut alice = inn.session(transport).await;
        let link = link_in(&text(&alice.call("visit", json!({})).await));
        drop(alice);
        let page = Person::new("alice").approve(&link).await.unwrap();
        assert!(page.body.contains("Forge is connected"), "{}", page.body);
        let mut again = inn.session(transport).await;
        let visited = text(&again.call("visit", json!({})).await);
        assert!(visited.contains("alice"), "{transport:?}: {visited}");
    }
}

/// A client without a page of its own opens the link that it is asked to open.
#[tokio::test]
async fn a_link_is_elicited_from_clients_that_can_open_it() {
    for transport in Transport::CONNECTED {
        let inn = Inn::start().await;
        let capabilities = json!({ "elicitation": { "url": {} } });
        let opening = Opening::default();
        let begun = Dialogue::begin_with(inn.address, transport, &opening, capabilities);
        let mut alice = begun.await.unwrap();
        let asked = alice.call("visit", json!({})).await.unwrap();
        assert_eq!(asked["error"]["code"], -32042, "{transport:?}: {asked}");
        let link = asked["error"]["data"]["elicitations"][0]["url"].as_str().unwrap().to_owned();
        Person::new("alice").approve(&link).await.unwrap();
        let visited = text(&alice.call("visit", json!({})).await);
        assert!(visited.contains("alice"), "{transport:?}: {visited}");
    }
}
