//! Builder of a server.

use std::{sync::Arc, time::Duration};

use rmcp::{
    ServerHandler,
    model::{Icon, Implementation},
};

#[cfg(feature = "broker")]
use super::broker_routes;
use super::transports::Transports;
#[cfg(feature = "broker")]
use crate::broker::BrokerBuilder;
use crate::mcp::fallback::{ErasedHandler, NoFallback};
#[cfg(feature = "dev")]
use crate::{dev, scope::Catalogue};
use crate::{
    gate::Gate,
    grant::{Clock, GrantStore, RefreshPolicy, SystemClock},
    provider::{OAuthClient, Provider, Registration},
    tool::{
        state::States,
        table::{ToolEntry, Tools},
    },
    trace::Observer,
};

/// The default of [`Server::sse_after`]: longer than most calls take, and shorter than the time limits
/// of gateways and hosts are.
const SSE_AFTER: Duration = Duration::from_secs(10);

/// The most that [`Server::sse_after`] takes.
pub(super) const MAX_SSE_AFTER: Duration = Duration::from_secs(60);

/// A builder of a server. [`toolgate::server!()`](macro@crate::server) creates one with the name and
/// the version of your crate.
///
/// ```no_run
/// use toolgate::prelude::*;
///
/// /// Adds two numbers.
/// #[tool]
/// async fn add(a: i64, b: i64) -> Json<i64> {
///     Json(a + b)
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<()> {
///     toolgate::server!().tools(tools![add]).serve().await
/// }
/// ```
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Server<H = NoFallback> {
    pub(crate) identity: Implementation,
    pub(crate) instructions: Option<String>,
    pub(crate) providers: Vec<Registration>,
    pub(crate) tools: Vec<ToolEntry>,
    pub(crate) states: States,
    pub(crate) store: Option<Arc<dyn GrantStore>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) refresh: RefreshPolicy,
    pub(crate) public_url: Option<String>,
    pub(crate) gate: Option<Gate>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) transports: Transports,
    pub(crate) live_views: bool,
    pub(crate) strict_arguments: bool,
    pub(crate) fast_path: bool,
    pub(crate) landing_page: bool,
    pub(crate) fallback_is_silent: bool,
    pub(crate) sse_after: Duration,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    /// `None`: as the build decides.
    #[cfg(feature = "inspector")]
    pub(crate) inspector: Option<bool>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<broker_routes::BrokerConfig>,
    #[cfg(feature = "dev")]
    pub(crate) dev: Option<dev::DevConfig>,
    pub(crate) fallback: Arc<H>,
}

impl Server {
    /// Creates a server with a name and a version, which hosts show to their users.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            identity: Implementation::new(name, version),
            instructions: None,
            providers: Vec::new(),
            tools: Vec::new(),
            states: States::default(),
            store: None,
            clock: Arc::new(SystemClock),
            refresh: RefreshPolicy::default(),
            public_url: None,
            gate: None,
            trusted_proxies: Vec::new(),
            transports: Transports::default(),
            live_views: cfg!(debug_assertions),
            strict_arguments: false,
            fast_path: std::env::var_os("TOOLGATE_FAST_PATH").is_none_or(|set| set != "off"),
            landing_page: true,
            fallback_is_silent: false,
            sse_after: SSE_AFTER,
            observers: Vec::new(),
            #[cfg(feature = "inspector")]
            inspector: None,
            #[cfg(feature = "broker")]
            broker: None,
            #[cfg(feature = "dev")]
            dev: None,
            fallback: Arc::new(NoFallback),
        }
    }
}

impl<H: ServerHandler> Server<H> {
    /// Registers a provider, with this server's OAuth client at it.
    #[must_use]
    pub fn provider<P: Provider>(mut self, client: OAuthClient<P>) -> Self {
        self.providers.push(client.registration);
        self
    }

    /// Adds tools, which are listed in the order of these calls.
    #[must_use]
    pub fn tools(mut self, tools: Tools) -> Self {
        self.tools.extend_from_slice(tools.entries());
        self
    }

    /// Adds a value that tools take as [`State<T>`](crate::State).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// Sets the name that people read, in hosts and on the pages of this server: `Acme Tools`. The
    /// default is the name that [`Server::new`] takes.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.identity.title = Some(title.into());
        self
    }

    /// Sets what the server is for, in a sentence or two. Hosts get it, and the
    /// [page for people](Self::landing_page) shows it to everyone.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.identity.description = Some(text.into());
        self
    }

    /// Adds an icon, as an https URL or as a `data:` URL of at most 64 KiB. Hosts get all icons; the
    /// pages of this server show the first one. PNG, JPEG, SVG and WebP are the types that MCP names.
    #[must_use]
    pub fn icon(mut self, url: impl Into<String>) -> Self {
        self.identity.icons.get_or_insert_default().push(Icon::new(url));
        self
    }

    /// Sets the URL of the server's website, which hosts get and the
    /// [page for people](Self::landing_page) links to.
    #[must_use]
    pub fn website_url(mut self, url: impl Into<String>) -> Self {
        self.identity.website_url = Some(url.into());
        self
    }

    /// Sets whether browsers that open the server get a page for people: its name, icon and tools, and
    /// how to connect each host. The default is `true`.
    ///
    /// The page is at `/mcp` for requests that ask for HTML and have nothing of a client of the
    /// protocol, and at `/` where the server answers all paths: with [`serve`](Self::serve),
    /// [`serve_http`](Self::serve_http) and [`App::into_service`](super::App::into_service), and not
    /// with [`App::into_router`](super::App::into_router), so that an application keeps its own `/`.
    ///
    /// It shows no more than the visitor may list. Behind a gate that is not
    /// [`allow_anonymous`](Gate::allow_anonymous), tools and instructions are shown to people who
    /// are signed in with their browser; name, description, icon and URL to everyone.
    #[must_use]
    pub fn landing_page(mut self, enabled: bool) -> Self {
        self.landing_page = enabled;
        self
    }

    /// Sets the instructions, which tell the model what the server is for.
    #[must_use]
    pub fn instructions(mut self, text: impl Into<String>) -> Self {
        self.instructions = Some(text.into());
        self
    }

    /// Sets the store of grants. The default is an SQLite database in the platform's data directory.
    #[must_use]
    pub fn store(mut self, store: impl GrantStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the clock. A [`store`](Self::store) that takes a clock should get the same one.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets when and how access tokens are refreshed.
    #[must_use]
    pub fn refresh_policy(mut self, policy: RefreshPolicy) -> Self {
        self.refresh = policy;
        self
    }

    /// Sets the URL at which browsers reach the server, such as `https://tools.example`. The default
    /// is the address of the listener; [`App::into_router`](super::App::into_router) has none.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Sets whether the views of widgets are read from disk for each request, so that changes show
    /// without a restart. The default is `true` in debug builds.
    #[must_use]
    pub fn live_views(mut self, enabled: bool) -> Self {
        self.live_views = enabled;
        self
    }

    /// Sets whether arguments are refused that are not quite what the schema says, and that hosts are
    /// known to send: a number or a list as text, `30.0` for an integer, `null` for an argument that
    /// can be left out, and arguments that the tool does not have. `#[tool(strict)]` does it for one
    /// tool. The default is `false`.
    #[must_use]
    pub fn strict_arguments(mut self, strict: bool) -> Self {
        self.strict_arguments = strict;
        self
    }

    /// Sets whether plain tool calls bypass rmcp's service loop. The responses are the same, at a
    /// third of the cost. The default is `true`, unless the environment has
    /// `TOOLGATE_FAST_PATH=off`.
    #[must_use]
    pub fn fast_path(mut self, enabled: bool) -> Self {
        self.fast_path = enabled;
        self
    }

    /// Sets after how long the response to a call that is still running becomes a stream of server-sent
    /// events, over HTTP. The default is 10 seconds; the most is a minute.
    ///
    /// Gateways close connections on which nothing is sent for some time, and a call may take minutes,
    /// or wait for its user. So its response begins with the status 200 and goes on with a comment every
    /// 15 seconds, until the last event has the result; a refusal that comes later is an error in
    /// that event. Clients that accept `application/json` alone wait for the result.
    ///
    /// A server with a time of zero, or of more than a minute, does not start.
    #[must_use]
    pub fn sse_after(mut self, time: Duration) -> Self {
        self.sse_after = time;
        self
    }

    /// Adds an observer, which gets an event for everything that the server decides and does:
    /// [`trace`](crate::trace).
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Trusts the proxies with these addresses or ranges of addresses: `10.0.0.0/8`, `fd00::/8`,
    /// `127.0.0.1`. Without any, all clients of a proxy count as one.
    ///
    /// Requests from these peers, and from no others, are counted by the client that their `Forwarded`
    /// (RFC 7239) or `X-Forwarded-For` header names: the right-most address that is no trusted proxy.
    /// [`ForwardedRequest`](crate::gate::ForwardedRequest) is what the proxy said, an extension of the
    /// request.
    ///
    /// [`Server::serve`] reads `--trusted-proxy` and `TOOLGATE_TRUSTED_PROXIES` as well, which replace
    /// these. A server with a malformed range does not start.
    #[must_use]
    pub fn trusted_proxies<R: Into<String>>(mut self, ranges: impl IntoIterator<Item = R>) -> Self {
        self.trusted_proxies.extend(ranges.into_iter().map(Into::into));
        self
    }

    /// Requires an access token for calls over HTTP. Over standard input and output the caller is the
    /// user who started the program (MCP, Authorization).
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Adds a [broker](crate::broker) for the provider `P`: hosts sign their users in with the broker,
    /// and its access tokens carry the scopes at `P` that tools require. `P` must be registered with
    /// [`Server::provider`], and must allow the redirect URI `PUBLIC_URL/callback/ID`.
    ///
    /// `configure` sets at least how `P` identifies a user:
    ///
    /// ```no_run
    /// # use toolgate::prelude::*;
    /// # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
    /// # pub enum GitHub {
    /// #     /// Reads.
    /// #     #[scope("repo")]
    /// #     Repo,
    /// # }
    /// # fn main() -> Result<()> {
    /// toolgate::server!()
    ///     .provider(GitHub::from_env()?)
    ///     .broker::<GitHub>(|broker| broker.user("/user", "id"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Over standard input and output there is no broker: the caller is the user who started the
    /// program.
    #[cfg(feature = "broker")]
    #[must_use]
    pub fn broker<P: Provider>(
        mut self,
        configure: impl FnOnce(BrokerBuilder) -> BrokerBuilder + Send + 'static,
    ) -> Self {
        let provider = std::any::TypeId::of::<P>();
        self.broker =
            Some(broker_routes::BrokerConfig { provider, configure: Box::new(configure) });
        self.gate.get_or_insert_with(Gate::for_broker);
        self
    }

    /// Lets these users sign in without a password, with the scopes of `C`, for
    /// [development](crate::dev). The server only answers this machine, and fails to build with the
    /// URL of another one.
    #[cfg(feature = "dev")]
    #[must_use]
    pub fn dev<C: Catalogue>(
        mut self,
        people: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let people = people.into_iter().map(Into::into).collect();
        self.dev = Some(dev::DevConfig::new::<C>(people));
        self.gate.get_or_insert_with(Gate::for_broker);
        self
    }

    /// Sets whether the tools of the [fallback handler](Server::fallback) send nothing before their
    /// result, unless the client asks for progress or logs. Then the fast path calls them as well,
    /// and whatever they try to send fails. The default is `false`.
    #[must_use]
    pub fn fallback_is_silent(mut self, silent: bool) -> Self {
        self.fallback_is_silent = silent;
        self
    }

    /// Adds a handler written with rmcp. It serves prompts, resources and all tools whose names are not
    /// in [`tools`](Self::tools).
    #[must_use]
    pub fn fallback<B: ServerHandler>(self, handler: B) -> Server<B> {
        self.with_handler(Arc::new(handler))
    }

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

    /// Has the inspector or not, as the command line says, if it does.
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

    /// Whether clients reach it by https, so through a proxy, and it trusts none.
    pub(crate) fn lacks_trusted_proxy(&self) -> bool {
        let resource = self.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let url = resource.or(self.public_url.as_deref()).unwrap_or_default();
        let is_https = url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        is_https && self.trusted_proxies.is_empty()
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
        let clock = &server.clock;
        let memory = || Arc::new(crate::grant::MemoryStore::with_clock(Arc::clone(clock)));
        server.store.get_or_insert_with(|| memory());
        server
    }

    pub(crate) fn name_and_version(&self) -> (String, String) {
        (self.identity.name.clone(), self.identity.version.clone())
    }
}

impl<H> Server<H> {
    /// The same server with another fallback handler.
    fn with_handler<B>(self, fallback: Arc<B>) -> Server<B> {
        Server {
            identity: self.identity,
            instructions: self.instructions,
            providers: self.providers,
            tools: self.tools,
            states: self.states,
            store: self.store,
            clock: self.clock,
            refresh: self.refresh,
            public_url: self.public_url,
            gate: self.gate,
            trusted_proxies: self.trusted_proxies,
            transports: self.transports,
            live_views: self.live_views,
            strict_arguments: self.strict_arguments,
            fast_path: self.fast_path,
            landing_page: self.landing_page,
            fallback_is_silent: self.fallback_is_silent,
            sse_after: self.sse_after,
            observers: self.observers,
            #[cfg(feature = "inspector")]
            inspector: self.inspector,
            #[cfg(feature = "broker")]
            broker: self.broker,
            #[cfg(feature = "dev")]
            dev: self.dev,
            fallback,
        }
    }
}

impl<H: ServerHandler> Server<H> {
    /// The server without the type of its fallback handler, and the handler.
    pub(crate) fn erase(self) -> (Server<ErasedHandler>, Arc<H>) {
        let handler = Arc::clone(&self.fallback);
        (self.with_handler(Arc::new(ErasedHandler::new(Arc::clone(&handler)))), handler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
