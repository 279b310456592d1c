//! What an issuer has signed, whatever it is: only a token for this resource is accepted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use toolgate::{
    gate::{Credentials, Jwt, PresentedToken, Verifier},
    testing::{Issuer, RESOURCE},
};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());
static ISSUER: LazyLock<Issuer> = LazyLock::new(Issuer::new);
static VERIFIER: LazyLock<Jwt> = LazyLock::new(|| ISSUER.verifier());

fuzz_target!(|body: &[u8]| {
    // Half of the inputs change one claim of a token that is good.
    let token = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(claims)) => {
            let mut token = ISSUER.token("alice");
            for (name, value) in claims {
                token = token.claim(name, value);
            }
            token.to_string()
        }
        _ => ISSUER.signed(body),
    };
    let mut headers = http::HeaderMap::new();
    let Ok(value) = format!("Bearer {token}").parse() else { return };
    headers.insert("authorization", value);
    let Ok(Some(credentials)) = Credentials::read(&headers, &http::Uri::from_static("/mcp")) else {
        return;
    };
    let presented = PresentedToken::new(&credentials, RESOURCE, "POST");
    if let Ok(claims) = RUNTIME.block_on(VERIFIER.verify(presented)) {
        assert_eq!(claims.issuer(), Issuer::NAME);
        assert!(!claims.subject().is_empty());
        assert!(claims.granted().iter().all(|scope| !scope.contains(' ') && !scope.is_empty()));
        assert!(claims.expiration().is_some());
    }
});
