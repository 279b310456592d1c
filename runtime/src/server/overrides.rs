//! What the environment, the command line and a test change in the configuration of a server.

#[cfg(any(feature = "postgres", feature = "sqlite", feature = "testing"))]
use std::sync::Arc;
use std::time::Instant;

use rmcp::ServerHandler;
use url::Url;

use super::{builder::Server, dev_channel::identity::DevIdentity};
#[cfg(feature = "dev")]
use crate::dev::StandIns;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::grant::GrantStore;
#[cfg(feature = "testing")]
use crate::grant::MemoryStore;
use crate::{support::url::is_loopback, trace::Tracer};

impl<H: ServerHandler> Server<H> {
    /// Whether it may listen for other machines: only with a gate that knows its URL.
    pub(crate) fn allows_remote(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.resource.is_some())
    }

    /// Trusts these proxies instead of those that the program names, if there are any.
    pub(crate) fn replace_trusted_proxies(mut self, ranges: Option<Vec<String>>) -> Self {
        if let Some(ranges) = ranges {
            self.trusted_proxies = ranges;
        }
        self
    }

    /// The same server with a store that is open already.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn with_store(mut self, store: Arc<dyn GrantStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Enables or disables the inspector as the command line says, if it says so.
    #[cfg_attr(
        not(feature = "inspector"),
        expect(unused_mut, unused_variables, reason = "the feature has the inspector")
    )]
    pub(crate) fn replace_inspector(mut self, inspector: Option<bool>) -> Self {
        #[cfg(feature = "inspector")]
        {
            self.inspector = inspector.or(self.inspector);
        }
        self
    }

    /// Whether clients reach the server by https, which means through a proxy, and no proxy is trusted.
    pub(crate) fn lacks_trusted_proxy(&self) -> bool {
        let resource = self.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let url = resource.or(self.public_url.as_deref()).unwrap_or_default();
        let is_https = url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        is_https && self.trusted_proxies.is_empty()
    }

    /// Whether its URL seems to be that of the endpoint, `https://tools.example/mcp`, which is below it.
    pub(crate) fn repeats_endpoint(&self) -> bool {
        let url = self.public_url.as_deref().unwrap_or_default();
        url.trim_end_matches('/').ends_with("/mcp")
    }

    /// Whether its URL is configured.
    fn has_public_url(&self) -> bool {
        self.public_url.is_some() || self.allows_remote()
    }

    /// Sets the URL, unless one is configured.
    pub(crate) fn default_public_url(self, url: impl Into<String>) -> Self {
        if self.has_public_url() { self } else { self.public_url(url) }
    }

    /// The server at `url` with a store in memory, unless it is configured otherwise.
    #[cfg(feature = "testing")]
    pub(crate) fn for_test(self, url: &str) -> Self {
        let mut server = self.default_public_url(url);
        if server.store.is_none() {
            let clock = Arc::clone(&server.clock);
            server = server.store(MemoryStore::with_clock(clock));
        }
        #[cfg(feature = "dev")]
        {
            server.stand_ins = StandIns::Always;
            if let Some(dev) = &mut server.dev {
                dev.in_test();
            }
        }
        server
    }
}

impl<H> Server<H> {
    /// The tracer of the server, whose times begin at its start.
    pub(super) fn tracer(&mut self) -> Tracer {
        let resource = self.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let url = self.public_url.as_deref().or(resource);
        let is_local = url.is_none_or(|url| Url::parse(url).is_ok_and(|url| is_loopback(&url)));
        let started = self.dev_identity.as_deref().map(DevIdentity::started);
        let started = started.unwrap_or_else(Instant::now);
        let observers = std::mem::take(&mut self.observers);
        Tracer::since(started, observers, cfg!(debug_assertions) && is_local)
    }

    /// Sets the public URL that the environment names, if it names one.
    pub(crate) fn replace_public_url(mut self, url: Option<String>) -> Self {
        if let Some(url) = url {
            let url = url.trim_end_matches('/');
            if let Some(gate) = &mut self.gate {
                gate.resource = Some(format!("{url}/mcp"));
            }
            self.public_url = Some(url.to_owned());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    #[test]
    fn behind_https_a_proxy_is_missing_unless_one_is_trusted() {
        let server = || Server::new("s", "1");
        let resource = |url: &str| server().gate(Gate::for_broker().resource(url));
        assert!(resource("https://tools.example/mcp").lacks_trusted_proxy());
        assert!(resource("HTTPS://tools.example/mcp").lacks_trusted_proxy());
        assert!(server().public_url("https://tools.example").lacks_trusted_proxy());
        let proxied = resource("https://tools.example/mcp").trusted_proxies(["10.0.0.0/8"]);
        assert!(!proxied.lacks_trusted_proxy());
        assert!(!resource("http://127.0.0.1:1/mcp").lacks_trusted_proxy());
        assert!(!server().lacks_trusted_proxy());
    }

    #[test]
    fn a_url_of_the_endpoint_is_noticed() {
        let at = |url: &str| Server::new("s", "1").replace_public_url(Some(url.to_owned()));
        assert!(at("https://tools.example/mcp").repeats_endpoint());
        assert!(at("https://tools.example/mcp/").repeats_endpoint());
        assert!(!at("https://tools.example").repeats_endpoint());
        assert!(!at("https://tools.example/tools").repeats_endpoint());
    }

    #[test]
    fn the_url_of_the_environment_is_the_resource_as_well() {
        let server = || Server::new("s", "1").gate(Gate::for_broker());
        let set = |server: Server| server.replace_public_url(Some("https://tools.example/".into()));
        let resource = |server: &Server| server.gate.as_ref().unwrap().resource.clone().unwrap();
        let public = set(server());
        assert_eq!(public.public_url.as_deref(), Some("https://tools.example"));
        assert_eq!(resource(&public), "https://tools.example/mcp");
        assert!(public.allows_remote());
        let other = set(server().gate(Gate::for_broker().resource("https://other.example/mcp")));
        assert_eq!(
            resource(&other),
            "https://tools.example/mcp",
            "it replaces what the program says"
        );
        assert!(!server().replace_public_url(None).allows_remote());
    }
}
