//! How a broker is set up.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use url::Url;

use super::{
    Broker, Inner,
    client::{Clients, KnownClient},
    cookie::Cookies,
    documents::Documents,
    identity::Whois,
    limits::Limits,
    redirect::KNOWN_SCHEMES,
    store::{keys::Keys, typed_store::Shelf},
};
use crate::{
    client::http_client,
    error::ConfigError,
    grant::{Clock, Grants, Records, SystemClock},
    oauth::{RedirectUrl, UpstreamClient},
    provider::{Registration, is_loopback},
    scope::OFFLINE,
};

/// How long an access token lives if nothing else is said.
const LIFE: Duration = Duration::from_secs(600);

/// Sets up a [`Broker`]; [`Broker::builder`] makes it.
#[must_use]
pub struct BrokerBuilder {
    public_url: String,
    resource: String,
    registration: Registration,
    grants: Grants,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    whois: Option<(String, String)>,
    bare_subjects: bool,
    default_scopes: Vec<String>,
    clients: Vec<KnownClient>,
    schemes: Vec<String>,
    life: Duration,
    browser_clients: bool,
    loopback_documents: bool,
    accounts: Option<&'static str>,
}

impl BrokerBuilder {
    /// A broker whose provider is a value.
    pub(crate) fn of(
        public_url: String,
        resource: String,
        registration: Registration,
        grants: Grants,
        records: Arc<dyn Records>,
    ) -> Self {
        Self {
            public_url,
            resource,
            registration,
            grants,
            records,
            clock: Arc::new(SystemClock),
            whois: None,
            bare_subjects: false,
            default_scopes: Vec::new(),
            clients: Vec::new(),
            schemes: KNOWN_SCHEMES.map(str::to_owned).to_vec(),
            life: LIFE,
            browser_clients: false,
            loopback_documents: false,
            accounts: None,
        }
    }

    /// Says how the provider identifies a person: a path of its API, asked with the person's token,
    /// and the member of the answer (or a JSON pointer to it) that never changes and is never given
    /// to another person. GitHub: `.user("/user", "id")`. A name that people can change is not one.
    ///
    /// The subject of all that follows is `PROVIDER:MEMBER`, as in `github:583231`.
    pub fn user(mut self, path: impl Into<String>, member: impl Into<String>) -> Self {
        self.whois = Some((path.into(), member.into()));
        self
    }

    /// Takes what the provider calls a person for the subject as it is.
    #[cfg(feature = "dev")]
    pub(crate) fn bare_subjects(mut self) -> Self {
        self.bare_subjects = true;
        self
    }

    /// Says where people see what they have connected, and disconnect it.
    pub(crate) fn accounts(mut self, path: &'static str) -> Self {
        self.accounts = Some(path);
        self
    }

    /// What a client gets that asks for no scope in particular; nothing but the person's identity
    /// if this is not said. The metadata document lists them. `offline_access` is left out: whether
    /// there are refresh tokens is not for clients to say.
    pub fn default_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.default_scopes =
            scopes.into_iter().map(Into::into).filter(|scope| scope != OFFLINE).collect();
        self
    }

    /// Registers a client by hand. Others register themselves or publish their metadata.
    pub fn client(mut self, client: KnownClient) -> Self {
        self.clients.push(client);
        self
    }

    /// Allows redirect URIs with this private-use scheme, such as `my-editor`.
    ///
    /// Reversed domain names (`com.example.app`) are always allowed, and so are the schemes of
    /// Cursor, VS Code and Windsurf.
    pub fn redirect_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.schemes.push(scheme.into());
        self
    }

    /// How long an access token lives: ten minutes if this is not said, an hour at most. It cannot
    /// be revoked before.
    pub fn access_token_life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Lets scripts of web pages read the metadata, register, and fetch tokens (CORS, without
    /// cookies): for clients that run in a browser.
    pub fn browser_clients(mut self) -> Self {
        self.browser_clients = true;
        self
    }

    /// Takes the time from `clock`. The store has a clock of its own: give it the same.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Fetches clients' metadata documents from this machine as well, and by plain http: for tests
    /// alone, because strangers say what is fetched.
    #[cfg(any(test, feature = "testing"))]
    pub fn loopback_documents(mut self) -> Self {
        self.loopback_documents = true;
        self
    }

    /// The broker.
    ///
    /// # Errors
    ///
    /// A URL is none, or not https (loopback excepted); [`user`](Self::user) was not said; a scope
    /// is not in the provider's catalogue; a client has no redirect URI that is allowed.
    pub fn build(self) -> Result<Broker, ConfigError> {
        let public = check("public URL", &self.public_url)?;
        if public.query().is_some() {
            return Err(ConfigError::new(format!(
                "the broker's public URL has a query: `{}`",
                self.public_url
            )));
        }
        let resource = check("resource", &self.resource)?;
        // As it is written: what clients compare must not change.
        let issuer = self.public_url.trim_end_matches('/').to_owned();
        let catalogue = self.registration.catalogue;
        if let Some(unknown) = self
            .default_scopes
            .iter()
            .find(|scope| catalogue.iter().all(|known| known.name != **scope))
        {
            let name = self.registration.name;
            return Err(ConfigError::new(format!("`{name}` has no scope `{unknown}`"))
                .help("default scopes are scopes of the provider's catalogue"));
        }
        let Some((path, member)) = &self.whois else {
            return Err(ConfigError::new("the broker does not know how the provider identifies a person")
                .help("say it with `.user(\"/user\", \"id\")`: a path of its API, and a member of the answer"));
        };
        if self.life < Duration::from_secs(30) || self.life > Duration::from_secs(3600) {
            return Err(ConfigError::new("an access token lives from 30 seconds to an hour")
                .help("it cannot be revoked, so keep it short"));
        }
        let whois = Whois::new(&self.registration.api, path, member)?;
        let mut known = HashMap::new();
        for client in self.clients {
            client.check(&self.schemes)?;
            let id = client.id().to_owned();
            if known.insert(id.clone(), client).is_some() {
                return Err(ConfigError::new(format!("the client `{id}` is registered twice")));
            }
        }
        let http = http_client()
            .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))?;
        let records = Shelf::new(self.records);
        let prefix = public.path().trim_end_matches('/').to_owned();
        let callback = RedirectUrl::new(format!("{issuer}/callback/{}", self.registration.id))
            .expect("a URL with a path");
        let name = match resource.port() {
            Some(port) => format!("{}:{port}", resource.host_str().unwrap_or_default()),
            None => resource.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Broker(Arc::new(Inner {
            oauth: UpstreamClient::new(self.registration, http.clone())?,
            http,
            whois,
            bare_subjects: self.bare_subjects,
            documents: Documents::new(
                self.loopback_documents,
                self.schemes.clone(),
                Arc::clone(&self.clock),
            )?,
            clients: Clients { shelf: records.clone(), known },
            keys: Keys::new(records.clone(), Arc::clone(&self.clock), self.life),
            limits: Limits::new(&self.clock),
            cookies: Cookies::new(public.scheme() == "https"),
            origin: public.origin().ascii_serialization(),
            root: format!("{prefix}/oauth"),
            accounts: self.accounts,
            prefix,
            issuer,
            callback,
            resource: self.resource,
            name,
            default_scopes: self.default_scopes,
            schemes: self.schemes,
            life: self.life,
            browser_clients: self.browser_clients,
            grants: self.grants,
            shelf: records,
            clock: self.clock,
        })))
    }
}

fn check(what: &str, text: &str) -> Result<Url, ConfigError> {
    let fault = |why: String| ConfigError::new(format!("the broker's {what} {why}: `{text}`"));
    let url = Url::parse(text).map_err(|error| fault(format!("is not a URL ({error})")))?;
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        return Err(fault("must be https".to_owned()).help(
            "tokens are made for it; plain http is accepted for 127.0.0.1, [::1] and localhost",
        ));
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new(format!("the broker's {what} has a fragment or a user")));
    }
    Ok(url)
}

impl fmt::Debug for BrokerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerBuilder")
            .field("public_url", &self.public_url)
            .field("resource", &self.resource)
            .field("provider", &self.registration.name)
            .finish_non_exhaustive()
    }
}
