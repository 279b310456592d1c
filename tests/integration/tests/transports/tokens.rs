//! Tokens: who may connect, and who may go on.

use integration::transport::{Dialogue, Opening, Transport, challenge_of, soon};
use serde_json::{Value, json};
use toolgate::testing::Issuer;

use super::{LATER, Site, assert_adds, text};

/// A server that once had this fault served its stream to everyone.
#[tokio::test]
async fn nobody_connects_without_a_token_and_learns_where_to_get_one() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let refused = site.open(transport, &Opening::default()).await.unwrap_err();
        assert_eq!(refused.status, 401, "{transport:?}: {refused:?}");
        let challenge = refused.challenge();
        assert!(!challenge.contains("error"), "{transport:?}: {challenge}");
        assert!(challenge.contains(r#"scope="orders:read""#), "{transport:?}: {challenge}");
        let start = challenge.find("resource_metadata=\"").unwrap() + 19;
        let document = challenge[start..].split('"').next().unwrap();
        let metadata: Value = reqwest::get(document).await.unwrap().json().await.unwrap();
        assert_eq!(metadata["authorization_servers"], json!([Issuer::NAME]));
        if transport == Transport::Sse {
            // Its clients take no other resource than the URL that they have.
            assert_eq!(metadata["resource"], format!("http://{}/sse", site.address));
        }
    }
}

#[tokio::test]
async fn each_fault_of_a_token_is_told_apart() {
    let site = Site::start().await;
    let good = site.token("alice", "orders:read");
    let mut forged = good.to_string().into_bytes();
    let near_end = forged.len() - 10;
    forged[near_end] = if forged[near_end] == b'A' { b'B' } else { b'A' };
    let other_server = Issuer::new().token("alice").audience(site.resource());
    for transport in Transport::ALL {
        for (token, says) in [
            (site.brief("alice", -60).to_string(), "expired"),
            (String::from_utf8(forged.clone()).unwrap(), "signature"),
            (good.clone().audience("https://other.example/mcp").to_string(), "other.example"),
            (good.clone().audience(format!("{}2", site.resource())).to_string(), "mcp2"),
            (good.clone().claim("iss", "https://evil.example").to_string(), "evil.example"),
            (other_server.to_string(), "signature"),
            ("nonsense".to_owned(), "token"),
        ] {
            let refused = site.open(transport, &Opening::bearer(&token)).await.unwrap_err();
            assert_eq!(refused.status, 401, "{transport:?} {says}: {refused:?}");
            let challenge = refused.challenge();
            assert!(challenge.contains(r#"error="invalid_token""#), "{transport:?}: {challenge}");
            assert!(challenge.contains(says), "{transport:?} {says}: {challenge}");
            assert!(!challenge.contains(&token), "{transport:?}: {challenge}");
        }
        for headers in [
            Opening::bearer(&good).header("authorization", "Bearer other"),
            Opening::default().header("authorization", &format!("DPoP {good}")),
            Opening::default().header("authorization", "Basic YWxpY2U6YWxpY2U="),
            Opening::default().query(&format!("access_token={good}")),
            Opening::bearer(&good).query(&format!("access_token={good}")),
        ] {
            let refused = site.open(transport, &headers).await.unwrap_err();
            assert!([400, 401].contains(&refused.status), "{transport:?} {headers:?}: {refused:?}");
        }
    }
}

/// A client of another transport asks for a token for the URL that it has.
#[tokio::test]
async fn a_token_for_one_endpoint_is_not_one_for_every_other() {
    let site = Site::start().await;
    let of_sse =
        site.token("alice", "orders:read").audience(format!("http://{}/sse", site.address));
    let mut dialogue = site.open(Transport::Sse, &Opening::bearer(&of_sse)).await.unwrap();
    let said = dialogue.call("orders", json!({})).await;
    assert_eq!(text(&said), "the orders of alice");
    let refused = site.open(Transport::Http, &Opening::bearer(&of_sse)).await.unwrap_err();
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let site = Site::start().await;
    for transport in Transport::CONNECTED {
        // Clocks may differ by 30 s: in a second it is looked at again.
        let brief = Opening::bearer(site.brief("alice", -29));
        let mut dialogue = site.open(transport, &brief).await.unwrap();
        site.clock.advance(LATER);
        let end = dialogue.end().await;
        if transport == Transport::WebSocket {
            assert_eq!(end.code, Some(3000), "{end:?}");
            assert!(end.reason.contains("expired"), "{end:?}");
        }
    }
}

/// The end of a token is noticed by the next message, before any timer.
#[tokio::test]
async fn each_message_is_verified() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut dialogue =
            site.open(transport, &Opening::bearer(site.brief("alice", 60))).await.unwrap();
        assert_eq!(text(&dialogue.call("orders", json!({})).await), "the orders of alice");
        site.clock.advance(LATER);
        let refused = dialogue.call("orders", json!({})).await.unwrap_err();
        match transport {
            Transport::WebSocket => {
                let end = dialogue.end().await;
                assert_eq!(end.code, Some(3000), "{end:?}");
                assert!(end.reason.contains("expired"), "{end:?}");
            }
            _ => {
                assert_eq!(refused.status, 401, "{refused:?}");
                assert!(refused.challenge().contains("expired"), "{refused:?}");
            }
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_do_not_connect() {
    let site = Site::with(|gate| gate.allow_origin("https://app.example")).await;
    for transport in Transport::ALL {
        for (origin, is_allowed) in [
            ("https://app.example", true),
            ("https://evil.example", false),
            ("https://app.example.evil.example", false),
            ("http://app.example", false),
            ("null", false),
        ] {
            let opening = Opening::bearer(site.token("alice", "orders:read"));
            let opened = site.open(transport, &opening.header("origin", origin)).await;
            match opened {
                Ok(mut dialogue) if is_allowed => assert_adds(&mut dialogue).await,
                Err(refused) if !is_allowed => {
                    assert_eq!(refused.status, 403, "{transport:?} {origin}: {refused:?}");
                }
                other => panic!("{transport:?} {origin}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_tool_does_not_see_the_token() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let token = site.token("alice", "orders:read").to_string();
        let opening = Opening::bearer(&token).header("x-seen", "it is");
        let mut dialogue = site.open(transport, &opening).await.unwrap();
        let seen = text(&dialogue.call("headers", json!({})).await);
        assert!(seen.contains("x-seen"), "{transport:?}: {seen}");
        for secret in [token.as_str(), token.rsplit('.').next().unwrap(), "uthorization"] {
            assert!(!seen.contains(secret), "{transport:?}: {seen}");
        }
    }
}

#[tokio::test]
async fn who_has_no_token_gets_the_public_tools_alone() {
    let site = Site::with(|gate| gate.allow_anonymous(true)).await;
    for transport in Transport::ALL {
        let mut stranger = site.open(transport, &Opening::default()).await.unwrap();
        assert_eq!(text(&stranger.call("hello", json!({})).await), "hello", "{transport:?}");
        let refused = stranger.call("order", json!({})).await;
        let challenge = challenge_of(&refused);
        assert!(challenge.contains(r#"scope="orders:write""#), "{transport:?}: {refused:?}");
        let bad = site.open(transport, &Opening::bearer("nonsense")).await.unwrap_err();
        assert_eq!(bad.status, 401, "{transport:?}: a bad token is not no token");
    }
}

#[tokio::test]
async fn nothing_is_said_before_the_session_begins() {
    let site = Site::start().await;
    for transport in Transport::CONNECTED {
        let opening = Opening::bearer(site.token("alice", "orders:read"));
        let mut dialogue = Dialogue::connect(site.address, transport, &opening).await.unwrap();
        let called = soon(dialogue.call("orders", json!({}))).await;
        // It may close the connection, or answer that it has not begun.
        let said = format!("{called:?}");
        assert!(!said.contains("the orders of"), "{transport:?}: {said}");
    }
}
