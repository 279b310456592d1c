//! The builder of a server.

use std::net::SocketAddr;
use std::sync::Arc;

use rmcp::{ServerHandler, model::Implementation};

#[cfg(feature = "broker")]
use super::broker_routes as brokered;
use super::run_http as outward;
use super::{app::App, command_line as cli};
#[cfg(feature = "broker")]
use crate::broker::BrokerBuilder;
use crate::mcp::fallback::{ErasedHandler, NoFallback};
#[cfg(feature = "dev")]
use crate::{dev, scope::Catalogue};
use crate::{
    error::{ConfigError, Result},
    gate::Gate,
    grant::{Clock, GrantStore, RefreshPolicy, SystemClock},
    provider::{OAuthClient, Provider, Registration},
    tool::{
        state::States,
        table::{ToolEntry, Tools},
    },
};

/// Builds a server: [`toolgate::server!()`](macro@crate::server) starts one with the name and the
/// version of your crate.
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
    pub(crate) live_views: bool,
    pub(crate) fast_path: bool,
    pub(crate) fallback_is_silent: bool,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<brokered::BrokerConfig>,
    #[cfg(feature = "dev")]
    pub(crate) dev: Option<dev::DevConfig>,
    pub(crate) beside: Arc<H>,
}

impl Server {
    /// A server of this name and version, which hosts show to their users.
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
            live_views: cfg!(debug_assertions),
            fast_path: std::env::var_os("TOOLGATE_FAST_PATH").is_none_or(|set| set != "off"),
            fallback_is_silent: false,
            #[cfg(feature = "broker")]
            broker: None,
            #[cfg(feature = "dev")]
            dev: None,
            beside: Arc::new(NoFallback),
        }
    }
}

impl<H: ServerHandler> Server<H> {
    /// Registers a provider, with the client that it knows this server by.
    #[must_use]
    pub fn provider<P: Provider>(mut self, client: OAuthClient<P>) -> Self {
        self.providers.push(client.registration);
        self
    }

    /// Adds tools, after those that were added before.
    #[must_use]
    pub fn tools(mut self, tools: Tools) -> Self {
        self.tools.extend_from_slice(tools.entries());
        self
    }

    /// Gives the tools a value that they may ask for as [`State<T>`](crate::State).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// Says to the model what the server is for.
    #[must_use]
    pub fn instructions(mut self, text: impl Into<String>) -> Self {
        self.instructions = Some(text.into());
        self
    }

    /// Keeps grants in `store`; otherwise they are in an SQLite database in the platform's folder
    /// for data.
    #[must_use]
    pub fn store(mut self, store: impl GrantStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Takes the time from `clock`. A store of yours has a clock of its own: give it the same.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Renews tokens by another policy than the default one.
    #[must_use]
    pub fn refresh_policy(mut self, policy: RefreshPolicy) -> Self {
        self.refresh = policy;
        self
    }

    /// Where a browser on this machine reaches [`App::into_router`], if that is not known from the
    /// listener: `http://127.0.0.1:8765`.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Reads the views of widgets from the disk whenever a host asks for them, so that a change is
    /// seen without a restart. A debug build does so if nothing is said.
    #[must_use]
    pub fn live_views(mut self, live: bool) -> Self {
        self.live_views = live;
        self
    }

    /// Answers calls about which nothing is unusual by a short way, which gives the same answers and
    /// costs a third; it does so if nothing is said. `TOOLGATE_FAST_PATH=off` turns it off as
    /// well, for who suspects it.
    #[must_use]
    pub fn fast_path(mut self, short: bool) -> Self {
        self.fast_path = short;
        self
    }

    /// Lets only verified callers in, over HTTP. Over standard input and output the caller is who
    /// started the program, as MCP wants it.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Puts a [broker](crate::broker) in front of the provider `P`: hosts sign their users in with
    /// it, and a tool's scopes at `P` are demanded of the access token itself. `P` has to be
    /// registered with [`Server::provider`], and must allow the redirect URI
    /// `PUBLIC_URL/callback/ID`.
    ///
    /// `set_up` says at least how `P` identifies a person:
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
    /// Over standard input and output there is no broker: the caller is who started the program.
    #[cfg(feature = "broker")]
    #[must_use]
    pub fn broker<P: Provider>(
        mut self,
        set_up: impl FnOnce(BrokerBuilder) -> BrokerBuilder + Send + 'static,
    ) -> Self {
        let provider = std::any::TypeId::of::<P>();
        self.broker = Some(brokered::BrokerConfig { provider, set_up: Box::new(set_up) });
        self.gate.get_or_insert_with(Gate::by_broker);
        self
    }

    /// Lets these people sign in without a password, with the scopes of `C`: for
    /// [development](crate::dev). The server answers this machine alone, and starts under no other
    /// name.
    #[cfg(feature = "dev")]
    #[must_use]
    pub fn dev<C: Catalogue>(
        mut self,
        people: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let people = people.into_iter().map(Into::into).collect();
        self.dev = Some(dev::DevConfig::new::<C>(people));
        self.gate.get_or_insert_with(Gate::by_broker);
        self
    }

    /// Says of the handler that is [mounted beside](Server::fallback) the tools: its tools send nothing
    /// before their result, where the client asked neither for progress nor for a log. Then its calls
    /// go the short way as well. Whatever a tool tries to send there all the same fails.
    #[must_use]
    pub fn fallback_is_silent(mut self) -> Self {
        self.fallback_is_silent = true;
        self
    }

    /// Mounts a hand-written rmcp handler beside the tools: its prompts, resources and tools are
    /// served as well. Where both have a tool of one name, it is ours.
    #[must_use]
    pub fn fallback<B: ServerHandler>(self, handler: B) -> Server<B> {
        self.with(Arc::new(handler))
    }

    /// Builds what [`Server::serve`] serves, for an application with a listener of its own.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, at once: a tool whose provider is not
    /// registered, a state that is not there, two tools of one name, a store that cannot be read.
    pub async fn build(self) -> Result<App<H>, ConfigError> {
        let (assembling, beside) = self.erased();
        Ok(App::new(assembling.build_for(None).await?, beside))
    }

    /// Serves as the command line and the environment say: `--http ADDRESS` (`TOOLGATE_HTTP`),
    /// `--stdio`, or `--describe`. Ends when it is told to, after the calls under way.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or the address cannot be listened on.
    pub async fn serve(self) -> Result<()> {
        cli::serve(self.erased().0).await
    }

    /// Serves streamable HTTP on `address`, which must be of this machine: callers are not
    /// verified, so nobody else may call.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_http(self, address: SocketAddr) -> Result<()> {
        outward::serve_http(self.erased().0, address).await
    }

    /// Serves one client over standard input and output.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_stdio(self) -> Result<()> {
        cli::serve_stdio(self.erased().0, 0).await
    }

    /// May it listen for others than this machine? Only with a gate that knows its name.
    pub(crate) fn may_face_others(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.resource.is_some())
    }

    /// Without HTTP nobody else reaches it.
    /// Does it know by which name it is reached?
    pub(crate) fn knows_its_name(&self) -> bool {
        self.public_url.is_some() || self.may_face_others()
    }

    /// The server at `url`, without anything that stays after it, unless it says otherwise.
    #[cfg(feature = "testing")]
    pub(crate) fn for_test(mut self, url: &str) -> Self {
        if !self.knows_its_name() {
            self.public_url = Some(url.to_owned());
        }
        let clock = &self.clock;
        let memory = || Arc::new(crate::grant::MemoryStore::with_clock(Arc::clone(clock)));
        self.store.get_or_insert_with(|| memory());
        self
    }

    pub(crate) fn name_and_version(&self) -> (String, String) {
        (self.identity.name.clone(), self.identity.version.clone())
    }
}

impl<H> Server<H> {
    /// The same with another handler.
    fn with<B>(self, beside: Arc<B>) -> Server<B> {
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
            live_views: self.live_views,
            fast_path: self.fast_path,
            fallback_is_silent: self.fallback_is_silent,
            #[cfg(feature = "broker")]
            broker: self.broker,
            #[cfg(feature = "dev")]
            dev: self.dev,
            beside,
        }
    }
}

impl<H: ServerHandler> Server<H> {
    /// The same, whatever the type of its handler, and the handler.
    fn erased(self) -> (Server<ErasedHandler>, Arc<H>) {
        let handler = Arc::clone(&self.beside);
        (self.with(Arc::new(ErasedHandler::new(Arc::clone(&handler)))), handler)
    }
}
