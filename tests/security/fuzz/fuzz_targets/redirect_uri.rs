//! Redirect URIs: what is registered leads to a site, to this machine, or to a program of a scheme
//! that is its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolgate_fuzz::register;
use url::{Host, Url};

fuzz_target!(|uri: &str| {
    let metadata = serde_json::json!({ "client_name": "fuzz", "redirect_uris": [uri] });
    let (status, _) = register(metadata.to_string().into_bytes());
    assert!(status < 500, "{status}");
    if status == 201 {
        let url = Url::parse(uri).expect("a URL was registered");
        assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => {}
            "http" => assert!(local, "{uri}"),
            scheme => assert!(
                !matches!(scheme, "javascript" | "data" | "file" | "blob" | "about" | "vbscript"),
                "{uri}"
            ),
        }
    }
});
