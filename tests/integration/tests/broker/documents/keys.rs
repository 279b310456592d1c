//! Clients that authenticate by a key of their metadata document.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use forge::Config;
use integration::{
    broker::{Application, Browser, REDIRECT, Site, Walk},
    deployment,
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};
use toolgate::broker::BrokerBuilder;

use super::{DAY, Publisher};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's key pair.
struct ClientKey {
    encoding: EncodingKey,
    kid: &'static str,
}

impl ClientKey {
    fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        Self { encoding: EncodingKey::from_ec_der(pair.unwrap().as_ref()), kid }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.encoding, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(JwkSet { keys: vec![jwk] }).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

fn claims(site: &Site, host: &Application, jti: &str) -> Value {
    let now = toolgate::grant::Clock::now(&*site.clock);
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    json!({ "iss": host.id, "sub": host.id, "aud": site.url, "iat": now, "exp": now + 60, "jti": jti })
}

async fn redeem(host: &Application, code: &str, assertion: &str) -> Walk {
    let with = [("client_assertion", assertion), ("client_assertion_type", JWT_BEARER)];
    host.redeem_with(code, &with).await
}

/// A client that authenticates by its key alone, with a code for it.
async fn keyed(by_uri: bool) -> (Site, Publisher, Application, ClientKey, String) {
    let site = Site::with(Config::default(), BrokerBuilder::loopback_documents).await;
    let key = ClientKey::new("one");
    let publisher = Publisher::start(json!({})).await;
    let mut members = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    if by_uri {
        members["jwks_uri"] = format!("{}/keys", publisher.url).into();
    } else {
        members["jwks"] = key.public();
    }
    let keys = key.public();
    publisher.change(|state| (state.members, state.keys) = (members, keys));
    let host = publisher.host(&site);
    let code = host.walk(&Browser::new(), "repo:read", "alice").await.code().to_owned();
    (site, publisher, host, key, code)
}

#[tokio::test]
async fn a_client_authenticates_by_its_key() {
    for by_uri in [false, true] {
        let (site, _publisher, host, key, code) = keyed(by_uri).await;
        let none = host.redeem(&code).await;
        assert_eq!(none.error(), Some("invalid_client"), "{}", none.body);
        let tokens = redeem(&host, &code, &key.sign(&claims(&site, &host, "1"))).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        let token = tokens.text("refresh_token");
        assert_eq!(host.refresh(&token).await.error(), Some("invalid_client"), "nor without it");
        assert_eq!(host.revoke(&token).await.error(), Some("invalid_client"));
        let assertion = key.sign(&claims(&site, &host, "2"));
        let with =
            [("client_assertion", assertion.as_str()), ("client_assertion_type", JWT_BEARER)];
        let refreshed = host.refresh_with(&token, &with).await;
        assert_eq!(refreshed.text("refresh_token"), token, "its key protects it");
        let again = host.refresh_with(&token, &with).await;
        assert_eq!(again.error(), Some("invalid_client"), "an assertion is used once");
        // The name of the client is in the assertion.
        let mut nameless = host.clone();
        nameless.id = String::new();
        let assertion = key.sign(&claims(&site, &host, "3"));
        let with =
            [("client_assertion", assertion.as_str()), ("client_assertion_type", JWT_BEARER)];
        assert_eq!(nameless.refresh_with(&token, &with).await.status, 200);
    }
}

/// An assertion with something wrong about it.
macro_rules! not_authenticated {
    ($($name:ident: $change:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (site, _publisher, host, key, code) = keyed(false).await;
            let mut claims = claims(&site, &host, "1");
            let change: fn(&mut Value) = $change;
            change(&mut claims);
            let refused = redeem(&host, &code, &key.sign(&claims)).await;
            assert_eq!((refused.status.as_u16(), refused.error()), (401, Some("invalid_client")), "{}", refused.body);
            let good = key.sign(&self::claims(&site, &host, "2"));
            assert_eq!(redeem(&host, &code, &good).await.status, 200, "nothing is spent");
        }
    )*};
}

not_authenticated! {
    an_assertion_for_another_server: |claims| claims["aud"] = "https://other.example".into();
    an_assertion_for_a_longer_name: |claims| claims["aud"] = format!("{}.evil.example", claims["aud"].as_str().unwrap()).into();
    an_assertion_for_nobody: |claims| drop(claims.as_object_mut().unwrap().remove("aud"));
    an_assertion_that_has_expired: |claims| claims["exp"] = (claims["iat"].as_u64().unwrap() - 120).into();
    an_assertion_that_lives_for_a_day: |claims| claims["exp"] = (claims["iat"].as_u64().unwrap() + 86400).into();
    an_assertion_without_an_end: |claims| drop(claims.as_object_mut().unwrap().remove("exp"));
    an_assertion_of_tomorrow: |claims| claims["nbf"] = (claims["iat"].as_u64().unwrap() + 86400).into();
    an_assertion_that_is_not_named: |claims| drop(claims.as_object_mut().unwrap().remove("jti"));
    an_assertion_with_an_endless_name: |claims| claims["jti"] = "x".repeat(257).into();
    an_assertion_of_another_issuer: |claims| claims["iss"] = "https://other.example/client.json".into();
    an_assertion_about_another_client: |claims| claims["sub"] = "https://other.example/client.json".into();
}

#[tokio::test]
async fn an_assertion_of_another_key() {
    let (site, publisher, host, key, code) = keyed(true).await;
    let thief = ClientKey::new("one");
    let claims = |jti| claims(&site, &host, jti);
    let refused = redeem(&host, &code, &thief.sign(&claims("1"))).await;
    assert_eq!(refused.error(), Some("invalid_client"), "{}", refused.body);
    let plain = "eyJhbGciOiJub25lIn0.e30.";
    assert_eq!(redeem(&host, &code, plain).await.error(), Some("invalid_client"));
    let other = [("client_assertion", "x.y.z"), ("client_assertion_type", "urn:other")];
    assert_eq!(host.redeem_with(&code, &other).await.error(), Some("invalid_client"));
    // A new key is found, after a minute.
    let next = ClientKey::new("two");
    publisher.change(|state| state.keys = next.public());
    site.clock.advance(Duration::from_secs(55));
    assert_eq!(redeem(&host, &code, &key.sign(&claims("2"))).await.status, 200);
    site.clock.advance(Duration::from_secs(61));
    let browser = Browser::new();
    let code = host.walk(&browser, "repo:read", "alice").await.code().to_owned();
    let claims = self::claims(&site, &host, "3");
    assert_eq!(redeem(&host, &code, &next.sign(&claims)).await.status, 200);
}

async fn refresh(host: &Application, token: &str, assertion: &str) -> Walk {
    let with = [("client_assertion", assertion), ("client_assertion_type", JWT_BEARER)];
    host.refresh_with(token, &with).await
}

/// Anyone can name a key that a client does not have, for which its keys are fetched again.
#[tokio::test]
async fn keys_are_used_while_they_cannot_be_fetched_again() {
    let (site, publisher, host, key, code) = keyed(true).await;
    let sign = |key: &ClientKey, jti| key.sign(&claims(&site, &host, jti));
    let tokens = redeem(&host, &code, &sign(&key, "1")).await;
    let token = tokens.text("refresh_token");
    publisher.change(|state| state.keys_status = Some(503));
    site.clock.advance(Duration::from_secs(61));
    let stranger = ClientKey::new("made up");
    let refused = refresh(&host, &token, &sign(&stranger, "2")).await;
    assert_eq!(refused.error(), Some("invalid_client"), "{}", refused.body);
    assert_eq!(publisher.keys_fetched(), 2);
    let refreshed = refresh(&host, &token, &sign(&key, "3")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    site.clock.advance(Duration::from_secs(2 * 3600));
    let refreshed = refresh(&host, &token, &sign(&key, "4")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    site.clock.advance(DAY);
    let refused = refresh(&host, &token, &sign(&key, "5")).await;
    assert_eq!(refused.error(), Some("invalid_client"), "not for ever: {}", refused.body);
    publisher.change(|state| state.keys_status = None);
    site.clock.advance(Duration::from_secs(61));
    let refreshed = refresh(&host, &token, &sign(&key, "6")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
}

#[tokio::test]
async fn keys_that_are_withdrawn_are_not_used() {
    let (site, publisher, host, key, code) = keyed(true).await;
    let sign = |jti| key.sign(&claims(&site, &host, jti));
    let token = redeem(&host, &code, &sign("1")).await.text("refresh_token");
    publisher.change(|state| state.keys_status = Some(404));
    site.clock.advance(Duration::from_secs(3601));
    let refused = refresh(&host, &token, &sign("2")).await;
    assert_eq!(refused.error(), Some("invalid_client"), "{}", refused.body);
}

#[tokio::test]
async fn a_crowd_asks_for_the_keys_of_a_client_once() {
    let (site, publisher, host, key, _) = keyed(true).await;
    let sign = |n: u32| key.sign(&claims(&site, &host, &n.to_string()));
    let assertions: Vec<String> = (0..8).map(sign).collect();
    let answers = assertions.iter().map(|assertion| refresh(&host, "tgr_guess", assertion));
    for answer in futures::future::join_all(answers).await {
        assert_eq!(answer.error(), Some("invalid_grant"), "{}", answer.body);
    }
    let fetched = publisher.keys_fetched();
    assert!((1..=deployment::counters()).contains(&fetched), "once at each: {fetched}");
}

/// What a stranger at the same address has used up is for clients that nobody uses.
#[tokio::test]
async fn the_keys_of_a_client_that_people_use_cost_nobody_a_fetch() {
    let (site, publisher, host, key, code) = keyed(true).await;
    let mut is_limited = false;
    for n in 0..30 * deployment::counters() {
        let id = format!("{}/clients/other{n}", publisher.url);
        let other = Application::known(&site, &id, REDIRECT);
        is_limited |= Browser::new().open(&other.link("repo:read", &[])).await.status == 429;
    }
    assert!(is_limited);
    let tokens = redeem(&host, &code, &key.sign(&claims(&site, &host, "1"))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
}
