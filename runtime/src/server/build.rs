//! Building a server: from its configuration to what is served. All errors are reported at once.

use std::{any::TypeId, collections::HashMap, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio_util::task::TaskTracker;

use super::{
    app::Assembled,
    auth_setup::{AuthLayer, AuthSetup},
    builder::{MAX_SSE_AFTER, Server},
    dependencies::{check_dependencies, needs_provider},
    dev_channel::identity::DevIdentity,
    stores::{chosen_store, default_store, session_keys},
    token_exchange,
};
use crate::{
    browser::site::Site,
    client::http_client,
    consent::{Consents, ConsentsConfig},
    error::ConfigError,
    grant::{Grants, MemoryStore, traced::traced},
    oauth::UpstreamClient,
    provider::Registration,
    support::{forwarded::TrustedProxies, hand_over::HandOver},
    tool::{registry::RegisteredTool, table::ToolEntry},
};
use crate::{
    mcp::{
        connections::ProviderConnections,
        consent_prompt::{CallbackListener, PromptServices},
        dispatch::Dispatch,
        fallback::ErasedHandler,
        server_info::ServerInfo,
        tool_changes::ToolChanges,
        widgets::Widgets,
    },
    stdio::loopback::Loopback,
};

impl Server<ErasedHandler> {
    /// Builds the server. Boxed, so that the programs that await it do not compile it.
    pub(crate) fn build_for(
        self,
        loopback: Option<Arc<Loopback>>,
    ) -> BoxFuture<'static, Result<Assembled, ConfigError>> {
        Box::pin(self.assemble(loopback))
    }

    /// The type of the provider behind the broker.
    fn brokered(&self) -> Option<TypeId> {
        #[cfg(feature = "broker")]
        let brokered = self.broker.as_ref().map(|broker| broker.provider);
        #[cfg(not(feature = "broker"))]
        let brokered = None;
        brokered
    }

    #[allow(clippy::too_many_lines, reason = "one part after another")]
    async fn assemble(mut self, loopback: Option<Arc<Loopback>>) -> Result<Assembled, ConfigError> {
        #[cfg(feature = "dev")]
        let is_in_development = self.dev.is_some();
        #[cfg(not(feature = "dev"))]
        let is_in_development = false;
        #[cfg(feature = "dev")]
        self.check_gate()?;
        #[cfg(feature = "dev")]
        let stand_ins = self.start_stand_ins().await?;
        #[cfg(feature = "dev")]
        let login = self.development_sign_in(loopback.is_some())?;
        let (tools, index, mut errors) = build_tools(&self.tools, self.strict_arguments);
        let proxies = trusted_proxies(&self.trusted_proxies, &mut errors);
        errors.extend(check_sse_after(self.sse_after));
        // A client reads the system's certificates, so a server without providers has none.
        let client = if self.providers.is_empty() { None } else { Some(new_client()?) };
        let brokered = self.brokered();
        #[cfg(feature = "metrics")]
        let metrics = self.observe_metrics();
        let tracer = self.tracer();
        let providers = upstream_clients(self.providers, client.as_ref(), &mut errors);
        ConfigError::join(errors)?;

        let needs_provider = needs_provider(&tools);
        let needs_store = needs_provider || brokered.is_some() && loopback.is_none();
        if self.store.is_some() && self.key_source.is_some() {
            let message = "the server has a store, which the key source is not given to";
            return Err(ConfigError::new(message).help("give the source to the store's options"));
        }
        let store = match self.store {
            Some(store) => Some(store),
            None => chosen_store(&self.clock, self.key_source.as_ref()).await?,
        };
        let store = match store {
            None if needs_store => {
                let source = self.key_source.clone();
                Some(default_store(&self.identity.name, &self.clock, source).await?)
            }
            store => store,
        };
        let dev_key = self.dev_identity.as_deref().map(DevIdentity::master_key);
        let memory =
            store.clone().and_then(|store| store.in_memory()?.downcast::<MemoryStore>().ok());
        if let (Some(memory), Some(key)) = (&memory, &dev_key) {
            memory.use_key(key);
        }
        let audit = store.as_ref().map(|store| self.audit.trail(store, &self.clock));
        let store = store.map(|store| traced(store, &tracer));
        let session_keys = session_keys(store.as_ref(), dev_key.as_ref(), &self.clock).await?;
        // Without a store nothing will ever be stored, so no file is opened.
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        // Whether a token has expired is decided alike at every replica.
        let shared = store.shared_clock().filter(|_| self.clock.is_system());
        let clock = shared.unwrap_or_else(|| Arc::clone(&self.clock));
        let grants = Grants::audited(store, clock, self.refresh, audit.unwrap_or_default());
        let of_people = connectable(providers.clone());
        let connections =
            ProviderConnections::new(grants.clone(), client, &providers, brokered, &self.clock)?;
        if !is_in_development {
            token_exchange::check(&providers, self.gate.as_ref(), brokered.is_some())?;
        }
        check_dependencies(&tools, &connections, &self.states, self.gate.is_some())?;
        let site = Arc::new(Site::new(&self.identity)?);
        let setup = AuthSetup {
            gate: self.gate.filter(|_| loopback.is_none()),
            #[cfg(feature = "broker")]
            broker: self.broker,
            public_url: self.public_url,
            name: site.name(),
            clock: &self.clock,
            grants: &grants,
            providers: &providers,
            tracer,
            needs_provider,
            endpoints: self.transports.endpoints(),
            #[cfg(feature = "dev")]
            is_dev: login.is_some(),
        };
        let mut auth = AuthLayer::new(setup, tools)?;
        let widgets = Widgets::new(
            &self.identity.name,
            &mut auth.tools,
            self.live_views,
            self.fallback.is_none,
        )?;
        let (has_authenticator, base) = (auth.authenticator.is_some(), auth.base.clone());
        let consents = Consents::new(ConsentsConfig {
            grants: grants.clone(),
            records: Arc::clone(&session_keys.records),
            clock: Arc::clone(&self.clock),
            providers: connectable(providers),
            base: auth.base,
            site,
            authenticator: auth.authenticator,
            limit: auth.limit,
            // Behind a gate, only a person who is recognised has accounts.
            has_accounts: loopback.is_none()
                && (auth.resource_server.is_none() || has_authenticator),
            binds_clients: auth.resource_server.as_ref().is_some_and(|gate| gate.binds_accounts()),
            brokered,
            tracer: auth.tracer.clone(),
        });
        let prompts = PromptServices {
            providers: connections,
            consents,
            clock: self.clock,
            // A call may be retried at any process that shares the store.
            sealer: session_keys.sealer.clone(),
            callback_listener: loopback.map(|loopback| loopback as Arc<dyn CallbackListener>),
        };
        let dispatch = Dispatch {
            server_info: ServerInfo::new(&self.identity),
            identity: self.identity,
            instructions: self.instructions,
            tools: auth.tools,
            index,
            widgets,
            states: self.states,
            prompts,
            resource_server: auth.resource_server,
            fast_path: self.fast_path,
            fallback_is_silent: self.fast_path && self.fallback_is_silent,
            sse_after: self.sse_after,
            running: TaskTracker::new(),
            tracer: auth.tracer,
            grants,
            tool_changes: self.dev_identity.is_some().then(ToolChanges::new),
        };
        let mut app = Assembled::new(dispatch, self.fallback, base, session_keys);
        app.proxies = proxies;
        app.providers = of_people;
        app.drain_limits = self.drain_limits;
        app.dev_identity = self.dev_identity;
        app.states.extend(memory.map(|memory| ("store".to_owned(), memory as Arc<dyn HandOver>)));
        app.transports = self.transports;
        app.management = self.management;
        #[cfg(feature = "metrics")]
        {
            app.metrics = metrics;
        }
        (app.sign_in, app.has_landing_page) = (auth.sign_in, self.landing_page);
        #[cfg(feature = "broker")]
        {
            app.broker = auth.broker;
        }
        #[cfg(feature = "dev")]
        {
            app.states.extend(stand_ins.iter().map(crate::dev::StartedStandIn::state));
            let sign_in = login.clone().map(|page| Arc::new(page) as Arc<dyn HandOver>);
            app.states.extend(sign_in.map(|page| ("sign-in".to_owned(), page)));
            app.login = login;
            app.stand_ins = stand_ins;
        }
        Ok(app)
    }
}

/// The providers at which people connect accounts.
fn connectable(mut providers: Vec<UpstreamClient>) -> Vec<UpstreamClient> {
    providers.retain(|oauth| !oauth.registration.exchanges_tokens());
    providers
}

/// The ranges, as they are written.
fn trusted_proxies(ranges: &[String], errors: &mut Vec<ConfigError>) -> TrustedProxies {
    let mut parsed = Vec::new();
    for range in ranges {
        match range.parse() {
            Ok(range) => parsed.push(range),
            Err(error) => errors.push(
                ConfigError::new(format!("the trusted proxy `{range}`: {error}"))
                    .help("such as `.trusted_proxies([\"10.0.0.0/8\"])`"),
            ),
        }
    }
    TrustedProxies::new(parsed)
}

/// The error of a time that is none, or that the gateways between do not wait.
fn check_sse_after(time: Duration) -> Option<ConfigError> {
    let error = if time.is_zero() {
        "it is zero, so a call would be a stream before it could have a result"
    } else if time > MAX_SSE_AFTER {
        "it is more than a minute, after which gateways close a connection that is silent"
    } else {
        return None;
    };
    let error = ConfigError::new(format!("the time of `Server::sse_after`: {error}"));
    Some(error.help("such as `.sse_after(Duration::from_secs(10))`, which is the default"))
}

fn upstream_clients(
    registrations: Vec<Registration>,
    http: Option<&reqwest::Client>,
    errors: &mut Vec<ConfigError>,
) -> Vec<UpstreamClient> {
    let mut clients = Vec::new();
    let Some(http) = http else { return clients };
    for registration in registrations {
        match UpstreamClient::new(registration, http.clone()) {
            Ok(client) => clients.push(client),
            Err(error) => errors.push(error),
        }
    }
    clients
}

fn new_client() -> Result<reqwest::Client, ConfigError> {
    http_client()
        .map_err(|error| ConfigError::new(format!("the HTTP client could not be built: {error}")))
}

/// The tools, their indices by name, and the errors.
fn build_tools(
    entries: &[ToolEntry],
    strict: bool,
) -> (Vec<RegisteredTool>, HashMap<String, usize>, Vec<ConfigError>) {
    let mut errors = Vec::new();
    let mut tools = Vec::new();
    let mut index = HashMap::new();
    for entry in entries {
        match entry.build() {
            Ok(mut tool) => {
                tool.strict |= strict;
                tools.push(tool);
            }
            Err(error) => errors.push(error),
        }
    }
    for (at, tool) in tools.iter().enumerate() {
        if index.insert(tool.definition.name.to_string(), at).is_some() {
            let message = format!("two tools are named `{}`", tool.definition.name);
            errors.push(ConfigError::new(message).help("the second `.tools(..)` repeats it"));
        }
    }
    (tools, index, errors)
}
