//! Proofs of possession at several replicas.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use integration::{postgres::Postgres, tools::add};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    gate::Gate,
    grant::{MasterKey, PostgresStore},
    testing::Issuer,
    tools,
};

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A proof for a POST with the token to the resource.
fn proof(key: &EncodingKey, jwk: &Value, (token, resource): (&str, &str), jti: &str) -> String {
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
    let claims = json!({
        "jti": jti,
        "htm": "POST",
        "htu": resource,
        "iat": SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        "ath": encode(digest(&SHA256, token.as_bytes()).as_ref()),
    });
    let message = [header, claims].map(|part| encode(part.to_string().as_bytes())).join(".");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

/// The order of the group of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The same proof with the other signature that fits, which anyone can compute: `s` becomes `n - s`.
fn with_other_signature(proof: &str) -> String {
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        signature[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{message}.{}", encode(&signature))
}

/// How long a replica waits for the store, before it goes by what it has seen itself.
const BRIEF_WAIT: Duration = Duration::from_millis(500);

/// Asserts that a proof is accepted once. Where an answer took longer than a replica waits for the store,
/// they say nothing, and another proof is sent.
async fn in_time(send: impl AsyncFn(usize) -> [(u16, Duration); 3]) {
    let began = Instant::now();
    for attempt in 0.. {
        let answers = send(attempt).await;
        if answers.iter().all(|(_, took)| *took < BRIEF_WAIT) {
            assert_eq!(answers.map(|(status, _)| status), [200, 401, 401]);
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "the store is too slow: {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_that_one_replica_has_seen_is_refused_by_the_others() {
    let Some(database) = Postgres::start() else { return };
    let (issuer, master) = (Issuer::new(), MasterKey::generate());
    let (mut addresses, mut resource) = (Vec::new(), String::new());
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        if resource.is_empty() {
            resource = format!("{address}/mcp");
        }
        let store = PostgresStore::at(database.url()).key(master.clone()).open().await.unwrap();
        let gate = Gate::new(issuer.verifier().dpop()).resource(resource.as_str());
        let server = Server::new("tests", "1.2.3").tools(tools![add]).store(store).gate(gate);
        let router = server.build().await.unwrap().into_router();
        integration::host::serve_at(listener, router);
        addresses.push(address);
    }
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let key = EncodingKey::from_ec_der(pair.unwrap().as_ref());
    let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
    let token = issuer.token("alice").audience(resource.as_str());
    let token = token.claim("cnf", json!({ "jkt": thumbprint })).to_string();
    let jwk = serde_json::to_value(jwk).unwrap();
    let proof = |jti: &str| proof(&key, &jwk, (&token, &resource), jti);
    let client = reqwest::Client::new();
    let send = async |at: usize, proof: &str| {
        let request = client.post(format!("{}/mcp", addresses[at]));
        let request = request.header("authorization", format!("DPoP {token}"));
        let request = request
            .header("dpop", proof)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/list");
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}});
        let began = Instant::now();
        let status = request.json(&body).send().await.unwrap().status().as_u16();
        (status, began.elapsed())
    };
    in_time(async |attempt| {
        let first = proof(&format!("first-{attempt}"));
        let other = with_other_signature(&first);
        [send(0, &first).await, send(1, &first).await, send(1, &other).await]
    })
    .await;
    in_time(async |attempt| {
        let second = proof(&format!("second-{attempt}"));
        let other = with_other_signature(&second);
        // It is a signature that fits.
        [send(1, &other).await, send(0, &second).await, send(1, &second).await]
    })
    .await;
    // What a replica remembers by itself is enough while the database is away.
    database.stop();
    let third = proof("third");
    assert_eq!(send(0, &third).await.0, 200);
    assert_eq!(send(0, &third).await.0, 401);
}
