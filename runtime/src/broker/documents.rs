//! Client ID metadata documents: a client whose identifier is the URL of its metadata.
//!
//! A stranger says what is fetched, so: https, public addresses, no redirects, no credentials, no
//! proxy, 64 KiB, five seconds; and what was found is kept for a while, good or bad.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
};
use http::{HeaderMap, header};
use url::{Host, Url};

use super::{
    client::{Client, NoClient, Standing},
    endpoint::register::Metadata,
    limits::Limit,
};
use crate::support::address::PublicOnly;
use crate::{error::ConfigError, grant::Clock, provider::is_loopback, support::background as task};

/// The most that is read of a document, in bytes.
const LARGEST: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a document is kept whose site says nothing, too little, or too much.
const KEPT: Duration = Duration::from_secs(3600);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long it is remembered that there is none.
const KEPT_FAULT: Duration = Duration::from_secs(60);

/// The most documents that are kept.
const MOST: usize = 1000;

type Outcome = Result<Client, String>;
type Fetch = Shared<BoxFuture<'static, Outcome>>;

/// The documents, fetched and kept.
pub(crate) struct Documents(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    addresses: PublicOnly,
    /// This machine is allowed, by http too, for tests.
    loopback: bool,
    schemes: Vec<String>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<String, Kept>>,
    flights: Mutex<HashMap<String, Fetch>>,
}

struct Kept {
    outcome: Outcome,
    until: SystemTime,
}

impl Documents {
    pub(crate) fn new(
        loopback: bool,
        schemes: Vec<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let addresses = PublicOnly::new(loopback);
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("toolgate/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .https_only(!loopback)
                .timeout(TIMEOUT)
                // A proxy would resolve the name itself, and an idle connection is one to keep.
                .no_proxy()
                .pool_max_idle_per_host(0)
                .dns_resolver(addresses.clone())
        };
        let http = builder()
            .build()
            // Without root certificates nothing can be fetched, and the rest goes on.
            .or_else(|_| builder().tls_certs_only([]).build())
            .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))?;
        Ok(Self(Arc::new(Inner {
            http,
            addresses,
            loopback,
            schemes,
            clock,
            kept: Mutex::default(),
            flights: Mutex::default(),
        })))
    }

    /// The client whose document is at `id`.
    pub(crate) async fn client(
        &self,
        id: &str,
        party: Option<IpAddr>,
        limit: &Limit,
    ) -> Result<Client, NoClient> {
        let url = self.0.check_url(id).map_err(NoClient::Document)?;
        if let Some(kept) = self.0.kept(id) {
            return kept.map_err(NoClient::Document);
        }
        let fetch = {
            let mut flights = lock(&self.0.flights);
            if let Some(flight) = flights.get(id) {
                flight.clone()
            } else {
                limit.check(party).map_err(NoClient::Busy)?;
                let landing = Landing { inner: Arc::clone(&self.0), id: id.to_owned() };
                // A task of its own: whoever waits for it may go away.
                let task = task::spawn(async move { landing.inner.fetch(&landing.id, url).await });
                let fetch = task.map(|end| end.unwrap_or(Err("it was cut off".to_owned())));
                let fetch = fetch.boxed().shared();
                flights.insert(id.to_owned(), fetch.clone());
                fetch
            }
        };
        fetch.await.map_err(NoClient::Document)
    }
}

/// Takes a fetch off the list when it ends, also by a panic.
struct Landing {
    inner: Arc<Inner>,
    id: String,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.inner.flights).remove(&self.id);
    }
}

impl Inner {
    /// The rules for a URL that is an identifier.
    fn check_url(&self, id: &str) -> Result<Url, String> {
        let url = Url::parse(id).map_err(|_| "its identifier is not a URL".to_owned())?;
        // One spelling, or two identifiers would be one document. It also leaves no dot segments.
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

    fn kept(&self, id: &str) -> Option<Outcome> {
        let now = self.clock.now();
        let kept = lock(&self.kept);
        kept.get(id).filter(|kept| kept.until > now).map(|kept| kept.outcome.clone())
    }

    async fn fetch(&self, id: &str, url: Url) -> Outcome {
        let fetched = tokio::time::timeout(TIMEOUT, self.read(id, url)).await;
        let fetched = fetched
            .unwrap_or_else(|_| Err(format!("it did not arrive within {} s", TIMEOUT.as_secs())));
        let (outcome, life) = match fetched {
            Ok((client, life)) => (Ok(client), life),
            Err(why) => (Err(why), KEPT_FAULT),
        };
        let now = self.clock.now();
        {
            let mut kept = lock(&self.kept);
            if kept.len() >= MOST {
                kept.retain(|_, kept| kept.until > now);
            }
            if kept.len() >= MOST
                && let Some(first) =
                    kept.iter().min_by_key(|(_, kept)| kept.until).map(|(id, _)| id.clone())
            {
                kept.remove(&first);
            }
            kept.insert(id.to_owned(), Kept { outcome: outcome.clone(), until: now + life });
        }
        outcome
    }

    async fn read(&self, id: &str, url: Url) -> Result<(Client, Duration), String> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let unreachable = |error: reqwest::Error| {
            // The details are for the log: to the person they would map our network.
            tracing::info!(target: "toolgate::broker", %host, error = ?error.without_url(), "a client's document was not fetched");
            "it cannot be fetched".to_owned()
        };
        let response = self
            .http
            .get(url.clone())
            .header(header::ACCEPT, "application/json")
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        if status != http::StatusCode::OK {
            return Err(format!("it was answered with status {}", status.as_u16()));
        }
        let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|ty| {
            let essence = ty.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
            let essence = essence.trim_ascii().to_ascii_lowercase();
            essence == b"application/json"
                || essence.starts_with(b"application/") && essence.ends_with(b"+json")
        });
        if !is_json {
            return Err("it is not application/json".to_owned());
        }
        let life = life_of(response.headers());
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(unreachable)?);
            if body.len() > LARGEST {
                return Err("it has more than 64 KiB".to_owned());
            }
        }
        let metadata: Metadata = serde_json::from_slice(&body)
            .map_err(|_| "it is not a client's metadata".to_owned())?;
        self.understand(id, host, metadata).map(|client| (client, life))
    }

    fn understand(&self, id: &str, host: String, metadata: Metadata) -> Outcome {
        if metadata.client_id.as_deref() != Some(id) {
            return Err("its `client_id` is another than its address".to_owned());
        }
        if metadata.client_secret.is_some() {
            return Err("it holds a secret, which everybody can read".to_owned());
        }
        metadata.check_redirect_uris(&self.schemes)?;
        metadata.check_flow()?;
        let none = |method: &str| method == "none";
        let one = metadata.token_endpoint_auth_method.as_deref();
        let several = metadata.token_endpoint_auth_methods_supported.as_ref();
        let fits = match several {
            Some(several) => several.iter().any(|method| none(method)) || one.is_some_and(none),
            None => one.is_none_or(none),
        };
        if !fits {
            return Err("its `token_endpoint_auth_method` is not `none`".to_owned());
        }
        let name = metadata.name().ok_or_else(|| "it has no `client_name`".to_owned())?;
        Ok(Client {
            id: id.to_owned(),
            name: Some(name),
            redirect_uris: metadata.redirect_uris,
            standing: Standing::Document { host },
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a document may be kept (RFC 9111 §5.2.2), within our bounds.
fn life_of(headers: &HeaderMap) -> Duration {
    let directives = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase());
    let mut life = KEPT;
    for directive in directives {
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return SHORTEST,
            Some(("max-age", seconds)) => {
                let seconds = seconds.trim_matches('"').parse().unwrap_or(0);
                life = Duration::from_secs(seconds);
            }
            _ => {}
        }
    }
    life.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::SystemClock;

    fn documents(loopback: bool) -> Documents {
        Documents::new(loopback, Vec::new(), Arc::new(SystemClock)).unwrap()
    }

    #[test]
    fn an_identifier_is_one_https_url_of_the_outside_world() {
        let documents = documents(false);
        let check = |id: &str| documents.0.check_url(id).is_ok();
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
    fn a_document_is_kept_within_bounds() {
        let life = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, text.parse().unwrap());
            life_of(&headers).as_secs()
        };
        assert_eq!(life_of(&HeaderMap::new()), KEPT);
        assert_eq!(life("public, max-age=600"), 600);
        assert_eq!(life("Max-Age=\"600\""), 600);
        assert_eq!(life("max-age=1"), 60);
        assert_eq!(life("max-age=99999999"), 24 * 3600);
        assert_eq!(life("max-age=x"), 60);
        assert_eq!(life("max-age=600, no-store"), 60);
    }

    #[test]
    fn a_document_says_who_it_is_and_holds_no_secret() {
        let documents = documents(false);
        let id = "https://app.example/client.json";
        let read = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut document = serde_json::json!({
                "client_id": id,
                "client_name": "App",
                "redirect_uris": ["https://app.example/callback"],
            });
            change(&mut document);
            let metadata = serde_json::from_value(document).map_err(|error| error.to_string())?;
            documents.0.understand(id, "app.example".to_owned(), metadata)
        };
        assert_eq!(read(&|_| {}).unwrap().name.as_deref(), Some("App"));
        assert!(read(&|d| d["token_endpoint_auth_method"] = "none".into()).is_ok());
        let several = serde_json::json!(["private_key_jwt", "none"]);
        assert!(read(&|d| d["token_endpoint_auth_methods_supported"] = several.clone()).is_ok());
        let wrong: [(&str, serde_json::Value); 11] = [
            ("client_id", "https://app.example/other.json".into()),
            ("client_id", "https://app.example/client.json/".into()),
            ("client_id", serde_json::Value::Null),
            ("client_name", "".into()),
            ("client_name", 7.into()),
            ("redirect_uris", serde_json::json!([])),
            ("redirect_uris", serde_json::json!(["http://evil.example/"])),
            ("redirect_uris", serde_json::json!(["https://app.example/cb", "javascript:x"])),
            ("client_secret", "x".into()),
            ("token_endpoint_auth_method", "client_secret_basic".into()),
            ("grant_types", serde_json::json!(["client_credentials"])),
        ];
        for (name, value) in wrong {
            assert!(read(&|d| d[name] = value.clone()).is_err(), "{name}: {value}");
        }
    }
}
