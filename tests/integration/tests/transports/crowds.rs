//! Crowds: connections without end, from one address or of one caller, shut out nobody else.

use std::net::Ipv4Addr;

use integration::{
    transport::{Dialogue, Opening, Transport},
    wire::Wire,
};

use super::{Site, assert_adds};

/// More than a caller may have.
const MANY: usize = 300;

/// Opens connections until one is refused, and returns the open ones.
async fn fill(site: &Site, transport: Transport, opening: &Opening) -> Vec<Dialogue> {
    #[cfg(target_os = "linux")]
    integration::crowd::many_files();
    let mut open = Vec::new();
    for _ in 0..MANY {
        match Dialogue::connect(site.address, transport, opening).await {
            Ok(dialogue) => open.push(dialogue),
            Err(refused) => {
                assert_eq!(refused.status, 429, "{transport:?}: {refused:?}");
                assert!(!refused.header("retry-after").is_empty(), "{transport:?}: {refused:?}");
                return open;
            }
        }
    }
    panic!("{transport:?}: {MANY} are open");
}

#[tokio::test]
async fn one_caller_has_so_many_connections_and_others_have_theirs() {
    for transport in Transport::CONNECTED {
        let site = Site::start().await;
        let alices = Opening::bearer(site.token("alice", "orders:read"));
        let mut open = fill(&site, transport, &alices).await;
        assert!(open.len() >= 64, "{transport:?}: {}", open.len());
        let mut bob = site.session(transport, "bob", "").await;
        assert_adds(&mut bob).await;
        // Another token of hers, or another address, does not help.
        let another = Opening::bearer(site.token("alice", "orders:write"));
        let another = another.from(Ipv4Addr::new(127, 0, 0, 2).into());
        let refused = Dialogue::connect(site.address, transport, &another).await.unwrap_err();
        assert_eq!(refused.status, 429, "{transport:?}");
        // Who leaves makes room, as soon as that is noticed.
        drop(open.pop());
        integration::transport::soon(async {
            while Dialogue::connect(site.address, transport, &alices).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn one_address_does_not_hold_all_anonymous_connections() {
    for transport in Transport::CONNECTED {
        let site = Site::with(|gate| gate.allow_anonymous(true)).await;
        let open = fill(&site, transport, &Opening::default()).await;
        assert!((1..=64).contains(&open.len()), "{transport:?}: {}", open.len());
        let elsewhere = Opening::default().from(Ipv4Addr::new(127, 0, 0, 2).into());
        let mut other = site.open(transport, &elsewhere).await.unwrap();
        assert_adds(&mut other).await;
        let mut alice = site.session(transport, "alice", "").await;
        assert_adds(&mut alice).await;
    }
}

/// Each holds a connection, and nothing of a caller's share.
#[tokio::test]
async fn requests_that_do_not_come_hold_up_nobody() {
    let site = Site::start().await;
    let mut alice = site.session(Transport::Sse, "alice", "").await;
    let endpoint = alice.stream().endpoint.clone();
    let token = site.token("alice", "");
    let mut stalled = Vec::new();
    for n in 0..200 {
        let head = match n % 3 {
            0 => "GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgr".to_owned(),
            1 => "GET /sse HTTP/1.1\r\nhost: 127.0.0.1\r\nauthoriz".to_owned(),
            _ => format!(
                "POST {endpoint} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
            ),
        };
        stalled.push(Wire::with(site.address, &head).await);
    }
    for transport in Transport::ALL {
        assert_adds(&mut site.session(transport, "bob", "").await).await;
    }
    drop(stalled);
    assert_adds(&mut alice).await;
}

/// A connection that never says anything is no session.
#[tokio::test]
async fn connections_that_say_nothing_hold_up_nobody() {
    let site = Site::start().await;
    for transport in Transport::CONNECTED {
        let mut silent = Vec::new();
        for n in 0..100 {
            let opening = Opening::bearer(site.token(&format!("caller{}", n % 10), ""));
            silent.push(Dialogue::connect(site.address, transport, &opening).await.unwrap());
        }
        let mut bob = site.session(transport, "bob", "").await;
        assert_adds(&mut bob).await;
        drop(silent);
        assert_adds(&mut bob).await;
    }
}
