//! Fetching of a client's metadata document, whose URL a stranger chooses.
//!
//! So the URL is https, leads to a public address, and is fetched without redirects, credentials or
//! a proxy, within bounds of size and time.

use std::{fmt, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::error::DocumentError;
use crate::{
    broker::{
        client::{Client, ClientKeys, ClientTrust},
        client_metadata::ClientMetadata,
    },
    error::ConfigError,
    support::{
        address::PublicOnly,
        http_client,
        http_client::{BodyError, bounded_bytes},
        url::is_loopback,
    },
};

/// The largest document, in bytes.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// The most keys of a client.
const MAX_KEYS: usize = 32;
/// Client authentication by a key (RFC 7523).
const PRIVATE_KEY_JWT: &str = "private_key_jwt";

/// How long a document is cached whose site names no time.
const DEFAULT_DOCUMENT_TTL: Duration = Duration::from_secs(3600);
const MIN_DOCUMENT_TTL: Duration = Duration::from_secs(60);
const MAX_DOCUMENT_TTL: Duration = Duration::from_secs(24 * 3600);

/// Fetches and checks documents.
pub(crate) struct DocumentFetcher {
    http: reqwest::Client,
    addresses: PublicOnly,
    /// Whether this machine is allowed, over http too: for tests.
    loopback: bool,
}

impl DocumentFetcher {
    pub(crate) fn new(loopback: bool) -> Result<Self, ConfigError> {
        let addresses = PublicOnly::new(loopback);
        let builder = || {
            http_client::builder()
                .referer(false)
                .https_only(!loopback)
                .timeout(DOCUMENT_TIMEOUT)
                // A proxy would resolve the name itself.
                .no_proxy()
                .pool_max_idle_per_host(0)
                .dns_resolver(addresses.clone())
        };
        let http = builder()
            .build()
            // Without root certificates no document can be fetched, but the broker still works.
            .or_else(|_| builder().tls_certs_only([]).build())
            .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))?;
        Ok(Self { http, addresses, loopback })
    }

    /// Checks the URL that is a client's identifier.
    pub(crate) fn check_url(&self, id: &str) -> Result<Url, String> {
        let url = Url::parse(id).map_err(|_| "its identifier is not a URL".to_owned())?;
        // One spelling, so that a document has one identifier. It has no dot segments, either.
        if url.as_str() != id {
            return Err(format!("its identifier is not in the normal form {url}"));
        }
        if url.scheme() != "https" && !(self.loopback && is_loopback(&url)) {
            return Err("its identifier is not an https URL".to_owned());
        }
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err("its identifier has a fragment or a user".to_owned());
        }
        if url.path() == "/" {
            return Err("its identifier has no path".to_owned());
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err("its identifier has no host".to_owned()),
        };
        if address.is_some_and(|address| !self.addresses.allows(address)) {
            return Err("its identifier leads to an address that is not public".to_owned());
        }
        Ok(url)
    }

    /// Fetches the document, and returns its client with the time for which it may be cached.
    pub(crate) async fn fetch(
        &self,
        id: &str,
        url: Url,
    ) -> Result<(Client, Duration), DocumentError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let (body, ttl) = self.read(url, true).await?;
        let metadata: ClientMetadata = serde_json::from_slice(&body)
            .map_err(|_| DocumentError::invalid("it is not a client's metadata"))?;
        let client = self.check_metadata(id, host, metadata).map_err(DocumentError::Invalid)?;
        Ok((client, ttl))
    }

    /// Fetches a key set (RFC 7517) in the same way.
    pub(crate) async fn fetch_keys(&self, url: Url) -> Result<JwkSet, DocumentError> {
        let (body, _) = self.read(url, false).await?;
        parse_key_set(&body).ok_or_else(|| DocumentError::invalid("they are not a key set"))
    }

    async fn read(&self, url: Url, checks_type: bool) -> Result<(Bytes, Duration), DocumentError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let read = tokio::time::timeout(DOCUMENT_TIMEOUT, self.read_from(&host, url, checks_type));
        read.await.unwrap_or_else(|_| Err(unreachable(&host, &"it took too long")))
    }

    async fn read_from(
        &self,
        host: &str,
        url: Url,
        checks_type: bool,
    ) -> Result<(Bytes, Duration), DocumentError> {
        let failed = |error: reqwest::Error| unreachable(host, &error.without_url());
        let response = self
            .http
            .get(url)
            .header(header::ACCEPT, "application/json")
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(DocumentError::Invalid(format!("its site answers {}", status.as_u16())));
        }
        if status != StatusCode::OK {
            return Err(unreachable(host, &status));
        }
        let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|ty| {
            let essence = ty.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
            let essence = essence.trim_ascii().to_ascii_lowercase();
            essence == b"application/json"
                || essence.starts_with(b"application/") && essence.ends_with(b"+json")
        });
        if checks_type && !is_json {
            return Err(DocumentError::invalid("it is not application/json"));
        }
        let ttl = ttl_of(response.headers());
        let body = bounded_bytes(reqwest::Body::from(response), MAX_DOCUMENT_BYTES).await;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => DocumentError::invalid("it has more than 64 KiB"),
            BodyError::Broken(error) => failed(error),
        })?;
        Ok((body, ttl))
    }

    fn check_metadata(
        &self,
        id: &str,
        host: String,
        metadata: ClientMetadata,
    ) -> Result<Client, String> {
        if metadata.client_id.as_deref() != Some(id) {
            return Err("its `client_id` is another than its address".to_owned());
        }
        if metadata.client_secret.is_some() {
            return Err("it contains a secret, which anyone can read".to_owned());
        }
        let redirect_uris = metadata.allowed_redirect_uris()?;
        metadata.check_flow()?;
        let one = metadata.token_endpoint_auth_method.as_deref();
        let several = metadata.token_endpoint_auth_methods_supported.as_deref();
        let lists = |method: &str| {
            one == Some(method) || several.is_some_and(|all| all.iter().any(|one| one == method))
        };
        let is_public = lists("none") || one.is_none() && several.is_none();
        if !is_public && !lists(PRIVATE_KEY_JWT) {
            return Err("its `token_endpoint_auth_method` is neither `none` nor `private_key_jwt`"
                .to_owned());
        }
        let keys = self.keys(&metadata)?;
        if !is_public && keys.is_none() {
            return Err("it has neither `jwks` nor `jwks_uri`".to_owned());
        }
        let name = metadata.name().ok_or_else(|| "it has no `client_name`".to_owned())?;
        Ok(Client {
            id: id.to_owned(),
            name: Some(name),
            redirect_uris,
            trust: ClientTrust::Document { host },
            keys,
            requires_assertion: !is_public,
            only_identifies: false,
        })
    }

    /// The keys that the metadata names (RFC 7591 §2).
    fn keys(&self, metadata: &ClientMetadata) -> Result<Option<ClientKeys>, String> {
        match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(set), None) => {
                let set = parse_key_set(set.to_string().as_bytes());
                let set = set.ok_or_else(|| "its `jwks` is not a key set".to_owned())?;
                Ok(Some(ClientKeys::Set(set)))
            }
            (None, Some(uri)) => {
                self.check_url(uri).map_err(|why| format!("its `jwks_uri`: {why}"))?;
                Ok(Some(ClientKeys::Uri(uri.clone())))
            }
            (Some(_), Some(_)) => Err("it has both `jwks` and `jwks_uri`".to_owned()),
            (None, None) => Ok(None),
        }
    }
}

/// The keys of a set that are understood; others are left out (RFC 7517 §5).
fn parse_key_set(bytes: &[u8]) -> Option<JwkSet> {
    #[derive(Deserialize)]
    struct AnyKeys {
        keys: Vec<Value>,
    }
    let set: AnyKeys = serde_json::from_slice(bytes).ok()?;
    let keys = set.keys.into_iter().take(MAX_KEYS);
    Some(JwkSet { keys: keys.filter_map(|key| serde_json::from_value(key).ok()).collect() })
}

/// The details are only for the log: on a page they would describe this network.
fn unreachable(host: &str, error: &dyn fmt::Debug) -> DocumentError {
    tracing::warn!(target: "toolgate::broker", host, ?error, "a client's document cannot be fetched; if this server has no way out, `client_metadata_documents(false)` makes clients register instead");
    DocumentError::Unreachable { host: host.to_owned() }
}

/// How long a document may be cached (RFC 9111 §5.2.2), within bounds.
fn ttl_of(headers: &HeaderMap) -> Duration {
    let directives = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase());
    let mut ttl = DEFAULT_DOCUMENT_TTL;
    for directive in directives {
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return MIN_DOCUMENT_TTL,
            Some(("max-age", seconds)) => {
                let seconds = seconds.trim_matches('"').parse().unwrap_or(0);
                ttl = Duration::from_secs(seconds);
            }
            _ => {}
        }
    }
    ttl.clamp(MIN_DOCUMENT_TTL, MAX_DOCUMENT_TTL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher() -> DocumentFetcher {
        DocumentFetcher::new(false).unwrap()
    }

    #[test]
    fn an_identifier_is_an_https_url_of_a_public_address() {
        let fetcher = fetcher();
        let check = |id: &str| fetcher.check_url(id).is_ok();
        for id in ["https://app.example/client.json", "https://app.example:8443/a/b?c=d"] {
            assert!(check(id), "{id}");
        }
        for id in [
            "http://app.example/client.json",
            "https://app.example",
            "https://app.example/",
            "https://app.example/#x",
            "https://app.example/client.json#x",
            "https://user@app.example/client.json",
            "https://user:password@app.example/client.json",
            "https://app.example/a/../client.json",
            "https://app.example/a/%2e%2e/client.json",
            "https://App.example/client.json",
            "https://app.example:443/client.json",
            "https:app.example/client.json",
            "https://app.example\\client.json",
            "https://127.0.0.1/client.json",
            "https://127.1/client.json",
            "https://2130706433/client.json",
            "https://0x7f.0.0.1/client.json",
            "https://0177.0.0.1/client.json",
            "https://10.0.0.1/client.json",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/client.json",
            "https://0.0.0.0/client.json",
            "https://[::1]/client.json",
            "https://[::]/client.json",
            "https://[::ffff:127.0.0.1]/client.json",
            "https://[::ffff:7f00:1]/client.json",
            "https://[64:ff9b::7f00:1]/client.json",
            "https://[2002:7f00:1::]/client.json",
            "https://[fe80::1]/client.json",
            "https://[fd00:ec2::254]/latest",
            "ftp://app.example/client.json",
            "file:///etc/passwd",
            "https://",
        ] {
            assert!(!check(id), "{id}");
        }
    }

    #[test]
    fn a_document_is_cached_within_bounds() {
        let ttl = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, text.parse().unwrap());
            ttl_of(&headers).as_secs()
        };
        assert_eq!(ttl_of(&HeaderMap::new()), DEFAULT_DOCUMENT_TTL);
        assert_eq!(ttl("public, max-age=600"), 600);
        assert_eq!(ttl("Max-Age=\"600\""), 600);
        assert_eq!(ttl("max-age=1"), 60);
        assert_eq!(ttl("max-age=99999999"), 24 * 3600);
        assert_eq!(ttl("max-age=x"), 60);
        assert_eq!(ttl("max-age=600, no-store"), 60);
    }

    #[test]
    fn a_document_says_who_it_is_and_holds_no_secret() {
        let fetcher = fetcher();
        let id = "https://app.example/client.json";
        let read = |change: &dyn Fn(&mut Value)| {
            let mut document = serde_json::json!({
                "client_id": id,
                "client_name": "App",
                "redirect_uris": ["https://app.example/callback"],
            });
            change(&mut document);
            let metadata = serde_json::from_value(document).map_err(|error| error.to_string())?;
            fetcher.check_metadata(id, "app.example".to_owned(), metadata)
        };
        assert_eq!(read(&|_| {}).unwrap().name.as_deref(), Some("App"));
        assert!(read(&|d| d["token_endpoint_auth_method"] = "none".into()).is_ok());
        let several = serde_json::json!(["private_key_jwt", "none"]);
        assert!(read(&|d| d["token_endpoint_auth_methods_supported"] = several.clone()).is_ok());
        let mixed = serde_json::json!(["https://app.example/cb", "javascript:x"]);
        let client = read(&|d| d["redirect_uris"] = mixed.clone()).unwrap();
        assert_eq!(client.redirect_uris, ["https://app.example/cb"]);
        assert!(!client.requires_assertion);
        let with_keys = |d: &mut Value| {
            d["token_endpoint_auth_method"] = "private_key_jwt".into();
            d["jwks_uri"] = "https://app.example/keys.json".into();
        };
        assert!(read(&with_keys).unwrap().requires_assertion);
        let wrong: [(&str, Value); 13] = [
            ("client_id", "https://app.example/other.json".into()),
            ("client_id", "https://app.example/client.json/".into()),
            ("client_id", Value::Null),
            ("client_name", "".into()),
            ("client_name", 7.into()),
            ("redirect_uris", serde_json::json!([])),
            ("redirect_uris", serde_json::json!(["http://evil.example/"])),
            ("redirect_uris", serde_json::json!(["javascript:x"])),
            ("client_secret", "x".into()),
            ("token_endpoint_auth_method", "private_key_jwt".into()),
            ("jwks_uri", "https://127.0.0.1/keys".into()),
            ("token_endpoint_auth_method", "client_secret_basic".into()),
            ("grant_types", serde_json::json!(["client_credentials"])),
        ];
        for (name, value) in wrong {
            assert!(read(&|d| d[name] = value.clone()).is_err(), "{name}: {value}");
        }
    }
}
