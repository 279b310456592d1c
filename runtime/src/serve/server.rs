//! The builder of a server.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use rmcp::{ServerHandler, model::Implementation};
use tokio_util::task::TaskTracker;
use url::Url;

use super::{
    admission::Admission,
    app::App,
    ask::Ask,
    cli,
    demand::Demand,
    dispatch::{Dispatch, Served},
    handler::Nothing,
    http,
    loopback::Loopback,
    upstream::Upstreams,
};
use crate::{
    client::http_client,
    consent::Consents,
    error::{ConfigError, Result},
    gate::Gate,
    grant::{Clock, GrantStore, Grants, MasterKey, RefreshPolicy, Sealer, SystemClock},
    oauth::OAuth,
    provider::{OAuthClient, Provider, Registration},
    state::States,
    table::{Entry, Tools},
    tool::Need,
};

/// Builds a server: [`toolgate::server!()`](crate::server) starts one with the name and the
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
pub struct Server<H = Nothing> {
    identity: Implementation,
    instructions: Option<String>,
    providers: Vec<Registration>,
    tools: Vec<Entry>,
    states: States,
    store: Option<Arc<dyn GrantStore>>,
    clock: Arc<dyn Clock>,
    refresh: RefreshPolicy,
    public_url: Option<String>,
    gate: Option<Gate>,
    beside: H,
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
            beside: Nothing,
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

    /// Lets only verified callers in, over HTTP. Over standard input and output the caller is who
    /// started the program, as MCP wants it.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Mounts a hand-written rmcp handler beside the tools: its prompts, resources and tools are
    /// served as well. Where both have a tool of one name, it is ours.
    #[must_use]
    pub fn beside<B: ServerHandler>(self, handler: B) -> Server<B> {
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
            beside: handler,
        }
    }

    /// Builds what [`Server::serve`] serves, for an application with a listener of its own.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, at once: a tool whose provider is not
    /// registered, a state that is not there, two tools of one name, a store that cannot be read.
    pub async fn build(self) -> Result<App<H>, ConfigError> {
        self.build_for(None).await
    }

    pub(super) async fn build_for(
        self,
        loopback: Option<Arc<Loopback>>,
    ) -> Result<App<H>, ConfigError> {
        let mut faults = Vec::new();
        let mut built = Vec::new();
        let mut index = HashMap::new();
        for entry in &self.tools {
            match entry.build() {
                Ok(tool) => built.push(tool),
                Err(fault) => faults.push(fault),
            }
        }
        for (at, tool) in built.iter().enumerate() {
            if index.insert(tool.definition.name.to_string(), at).is_some() {
                let message = format!("two tools are named `{}`", tool.definition.name);
                faults.push(ConfigError::new(message).help("the second `.tools(..)` repeats it"));
            }
        }
        let client = http_client()
            .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))?;
        let mut providers = Vec::new();
        for registration in self.providers {
            match OAuth::new(registration, client.clone()) {
                Ok(oauth) => providers.push(oauth),
                Err(fault) => faults.push(fault),
            }
        }
        ConfigError::join(faults)?;

        let needs_store =
            built.iter().flat_map(|tool| tool.needs).any(|need| matches!(need, Need::Client(_)));
        let store = match self.store {
            Some(store) => store,
            None if needs_store => default_store(&self.identity.name, &self.clock).await?,
            // Nothing will ever be kept, so nothing is opened.
            None => Arc::new(crate::grant::MemoryStore::new()),
        };
        let grants = Grants::with_policy(store, Arc::clone(&self.clock), self.refresh);
        let upstreams = Upstreams::new(grants.clone(), client, &providers)?;
        let mut faults = Vec::new();
        for tool in &built {
            let name = &tool.definition.name;
            for need in tool.needs {
                faults.extend(unmet(name, need, &upstreams, &self.states, self.gate.is_some()));
            }
        }
        ConfigError::join(faults)?;

        let stdio = loopback.is_some();
        let tools: Vec<_> = built
            .into_iter()
            .map(|built| {
                let demand = Demand::of(built.needs, built.hints, None);
                Served { built, demand }
            })
            .collect();
        let resource = self.gate.as_ref().and_then(|gate| gate.resource.clone());
        let admission = match self.gate.filter(|_| !stdio) {
            Some(gate) => {
                let demands = tools.iter().map(|tool| &tool.demand);
                let name = self.identity.name.clone();
                let clock = Arc::clone(&self.clock);
                let admission = Admission::new(gate, name, clock, http::SESSION, demands);
                Some(Arc::new(admission.map_err(ConfigError::new)?))
            }
            None => None,
        };
        let of_resource = resource.as_deref().map(|url| url.strip_suffix("/mcp").unwrap_or(url));
        let base = self.public_url.as_deref().or(of_resource).unwrap_or("http://127.0.0.1:8765");
        let base = Url::parse(base)
            .map_err(|error| ConfigError::new(format!("the public URL `{base}`: {error}")))?;
        let consents = Consents::new(grants.clone(), Arc::clone(&self.clock), providers, base);
        // A request state outlives no server: its consents do not either.
        let sealer = Sealer::new(&MasterKey::generate());
        let ask = Ask { consents: consents.clone(), clock: self.clock, sealer, loopback };
        let dispatch = Dispatch {
            identity: self.identity,
            instructions: self.instructions,
            tools,
            index,
            upstreams,
            states: self.states,
            ask,
            admission,
            running: TaskTracker::new(),
            grants,
        };
        Ok(App::new(dispatch, self.beside, consents))
    }

    /// Serves as the command line and the environment say: `--http ADDRESS` (`TOOLGATE_HTTP`),
    /// `--stdio`, or `--describe`. Ends when it is told to, after the calls under way.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or the address cannot be listened on.
    pub async fn serve(self) -> Result<()> {
        cli::serve(self).await
    }

    /// Serves streamable HTTP on `address`, which must be of this machine: callers are not
    /// verified, so nobody else may call.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_http(self, address: SocketAddr) -> Result<()> {
        cli::serve_http(self, address).await
    }

    /// Serves one client over standard input and output.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_stdio(self) -> Result<()> {
        cli::serve_stdio(self, 0).await
    }

    /// May it listen for others than this machine? Only with a gate that knows its name.
    pub(super) fn may_face_others(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.resource.is_some())
    }

    /// Does it know by which name it is reached?
    pub(super) fn knows_its_name(&self) -> bool {
        self.public_url.is_some() || self.may_face_others()
    }

    pub(super) fn name_and_version(&self) -> (String, String) {
        (self.identity.name.clone(), self.identity.version.clone())
    }
}

fn unmet(
    tool: &str,
    need: &Need,
    upstreams: &Upstreams,
    states: &States,
    gated: bool,
) -> Option<ConfigError> {
    match need {
        Need::Client(client) if !upstreams.contains(client.provider_type) => Some(
            ConfigError::new(format!(
                "the tool `{tool}` needs the provider `{}`, which is not registered",
                client.provider_name
            ))
            .help(format!("add `.provider({}::from_env()?)`", client.provider_name)),
        ),
        Need::Caller(caller) if !caller.scopes.is_empty() && !gated => Some(
            ConfigError::new(format!(
                "the tool `{tool}` checks the caller's scopes of `{}`, and this server does not verify callers",
                caller.provider_name
            ))
            .help("add `.gate(..)`, or take `Caller` without a catalogue: the person at this machine"),
        ),
        Need::State(state) if !states.contains(state.type_id) => Some(
            ConfigError::new(format!(
                "the tool `{tool}` needs a state of type `{}`, which was not given",
                (state.type_name)()
            ))
            .help("add `.state(value)`"),
        ),
        _ => None,
    }
}

#[cfg(feature = "sqlite")]
async fn default_store(
    name: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn GrantStore>, ConfigError> {
    use crate::grant::{SqliteStore, data_directory};

    let fault = |error: crate::grant::StoreError| ConfigError::new(error.to_string());
    let directory = data_directory(name).map_err(fault)?;
    let store = SqliteStore::at(directory).clock(Arc::clone(clock)).open().await.map_err(fault)?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "sqlite"))]
#[allow(clippy::unused_async, reason = "the one with SQLite waits for the disk")]
async fn default_store(
    _: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn GrantStore>, ConfigError> {
    Ok(Arc::new(crate::grant::MemoryStore::with_clock(Arc::clone(clock))))
}
