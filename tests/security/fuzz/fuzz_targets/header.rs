//! The `Authorization` header and the query, as an attacker sends them.
#![no_main]

use http::{HeaderMap, HeaderValue, Uri, header};
use libfuzzer_sys::fuzz_target;
use toolgate::gate::Credentials;

fuzz_target!(|input: (Vec<&[u8]>, &str)| {
    let (values, query) = input;
    let mut headers = HeaderMap::new();
    for value in &values {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(header::AUTHORIZATION, value);
    }
    let Ok(uri) = format!("/mcp?{query}").parse::<Uri>() else { return };
    if let Ok(Some(credentials)) = Credentials::read(&headers, &uri) {
        assert_eq!(values.len(), 1);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        assert!(!credentials.token().is_empty() && credentials.token().bytes().all(fits));
        assert!(!format!("{credentials:?}").contains(&format!("\"{}\"", credentials.token())));
    }
});
