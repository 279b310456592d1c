//! Tokens that are bound to a key (RFC 9449): a proof opens one connection, at one endpoint.

use std::time::UNIX_EPOCH;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderMap;
use integration::transport::{Dialogue, Opening, Refusal, Transport};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::{Value, json};
use toolgate::{gate::Gate, grant::Clock};

use super::Site;

/// Who owns a key, and has a token that is bound to it.
struct Owner {
    key: EncodingKey,
    jwk: Value,
    token: String,
}

impl Owner {
    fn new(site: &Site) -> Self {
        let pair =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = EncodingKey::from_ec_der(pair.unwrap().as_ref());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
        let token = site.token("alice", "orders:read").claim("cnf", json!({ "jkt": thumbprint }));
        Self { key, jwk: serde_json::to_value(jwk).unwrap(), token: token.to_string() }
    }

    /// A proof for a request by this method to this path.
    fn proof(&self, site: &Site, (method, path): (&str, &str), jti: &str) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
        let now = site.clock.now().duration_since(UNIX_EPOCH).unwrap();
        let claims = json!({
            "jti": jti,
            "htm": method,
            "htu": format!("http://{}{path}", site.address),
            "iat": now.as_secs(),
            "ath": encode(digest(&SHA256, self.token.as_bytes()).as_ref()),
        });
        let message = [header, claims].map(|part| encode(part.to_string().as_bytes())).join(".");
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }

    async fn connect(
        &self,
        site: &Site,
        transport: Transport,
        proof: &str,
    ) -> Result<Dialogue, Refusal> {
        let opening = Opening::default().header("authorization", &format!("DPoP {}", self.token));
        Dialogue::connect(site.address, transport, &opening.header("dpop", proof)).await
    }
}

async fn site() -> Site {
    Site::with_gate(|verifier| Gate::new(verifier.dpop())).await
}

fn initialize() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "c", "version": "1" },
    })
}

#[tokio::test]
async fn a_proof_opens_one_connection_at_one_endpoint() {
    let site = site().await;
    for (transport, other) in [(Transport::Sse, "/ws"), (Transport::WebSocket, "/sse")] {
        let (owner, thief) = (Owner::new(&site), Owner::new(&site));
        let proof = owner.proof(&site, ("GET", transport.path()), "first");
        let mut dialogue = owner.connect(&site, transport, &proof).await.unwrap();
        for (what, proof) in [
            ("the same", proof),
            ("of another endpoint", owner.proof(&site, ("GET", other), "a")),
            ("of streamable HTTP", owner.proof(&site, ("GET", "/mcp"), "b")),
            ("of another method", owner.proof(&site, ("POST", transport.path()), "c")),
            ("of another key", thief.proof(&site, ("GET", transport.path()), "d")),
        ] {
            let refused = owner.connect(&site, transport, &proof).await.unwrap_err();
            assert_eq!(refused.status, 401, "{transport:?}, {what}: {refused:?}");
        }
        let bearer = Opening::bearer(&owner.token);
        let refused = Dialogue::connect(site.address, transport, &bearer).await.unwrap_err();
        assert_eq!(refused.status, 401, "{transport:?}: without a proof");
        if transport == Transport::WebSocket {
            let begun = dialogue.ask("initialize", initialize()).await.unwrap();
            assert!(begun["result"].is_object(), "{begun}");
        }
    }
}

#[tokio::test]
async fn each_message_to_a_stream_has_a_proof_of_its_own() {
    let site = site().await;
    let owner = Owner::new(&site);
    let opens = owner.proof(&site, ("GET", "/sse"), "opens");
    let mut dialogue = owner.connect(&site, Transport::Sse, &opens).await.unwrap();
    let endpoint = dialogue.stream().endpoint.clone();
    let headers = |proof: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("DPoP {}", owner.token).parse().unwrap());
        headers.insert("dpop", proof.parse().unwrap());
        headers
    };
    let message =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize() });
    let proof = owner.proof(&site, ("POST", "/messages"), "sends");
    dialogue.stream().post_to(&endpoint, &headers(&proof), message.to_string()).await.unwrap();
    assert!(dialogue.answer(1).await.unwrap()["result"].is_object());
    for used in [proof, opens, owner.proof(&site, ("POST", "/sse"), "elsewhere")] {
        let used = headers(&used);
        let sent = dialogue.stream().post_to(&endpoint, &used, message.to_string());
        assert_eq!(sent.await.unwrap_err().status, 401);
    }
}
