//! The inspector of a server that listens on this machine.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

#[cfg(feature = "broker")]
use async_trait::async_trait;
use rmcp::ServerHandler;
use url::Url;

use super::{
    app::Assembled, args::OutputFormat, builder::Server, dev_channel::identity::DevIdentity,
    output::print,
};
#[cfg(feature = "broker")]
use crate::{
    broker::{Broker, KnownClient},
    inspector::{CLIENT_ID, TokenDraft, redirect_uri},
};
use crate::{
    error::{ConfigError, Result},
    http::{GatedListener, ToolgateService},
    inspector::{
        Access, EventLog, Inspector, InspectorConfig, PageToken, Patient, Stage, TokenSigner,
        doctor,
    },
    mcp::fallback::ErasedHandler,
    support::{hand_over::HandOver, url::is_loopback},
};

impl<H: ServerHandler> Server<H> {
    /// Sets whether the server has the inspector: a page for developers at `/inspector`, which shows
    /// each call, and why it was refused. The default is `true` in debug builds, for a server that is
    /// reached on this machine alone; `--inspector` and `TOOLGATE_INSPECTOR` override it.
    ///
    /// [`serve`](Self::serve) and [`serve_http`](Self::serve_http) print the link to it. An
    /// application with a listener of its own has no inspector.
    ///
    /// # Security
    ///
    /// Who opens the link acts as everyone who is signed in with the page. The link has 128 random
    /// bits, which become a cookie for this page alone; only requests of this machine, under its
    /// own name, and of the page itself are answered. A server with `true` that listens on another
    /// address than this machine's, has another URL, or trusts proxies does not start.
    #[must_use]
    pub fn inspector(mut self, enabled: bool) -> Self {
        self.inspector = Some(enabled);
        self
    }
}

/// The name of the listener of widgets' pages.
const STAGE: &str = "stage";

/// An inspector whose server is not built yet.
pub(super) struct Inspection {
    log: Arc<EventLog>,
    address: SocketAddr,
    name: String,
    /// The people whom the program names.
    people: Option<Vec<String>>,
}

impl Inspection {
    /// Prepares the server for its inspector, if it has one.
    pub(super) fn begin(
        mut server: Server<ErasedHandler>,
        address: SocketAddr,
    ) -> Result<(Server<ErasedHandler>, Option<Self>), ConfigError> {
        let fault = not_of_this_machine(&server, address);
        match (server.inspector, fault) {
            (Some(false), _) | (None, Some(_)) => return Ok((server, None)),
            (None, None) if !cfg!(debug_assertions) => return Ok((server, None)),
            (Some(true), Some(fault)) => {
                let help = "leave `--inspector` and `Server::inspector(true)` out there";
                return Err(ConfigError::new(format!(
                    "the inspector is for this machine alone, and {fault}"
                ))
                .help(help));
            }
            (Some(true) | None, None) => {}
        }
        let log = Arc::new(EventLog::default());
        server.observers.push(Arc::<EventLog>::clone(&log));
        #[cfg(feature = "broker")]
        if let Some(config) = &mut server.broker {
            let configure = std::mem::replace(&mut config.configure, Box::new(|broker| broker));
            let client =
                KnownClient::new(CLIENT_ID, "the inspector").redirect_uri(redirect_uri(address));
            config.configure = Box::new(move |broker| configure(broker).client(client));
        }
        #[cfg(feature = "dev")]
        let people = server.dev.as_ref().map(|dev| dev.people().to_vec());
        #[cfg(not(feature = "dev"))]
        let people = None;
        let name = server.identity.name.clone();
        Ok((server, Some(Self { log, address, name, people })))
    }

    /// Gives the built server its inspector.
    pub(super) async fn attach(self, app: &mut Assembled) -> Result<Inspector> {
        let Self { log, address, name, people } = self;
        let is_development = cfg!(debug_assertions);
        let data_directory = data_directory(&name).filter(|_| is_development);
        let mut identity = app.dev_identity.take();
        let token = match (&data_directory, &mut identity) {
            (Some(directory), _) => PageToken::kept_in(directory),
            (None, Some(identity)) => {
                let random = PageToken::random();
                let kept = identity.page_token(|| random.as_str().to_owned());
                PageToken::parse(kept).unwrap_or(random)
            }
            (None, None) => PageToken::random(),
        };
        let inherited = identity.as_mut().and_then(|identity| identity.listener(STAGE));
        let listener = match inherited {
            Some(listener) => listener,
            None => GatedListener::local().await?,
        };
        let started_at = identity.as_deref().map(DevIdentity::started_at);
        app.dev_identity = identity;
        let shutdown = app.shutdown.clone();
        let stage = Stage::listen(listener, address.port(), Arc::clone(&log), shutdown.clone())?;
        let inspector = Inspector::new(InspectorConfig {
            token,
            log,
            dispatch: Arc::clone(&app.handler.dispatch),
            address,
            base: app.base.clone(),
            shutdown,
            access: access(app, people.is_some()),
            signer: signer(app, people.is_some()).filter(|_| is_development),
            people: people.unwrap_or_default(),
            is_development,
            started_at,
            data_directory,
            calls_directory: project_directory().join("calls"),
            stage,
            #[cfg(feature = "broker")]
            broker: app.broker.clone(),
        });
        inspector.sign_in_declared_people().await;
        let in_memory: Arc<dyn HandOver> = Arc::new(inspector.clone());
        app.states.push(("inspector".to_owned(), in_memory));
        app.inspector = Some(inspector.clone());
        Ok(inspector)
    }
}

/// The service of a listener whose exchanges the inspector shows, if there is one.
pub(super) fn inspected(app: &Assembled, service: ToolgateService) -> ToolgateService {
    let Some(inspector) = &app.inspector else { return service };
    inspector.set_service(Some(service.clone()));
    service.recorded_by(inspector.recorder())
}

/// Examines the server that would listen on `address`, and prints what was found. Returns whether it
/// has no fault.
pub(super) async fn examine(
    server: Server<ErasedHandler>,
    address: SocketAddr,
    format: OutputFormat,
) -> Result<bool> {
    let app = server.default_public_url(format!("http://{address}/")).build_for(None).await?;
    let patient = Patient {
        dispatch: &app.handler.dispatch,
        base: &app.base,
        #[cfg(feature = "broker")]
        broker: app.broker.as_ref(),
    };
    let checks = doctor::examine(&patient).await;
    print(&match format {
        OutputFormat::Table => doctor::report(&checks),
        OutputFormat::Json => serde_json::to_string_pretty(&checks)?,
    });
    Ok(!doctor::has_fault(&checks))
}

/// Why others may reach the server, if they may.
fn not_of_this_machine(server: &Server<ErasedHandler>, address: SocketAddr) -> Option<String> {
    if !address.ip().to_canonical().is_loopback() {
        return Some(format!("{address} is an address of others as well"));
    }
    let resource = server.gate.as_ref().and_then(|gate| gate.resource.as_deref());
    for url in [resource, server.public_url.as_deref()].into_iter().flatten() {
        if !Url::parse(url).is_ok_and(|url| is_loopback(&url)) {
            return Some(format!("this server is reached as {url}"));
        }
        // Its routes would be those of the inspector.
        if Url::parse(url).is_ok_and(|url| url.path().starts_with("/inspector")) {
            return Some(format!("{url} is below the path of the inspector"));
        }
    }
    if !server.trusted_proxies.is_empty() {
        return Some("this server trusts proxies".to_owned());
    }
    None
}

fn access(app: &Assembled, is_dev: bool) -> Access {
    if app.handler.dispatch.resource_server.is_none() {
        return Access::Open;
    }
    if is_dev {
        return Access::Dev;
    }
    #[cfg(feature = "broker")]
    if app.broker.is_some() {
        return Access::Broker;
    }
    Access::Outside
}

/// Who signs tokens for the inspector.
#[cfg_attr(
    not(feature = "dev"),
    allow(unused_variables, reason = "what is not compiled asks for it")
)]
fn signer(app: &Assembled, is_dev: bool) -> Option<Arc<dyn TokenSigner>> {
    #[cfg(feature = "dev")]
    if is_dev {
        return Some(Arc::new(DevSigner { resource: app.endpoint_url() }));
    }
    #[cfg(feature = "broker")]
    if let Some(broker) = &app.broker {
        return Some(Arc::new(BrokerSigner(broker.clone())));
    }
    None
}

/// Signs tokens with the broker's key.
#[cfg(feature = "broker")]
struct BrokerSigner(Broker);

#[cfg(feature = "broker")]
#[async_trait]
impl TokenSigner for BrokerSigner {
    async fn sign(&self, draft: TokenDraft) -> Result<String, String> {
        let whose = (&*draft.subject, &*draft.client, draft.sign_in.as_deref());
        let signed = self.0.sign_until(whose, (&draft.scopes, &[]), draft.expires_at).await;
        signed.map(|signed| signed.token).map_err(|error| error.to_string())
    }
}

/// Signs tokens of people who need no password.
#[cfg(feature = "dev")]
struct DevSigner {
    resource: String,
}

#[cfg(feature = "dev")]
#[async_trait]
impl TokenSigner for DevSigner {
    async fn sign(&self, draft: TokenDraft) -> Result<String, String> {
        let expires_at = draft.expires_at.duration_since(std::time::UNIX_EPOCH);
        let token = crate::dev::token(draft.subject)
            .audience(&self.resource)
            .scopes(draft.scopes.join(" "))
            .claim("client_id", draft.client)
            .claim("exp", expires_at.unwrap_or_default().as_secs());
        Ok(token.to_string())
    }
}

#[cfg(feature = "sqlite")]
fn data_directory(name: &str) -> Option<PathBuf> {
    crate::grant::data_directory(name).ok()
}

#[cfg(not(feature = "sqlite"))]
fn data_directory(_: &str) -> Option<PathBuf> {
    None
}

/// The directory of the program's crate where cargo runs it, and otherwise the current one.
fn project_directory() -> PathBuf {
    let of_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    of_cargo.or_else(|| std::env::current_dir().ok()).unwrap_or_default()
}
