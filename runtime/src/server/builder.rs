//! Builder of a server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rmcp::{ServerHandler, model::Implementation};

#[cfg(feature = "broker")]
use super::broker_routes;
use super::{
    audit_config::AuditConfig, dev_channel::identity::DevIdentity, drain_limits::DrainLimits,
    transports::Transports,
};
#[cfg(feature = "broker")]
use crate::broker::BrokerBuilder;
use crate::mcp::fallback::{ErasedHandler, NoFallback};
#[cfg(feature = "dev")]
use crate::{dev, scope::Catalogue};
use crate::{
    env,
    gate::Gate,
    grant::{Clock, GrantStore, KeySource, RefreshPolicy, Store, SystemClock},
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
    pub(crate) key_source: Option<Arc<dyn KeySource>>,
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
    pub(crate) drain_limits: DrainLimits,
    pub(crate) audit: AuditConfig,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    /// Where the management listener is, if there is one.
    pub(crate) management: Option<SocketAddr>,
    #[cfg(feature = "metrics")]
    pub(crate) metrics: Option<crate::telemetry::Metrics>,
    /// What it has in common with the programs before it, under a supervisor.
    pub(crate) dev_identity: Option<Box<DevIdentity>>,
    /// `None`: as the build decides.
    #[cfg(feature = "inspector")]
    pub(crate) inspector: Option<bool>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<broker_routes::BrokerConfig>,
    #[cfg(feature = "dev")]
    pub(crate) dev: Option<dev::DevConfig>,
    #[cfg(feature = "dev")]
    pub(crate) stand_ins: dev::StandIns,
    #[cfg(feature = "dev")]
    pub(crate) lacks_gate: bool,
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
            key_source: None,
            clock: Arc::new(SystemClock),
            refresh: RefreshPolicy::default(),
            public_url: None,
            gate: None,
            trusted_proxies: Vec::new(),
            transports: Transports::default(),
            live_views: cfg!(debug_assertions),
            strict_arguments: false,
            fast_path: env::var("TOOLGATE_FAST_PATH")
                .is_none_or(|set| env::parse_bool(&set) != Some(false)),
            landing_page: true,
            fallback_is_silent: false,
            sse_after: SSE_AFTER,
            drain_limits: DrainLimits::default(),
            audit: AuditConfig::default(),
            observers: Vec::new(),
            management: None,
            #[cfg(feature = "metrics")]
            metrics: None,
            dev_identity: None,
            #[cfg(feature = "inspector")]
            inspector: None,
            #[cfg(feature = "broker")]
            broker: None,
            #[cfg(feature = "dev")]
            dev: None,
            #[cfg(feature = "dev")]
            stand_ins: dev::StandIns::default(),
            #[cfg(feature = "dev")]
            lacks_gate: false,
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

    /// Sets the store of grants. The default is the one that `TOOLGATE_STORE` names, or else an SQLite
    /// database in the platform's data directory.
    #[must_use]
    pub fn store(mut self, store: impl Into<Store>) -> Self {
        self.store = Some(store.into().into_inner());
        self
    }

    /// Sets the source that wraps the data keys of the store, such as a KMS, in place of a master key.
    ///
    /// It is that of the store which the environment names, or of the default one. A
    /// [`store`](Self::store) of the program's takes it in its options.
    #[must_use]
    pub fn key_source(mut self, source: impl KeySource) -> Self {
        self.key_source = Some(Arc::new(source));
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
            key_source: self.key_source,
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
            drain_limits: self.drain_limits,
            audit: self.audit,
            observers: self.observers,
            management: self.management,
            #[cfg(feature = "metrics")]
            metrics: self.metrics,
            dev_identity: self.dev_identity,
            #[cfg(feature = "inspector")]
            inspector: self.inspector,
            #[cfg(feature = "broker")]
            broker: self.broker,
            #[cfg(feature = "dev")]
            dev: self.dev,
            #[cfg(feature = "dev")]
            stand_ins: self.stand_ins,
            #[cfg(feature = "dev")]
            lacks_gate: self.lacks_gate,
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
