//! The configuration of a broker.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use url::Url;

use super::{
    client::{Clients, KnownClient},
    documents::ClientDocuments,
    identity::UserEndpoint,
    limits::Limits,
    redirect::DEFAULT_SCHEMES,
    state::{Broker, BrokerState},
    step_up::memory::StepUpMemory,
    store::{signing_keys::SigningKeys, typed_store::TypedStore},
};
use crate::{
    browser::{authorization_flow::AuthorizationFlow, cookie::Cookies},
    client::http_client,
    error::ConfigError,
    grant::{Clock, Grants, Records, SystemClock},
    oauth::{RedirectUrl, UpstreamClient},
    provider::{OAuthClient, Provider, Registration},
    scope::OFFLINE,
    support::url::is_secure,
};

/// The default lifetime of an access token.
const ACCESS_TOKEN_TTL: Duration = Duration::from_secs(600);

/// Configures a [`Broker`]; [`Broker::builder`] creates it.
#[must_use]
pub struct BrokerBuilder {
    public_url: String,
    resource: String,
    registration: Registration,
    grants: Grants,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    user_endpoint: Option<(String, String)>,
    bare_subjects: bool,
    default_scopes: Vec<String>,
    clients: Vec<KnownClient>,
    schemes: Vec<String>,
    access_token_ttl: Duration,
    browser_clients: bool,
    loopback_documents: bool,
    accounts: Option<&'static str>,
    server_name: Option<String>,
}

impl BrokerBuilder {
    /// As [`Broker::builder`], where the provider's type is not known.
    pub(crate) fn new(
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
            user_endpoint: None,
            bare_subjects: false,
            default_scopes: Vec::new(),
            clients: Vec::new(),
            schemes: DEFAULT_SCHEMES.map(str::to_owned).to_vec(),
            access_token_ttl: ACCESS_TOKEN_TTL,
            browser_clients: false,
            loopback_documents: false,
            accounts: None,
            server_name: None,
        }
    }

    /// Sets how the provider identifies a person: a path of its API, requested with the person's
    /// token, and the member of the answer (or a JSON pointer to it) that never changes and is never
    /// assigned to another person. GitHub: `.user("/user", "id")`. Do not use a name that people can
    /// change.
    ///
    /// The subject of the tokens is `PROVIDER:MEMBER`, as in `github:583231`.
    pub fn user(mut self, path: impl Into<String>, member: impl Into<String>) -> Self {
        self.user_endpoint = Some((path.into(), member.into()));
        self
    }

    /// Uses the provider's identifier as the subject, without the provider's name.
    #[cfg(feature = "dev")]
    pub(crate) fn bare_subjects(mut self) -> Self {
        self.bare_subjects = true;
        self
    }

    /// Sets the name of the server that people read. The default is its host.
    pub(crate) fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }

    /// Sets the path of the page on which people disconnect accounts.
    pub(crate) fn accounts(mut self, path: &'static str) -> Self {
        self.accounts = Some(path);
        self
    }

    /// Sets the scopes of a client that requests none; by default it gets none, and learns only who
    /// the person is. The metadata document lists them. `offline_access` is ignored: whether there
    /// are refresh tokens does not depend on the request.
    pub fn default_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.default_scopes =
            scopes.into_iter().map(Into::into).filter(|scope| scope != OFFLINE).collect();
        self
    }

    /// Registers a client. Others register themselves or publish their metadata.
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

    /// Sets the lifetime of access tokens: ten minutes by default, an hour at most. They cannot be
    /// revoked.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Self {
        self.access_token_ttl = ttl;
        self
    }

    /// Allows scripts of web pages to read the metadata, register, and fetch tokens (CORS, without
    /// cookies), for clients that run in a browser.
    pub fn browser_clients(mut self) -> Self {
        self.browser_clients = true;
        self
    }

    /// Sets the clock. The store has its own: give it the same one.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Fetches clients' metadata documents from this machine as well, and over plain http. Only for
    /// tests, because strangers choose what is fetched.
    #[cfg(any(test, feature = "testing"))]
    pub fn loopback_documents(mut self) -> Self {
        self.loopback_documents = true;
        self
    }

    /// Builds the broker.
    ///
    /// # Errors
    ///
    /// A URL is malformed, or not https (except on loopback); [`user`](Self::user) was not called; a
    /// scope is not in the provider's catalogue; a client has no valid redirect URI.
    pub fn build(self) -> Result<Broker, ConfigError> {
        let public = check("public URL", &self.public_url)?;
        if public.query().is_some() {
            return Err(ConfigError::new(format!(
                "the broker's public URL has a query: `{}`",
                self.public_url
            )));
        }
        let resource = check("resource", &self.resource)?;
        // Not normalised, because clients compare it letter by letter.
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
        let Some((path, member)) = &self.user_endpoint else {
            return Err(ConfigError::new("the broker does not know how the provider identifies a person")
                .help("say it with `.user(\"/user\", \"id\")`: a path of its API, and a member of the answer"));
        };
        if self.access_token_ttl < Duration::from_secs(30)
            || self.access_token_ttl > Duration::from_secs(3600)
        {
            return Err(ConfigError::new("an access token lives from 30 seconds to an hour")
                .help("it cannot be revoked, so keep it short"));
        }
        let http = http_client()
            .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))?;
        let user_endpoint = UserEndpoint::new(
            &self.registration.api,
            path,
            member,
            (!self.bare_subjects).then_some(self.registration.id),
            http.clone(),
        )?;
        let mut known = HashMap::new();
        for client in self.clients {
            client.check(&self.schemes)?;
            let id = client.id().to_owned();
            if known.insert(id.clone(), client).is_some() {
                return Err(ConfigError::new(format!("the client `{id}` is registered twice")));
            }
        }
        let records = TypedStore::new(self.records);
        let prefix = public.path().trim_end_matches('/').to_owned();
        let callback = RedirectUrl::new(format!("{issuer}/callback/{}", self.registration.id))
            .expect("a URL with a path");
        let host = match resource.port() {
            Some(port) => format!("{}:{port}", resource.host_str().unwrap_or_default()),
            None => resource.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Broker(Arc::new(BrokerState {
            oauth: UpstreamClient::new(self.registration, http)?,
            user_endpoint,
            documents: ClientDocuments::new(
                self.loopback_documents,
                self.schemes.clone(),
                Arc::clone(&self.clock),
            )?,
            clients: Clients { records: records.clone(), known },
            keys: SigningKeys::new(records.clone(), Arc::clone(&self.clock), self.access_token_ttl),
            limits: Limits::new(&self.clock),
            cookies: Cookies::new(public.scheme() == "https"),
            origin: public.origin().ascii_serialization(),
            root: format!("{prefix}/oauth"),
            accounts: self.accounts,
            prefix,
            issuer,
            callback,
            resource: self.resource,
            name: self.server_name.unwrap_or_else(|| host.clone()),
            host,
            default_scopes: self.default_scopes,
            schemes: self.schemes,
            access_token_ttl: self.access_token_ttl,
            browser_clients: self.browser_clients,
            grants: self.grants,
            flow: AuthorizationFlow::new(records.clone(), Arc::clone(&self.clock)),
            step_ups: StepUpMemory::default(),
            records,
            clock: self.clock,
        })))
    }
}

fn check(what: &str, text: &str) -> Result<Url, ConfigError> {
    let fault = |why: String| ConfigError::new(format!("the broker's {what} {why}: `{text}`"));
    let url = Url::parse(text).map_err(|error| fault(format!("is not a URL ({error})")))?;
    if !is_secure(&url) {
        return Err(fault("must be https".to_owned()).help(
            "tokens are made for it; plain http is accepted for 127.0.0.1, [::1] and localhost",
        ));
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new(format!("the broker's {what} has a fragment or a user")));
    }
    Ok(url)
}

impl Broker {
    /// Starts to configure a broker that is reached at `public_url`, which is its issuer identifier,
    /// and that issues tokens for `resource`, the URL of the MCP endpoint. The provider knows it as
    /// `client`, which must have the redirect URI `PUBLIC_URL/callback/PROVIDER`.
    ///
    /// `records` may be the store of `grants`: [`MemoryStore`](crate::grant::MemoryStore) and
    /// `SqliteStore` are both.
    pub fn builder<P: Provider>(
        public_url: impl Into<String>,
        resource: impl Into<String>,
        client: OAuthClient<P>,
        grants: Grants,
        records: Arc<dyn Records>,
    ) -> BrokerBuilder {
        let registration = client.registration;
        BrokerBuilder::new(public_url.into(), resource.into(), registration, grants, records)
    }
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
