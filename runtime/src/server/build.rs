//! From the builder to what is served: everything that is wrong is said here, at once.

use std::{collections::HashMap, sync::Arc};

use futures::future::BoxFuture;
use tokio_util::task::TaskTracker;

use super::{
    app::Assembled,
    auth_setup::{AuthLayer, AuthSetup},
    builder::Server,
};
use crate::{
    client::http_client,
    consent::{Consents, ConsentsConfig},
    error::ConfigError,
    grant::{Clock, GrantStore, Grants, MasterKey, Sealer},
    oauth::UpstreamClient,
    provider::Registration,
    tool::{Dependency, registry::RegisteredTool, state::States, table::ToolEntry},
};
use crate::{
    mcp::{
        connections::ProviderConnections,
        consent_prompt::{CallbackListener, PromptServices},
        dispatch::Dispatch,
        fallback::ErasedHandler,
        widgets::Widgets,
    },
    stdio::loopback::Loopback,
};

impl Server<ErasedHandler> {
    /// Builds it. Boxed, as all that starts a server is: else whoever awaits it compiles it.
    pub(crate) fn build_for(
        self,
        loopback: Option<Arc<Loopback>>,
    ) -> BoxFuture<'static, Result<Assembled, ConfigError>> {
        Box::pin(self.assemble(loopback))
    }

    async fn assemble(
        #[cfg_attr(not(feature = "dev"), expect(unused_mut))] mut self,
        loopback: Option<Arc<Loopback>>,
    ) -> Result<Assembled, ConfigError> {
        #[cfg(feature = "dev")]
        let login = match self.dev.take().filter(|_| loopback.is_none()) {
            Some(wanted) => Some(self.sign_in_without_password(wanted)?),
            None => None,
        };
        let (built, index, mut faults) = build_tools(&self.tools);
        // A client reads the system's certificates, so a server without providers makes none.
        let client = if self.providers.is_empty() { None } else { Some(new_client()?) };
        let providers = upstream_clients(self.providers, client.as_ref(), &mut faults);
        ConfigError::join(faults)?;

        let needs_store = built
            .iter()
            .flat_map(|tool| tool.dependencies)
            .any(|need| matches!(need, Dependency::Client(_)));
        #[cfg(feature = "broker")]
        let keeps = needs_store || self.broker.is_some() && loopback.is_none();
        #[cfg(not(feature = "broker"))]
        let keeps = needs_store;
        let store = match self.store {
            Some(store) => store,
            None if keeps => default_store(&self.identity.name, &self.clock).await?,
            // Nothing will ever be stored, so no file is opened.
            None => Arc::new(crate::grant::MemoryStore::new()),
        };
        let grants = Grants::with_policy(store, Arc::clone(&self.clock), self.refresh);
        let connections = ProviderConnections::new(grants.clone(), client, &providers)?;
        let mut faults = Vec::new();
        for tool in &built {
            let name = &tool.definition.name;
            for need in tool.dependencies {
                faults.extend(unmet(name, need, &connections, &self.states, self.gate.is_some()));
            }
        }
        ConfigError::join(faults)?;

        let setup = AuthSetup {
            gate: self.gate.filter(|_| loopback.is_none()),
            #[cfg(feature = "broker")]
            broker: self.broker,
            public_url: self.public_url,
            name: &self.identity.name,
            clock: &self.clock,
            grants: &grants,
            providers: &providers,
            connects: needs_store,
            #[cfg(feature = "dev")]
            development: login.is_some(),
        };
        let mut auth = AuthLayer::new(setup, built)?;
        let whole = self.beside.is_none;
        let live = self.live_views;
        let widgets = Widgets::new(&self.identity.name, &mut auth.tools, live, whole)?;
        let consents = Consents::new(ConsentsConfig {
            grants: grants.clone(),
            clock: Arc::clone(&self.clock),
            providers,
            base: auth.base,
            authenticator: auth.authenticator,
            limit: auth.limit,
            has_accounts: loopback.is_none(),
        });
        // A request state outlives no server: its consents do not either.
        let sealer = Sealer::new(&MasterKey::generate());
        let loopback = loopback.map(|loopback| loopback as Arc<dyn CallbackListener>);
        let prompts = PromptServices {
            providers: connections,
            consents,
            clock: self.clock,
            sealer,
            callback_listener: loopback,
        };
        let dispatch = Dispatch {
            identity: self.identity,
            instructions: self.instructions,
            tools: auth.tools,
            index,
            widgets,
            states: self.states,
            prompts,
            admission: auth.admission,
            fast_path: self.fast_path,
            fallback_is_silent: self.fast_path && self.fallback_is_silent,
            running: TaskTracker::new(),
            grants,
        };
        let mut app = Assembled::new(dispatch, self.beside);
        app.sign_in = auth.sign_in;
        #[cfg(feature = "broker")]
        {
            app.broker = auth.broker;
        }
        #[cfg(feature = "dev")]
        {
            app.login = login;
        }
        Ok(app)
    }
}

fn upstream_clients(
    registrations: Vec<Registration>,
    http: Option<&reqwest::Client>,
    faults: &mut Vec<ConfigError>,
) -> Vec<UpstreamClient> {
    let mut clients = Vec::new();
    let Some(http) = http else { return clients };
    for registration in registrations {
        match UpstreamClient::new(registration, http.clone()) {
            Ok(client) => clients.push(client),
            Err(fault) => faults.push(fault),
        }
    }
    clients
}

fn new_client() -> Result<reqwest::Client, ConfigError> {
    http_client().map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))
}

/// The tools, where each of them is, and what is wrong.
fn build_tools(
    entries: &[ToolEntry],
) -> (Vec<RegisteredTool>, HashMap<String, usize>, Vec<ConfigError>) {
    let mut faults = Vec::new();
    let mut built = Vec::new();
    let mut index = HashMap::new();
    for entry in entries {
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
    (built, index, faults)
}

fn unmet(
    tool: &str,
    need: &Dependency,
    connections: &ProviderConnections,
    states: &States,
    gated: bool,
) -> Option<ConfigError> {
    match need {
        Dependency::Client(client) if !connections.contains(client.provider_type) => Some(
            ConfigError::new(format!(
                "the tool `{tool}` needs the provider `{}`, which is not registered",
                client.provider_name
            ))
            .help(format!("add `.provider({}::from_env()?)`", client.provider_name)),
        ),
        Dependency::Caller(caller) if !caller.scopes().is_empty() && !gated => Some(
            ConfigError::new(format!(
                "the tool `{tool}` checks the caller's scopes of `{}`, and this server does not verify callers",
                caller.provider_name
            ))
            .help("add `.gate(..)`, or take `Caller` without a catalogue: the person at this machine"),
        ),
        Dependency::State(state) if !states.contains(state.type_id) => Some(
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
