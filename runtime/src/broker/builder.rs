//! The configuration of a broker.

mod build;

use std::{fmt, sync::Arc, time::Duration};

use futures::FutureExt;

use super::{
    admission::{ADMISSION_TTL, Admit, Person},
    client::KnownClient,
    identity_provider::IdentityProvider,
    limits::MAX_REQUESTS_PER_MINUTE,
    state::Broker,
    store::{refresh_tokens::REUSE_INTERVAL, typed_store::MAX_PEOPLE},
};
use crate::{
    error::Error,
    grant::{Clock, Grants, Records, SystemClock},
    provider::{OAuthClient, Provider, Registration},
    scope::OFFLINE,
    trace::Tracer,
};

/// The default lifetime of an access token.
const ACCESS_TOKEN_TTL: Duration = Duration::from_secs(600);

/// Configures a [`Broker`]; [`Broker::builder`] creates it.
#[must_use]
pub struct BrokerBuilder {
    public_url: String,
    resource: String,
    other_resources: Vec<String>,
    registration: Registration,
    grants: Grants,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    tracer: Tracer,
    user_endpoint: Option<(String, String)>,
    bare_subjects: bool,
    default_scopes: Vec<String>,
    sign_in_scopes: Vec<String>,
    admit: Option<Arc<Admit>>,
    admission_ttl: Duration,
    clients: Vec<KnownClient>,
    identity_providers: Vec<IdentityProvider>,
    access_token_ttl: Duration,
    refresh_token_reuse_interval: Duration,
    client_metadata_documents: Option<bool>,
    max_people: usize,
    max_requests_per_minute: u32,
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
            other_resources: Vec::new(),
            registration,
            grants,
            records,
            clock: Arc::new(SystemClock),
            tracer: Tracer::default(),
            user_endpoint: None,
            bare_subjects: false,
            default_scopes: Vec::new(),
            sign_in_scopes: Vec::new(),
            admit: None,
            admission_ttl: ADMISSION_TTL,
            clients: Vec::new(),
            identity_providers: Vec::new(),
            access_token_ttl: ACCESS_TOKEN_TTL,
            refresh_token_reuse_interval: REUSE_INTERVAL,
            client_metadata_documents: None,
            max_people: MAX_PEOPLE,
            max_requests_per_minute: MAX_REQUESTS_PER_MINUTE,
            browser_clients: false,
            loopback_documents: false,
            accounts: None,
            server_name: None,
        }
    }

    /// Sets the observers of the server.
    pub(crate) fn tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Sets how the provider identifies a person: a path of its API, requested with the person's
    /// token, and the member of the answer (or a JSON pointer to it) that never changes and is never
    /// assigned to another person. GitHub: `.user("/user", "id")`. Do not use a name that people can
    /// change. If the provider's [account endpoint](crate::provider::AccountEndpoint) has this path
    /// and a body, the request is the same POST.
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

    /// Sets the URLs of further endpoints of the server, which clients may name in place of the
    /// resource.
    pub(crate) fn other_resources(mut self, resources: Vec<String>) -> Self {
        self.other_resources = resources;
        self
    }

    /// Sets the path of the page on which people disconnect accounts.
    pub(crate) fn accounts(mut self, path: &'static str) -> Self {
        self.accounts = Some(path);
        self
    }

    /// Sets the scopes of a client that requests none, or none that there is. The metadata document
    /// and the answer to a registration list them. In a [`Server`](crate::Server) they are those of
    /// the tools that only read, as in the challenge; otherwise such a client gets none, and learns
    /// only who the person is. `offline_access` is ignored: whether there are refresh tokens does not
    /// depend on the request.
    pub fn default_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.default_scopes =
            scopes.into_iter().map(Into::into).filter(|scope| scope != OFFLINE).collect();
        self
    }

    /// Decides who may sign in; without this everybody with an account at the provider may. `admit`
    /// gets the person, whom the provider has identified, with a client that is authorized as the
    /// person. It is asked at each sign-in, and again at the first refresh after
    /// [`admission_ttl`](Self::admission_ttl), so who leaves is signed out within that time and the
    /// lifetime of an access token.
    ///
    /// Where it returns `false`, a page says so, with a link back to the application, which gets
    /// `access_denied`. Nothing of the person is kept. An error is logged and refuses too; at a
    /// refresh the application is asked to try again later.
    ///
    /// ```
    /// # use toolgate::{broker::BrokerBuilder, prelude::*};
    /// # #[provider(api = "https://api.github.com", authorize = "https://a.example/a", token = "https://a.example/t")]
    /// # pub enum GitHub {
    /// #     /// Reads.
    /// #     #[scope("read:org", access = read)]
    /// #     ReadOrg,
    /// # }
    /// # #[derive(serde::Deserialize)]
    /// # struct Organization { login: String }
    /// # fn configure(broker: BrokerBuilder) -> BrokerBuilder {
    /// broker.user("/user", "id").sign_in_scopes(["read:org"]).admit(async |person| {
    ///     let orgs = person.client::<GitHub>()?.get("/user/orgs").paginate();
    ///     let orgs: Vec<Organization> = orgs.take_up_to(1000).await?;
    ///     Ok(orgs.iter().any(|org| org.login == "acme"))
    /// })
    /// # }
    /// ```
    pub fn admit<F, Fut>(mut self, admit: F) -> Self
    where
        F: Fn(Person) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool, Error>> + Send + 'static,
    {
        self.admit = Some(Arc::new(move |person| admit(person).boxed()));
        self
    }

    /// Sets scopes that are asked of the provider at every sign-in, besides those that the
    /// application requests, such as one that [`admit`](Self::admit) needs. The application does not
    /// get them.
    pub fn sign_in_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.sign_in_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how long a decision of [`admit`](Self::admit) is good: an hour by default, a day at most.
    pub fn admission_ttl(mut self, ttl: Duration) -> Self {
        self.admission_ttl = ttl;
        self
    }

    /// Registers a client. Others register themselves or publish their metadata.
    pub fn client(mut self, client: KnownClient) -> Self {
        self.clients.push(client);
        self
    }

    /// Sets whether clients may identify themselves by the URL of a metadata document. The default is
    /// `true`, unless the public URL is of this machine: such a server may have no way out, and
    /// clients register instead. With `false` such a client is unknown.
    pub fn client_metadata_documents(mut self, enabled: bool) -> Self {
        self.client_metadata_documents = Some(enabled);
        self
    }

    /// Accepts identity assertions of an organization's identity provider (ID-JAG; MCP,
    /// Enterprise-Managed Authorization): an application that signed a person in there gets an access
    /// token of the broker without a browser. The token has the scopes that are in the assertion and
    /// requested, and no refresh token. Accounts at the provider are connected as ever.
    ///
    /// ```
    /// # use toolgate::broker::{BrokerBuilder, IdentityProvider};
    /// # fn configure(broker: BrokerBuilder) -> BrokerBuilder {
    /// broker.user("/user", "id").identity_provider(IdentityProvider::new(
    ///     "https://acme.idp.example",
    ///     |assertion| Some(assertion.claim("github_id")?.as_u64()?.to_string()),
    /// ))
    /// # }
    /// ```
    pub fn identity_provider(mut self, provider: IdentityProvider) -> Self {
        self.identity_providers.push(provider);
        self
    }

    /// Sets the lifetime of access tokens: ten minutes by default, an hour at most. They cannot be
    /// revoked.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Self {
        self.access_token_ttl = ttl;
        self
    }

    /// Sets how long the refresh token of a public client stays good after its successor was used: ten
    /// minutes by default, a day at most. Until the successor is used it stays good in any case,
    /// because hosts lose answers, and run in several processes. A use after that revokes all tokens
    /// of the sign-in (OAuth 2.1 §4.3.1). The token of a client with a secret or a key does not
    /// change.
    pub fn refresh_token_reuse_interval(mut self, interval: Duration) -> Self {
        self.refresh_token_reuse_interval = interval;
        self
    }

    /// Sets of how many people records are kept: a million by default. Beyond, the least recently
    /// seen are signed out. There is room for four sign-ins, sessions and remembered consents for
    /// each of them on average; one person has at most 64 sign-ins, 32 sessions and 64 consents.
    pub fn max_people(mut self, max: usize) -> Self {
        self.max_people = max;
        self
    }

    /// Sets how many requests of a kind all clients together may send in a minute: registrations,
    /// authorizations, and, a third of it, fetches of documents of clients that nobody uses yet. The
    /// default is 1500. One address may send 10, 30 and 10, and a site of IPv6 eight times as many,
    /// but no more than a quarter of the total.
    pub fn max_requests_per_minute(mut self, max: u32) -> Self {
        self.max_requests_per_minute = max;
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

    /// Fetches clients' metadata documents from this machine as well, and over plain http, and offers
    /// them. Only for tests, because strangers choose what is fetched.
    #[cfg(any(test, feature = "testing"))]
    pub fn loopback_documents(mut self) -> Self {
        self.loopback_documents = true;
        self.client_metadata_documents(true)
    }
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
