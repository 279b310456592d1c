//! Client metadata (RFC 7591), as a stranger sends it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolgate_fuzz::register;

fuzz_target!(|body: &[u8]| {
    let (status, answer) = register(body.to_vec());
    assert!(status < 500, "{status}: {answer}");
    if status == 201 {
        assert!(answer["client_id"].is_string());
        assert!(answer["redirect_uris"].as_array().is_some_and(|uris| !uris.is_empty()));
        let scope = answer.get("scope").and_then(|scope| scope.as_str());
        assert!(matches!(scope, None | Some("repo:read")), "no other scope is given: {answer}");
    } else {
        assert!(answer["error"].is_string(), "{status}: {answer}");
    }
});
