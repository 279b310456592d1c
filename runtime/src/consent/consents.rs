//! The consents that are under way, by the id of their link.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use tokio::sync::watch;
use url::Url;

use crate::{
    browser::{
        CALLBACK_PATH, CONNECT_PATH, authenticator::BrowserAuthenticator,
        authorization_flow::AuthorizationFlow, cookie::Cookies,
        pending_authorization::PendingInGrantStore, request_limit::RequestLimit, site::Site,
    },
    gate::LOCAL_SUBJECT,
    grant::{Clock, Grants},
    oauth::{RedirectUrl, UpstreamClient},
    support::{crypto, rate_limit::RateLimit},
    trace::{EventKind, Span, SpanId, Tracer},
};

/// How long a link is valid.
const LINK_TTL: Duration = Duration::from_secs(600);

/// The most consents that one subject may have under way.
const MAX_CONSENTS_PER_SUBJECT: usize = 16;

/// How often one subject may open links in a minute.
const CONNECTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("it is not zero");

/// How many of them may be at once.
const CONNECT_BURST: NonZeroU32 = NonZeroU32::new(60).expect("it is not zero");

/// The consents under way, and what is needed to complete them.
#[derive(Clone)]
pub(crate) struct Consents(Arc<ConsentsState>);

/// What [`Consents`] are built from.
pub(crate) struct ConsentsConfig {
    pub(crate) grants: Grants,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) providers: Vec<UpstreamClient>,
    /// Where browsers reach this server.
    pub(crate) base: Url,
    /// What its pages show of it.
    pub(crate) site: Arc<Site>,
    /// `None`: everyone who reaches this server is the local person.
    pub(crate) authenticator: Option<Arc<dyn BrowserAuthenticator>>,
    /// The limit of requests that send a browser away.
    pub(crate) limit: Arc<RequestLimit>,
    /// Whether the page of accounts is served: not by a listener that ends with the last consent.
    pub(crate) has_accounts: bool,
    /// Whether an account may be used only through the clients that its person let use it.
    pub(crate) binds_clients: bool,
    pub(crate) tracer: Tracer,
}

struct ConsentsState {
    grants: Grants,
    clock: Arc<dyn Clock>,
    providers: HashMap<&'static str, UpstreamClient>,
    base: RwLock<Url>,
    site: Arc<Site>,
    open: Mutex<HashMap<String, OpenConsent>>,
    authenticator: Option<Arc<dyn BrowserAuthenticator>>,
    flow: AuthorizationFlow,
    limit: Arc<RequestLimit>,
    connects: RateLimit<String>,
    has_accounts: bool,
    binds_clients: bool,
    tracer: Tracer,
}

/// A consent whose link is valid.
#[derive(Clone)]
pub(super) struct OpenConsent {
    pub(super) subject: String,
    /// The client that the grant is bound to.
    pub(super) client: Option<String>,
    pub(super) provider: &'static str,
    /// The scopes that the waiting call needs.
    pub(super) needed: Vec<String>,
    /// The scopes to request: those, and the ones that were granted before.
    pub(super) asked: Vec<String>,
    expires_at: SystemTime,
    /// The call that asked for it.
    cause: Option<SpanId>,
    progress: watch::Sender<Progress>,
}

/// Whose consent is asked for.
#[derive(Clone, Copy)]
pub(crate) struct ConsentOwner<'a> {
    pub(crate) subject: &'a str,
    /// The client that called, where grants are bound to clients.
    pub(crate) client: Option<&'a str>,
}

/// How far a consent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The link was not opened yet.
    Waiting,
    /// A browser was sent to the provider.
    Opened,
    /// There is a grant; these of the needed scopes were withheld.
    Granted { withheld: Vec<String> },
    /// It failed. `by_us`: only the operator can mend that.
    Refused { reason: String, by_us: bool },
}

impl OpenConsent {
    fn is_of(&self, owner: ConsentOwner<'_>) -> bool {
        self.subject == owner.subject && self.client.as_deref() == owner.client
    }
}

impl Progress {
    fn has_ended(&self) -> bool {
        matches!(self, Self::Granted { .. } | Self::Refused { .. })
    }
}

/// A link to open.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) url: String,
    /// The same link was given out before.
    pub(crate) again: bool,
}

impl Consents {
    pub(crate) fn new(config: ConsentsConfig) -> Self {
        let ConsentsConfig { grants, clock, providers, base, site, authenticator, .. } = config;
        let ConsentsConfig { limit, has_accounts, binds_clients, tracer, .. } = config;
        let providers = providers.into_iter().map(|oauth| (oauth.registration.id, oauth)).collect();
        let store = PendingInGrantStore { store: Arc::clone(grants.store()), prefix: "consent" };
        Self(Arc::new(ConsentsState {
            flow: AuthorizationFlow::new(store, Arc::clone(&clock)),
            connects: RateLimit::per_minute(CONNECTS_PER_MINUTE, CONNECT_BURST, &clock),
            grants,
            clock,
            providers,
            base: RwLock::new(base),
            site,
            open: Mutex::default(),
            authenticator,
            limit,
            has_accounts,
            binds_clients,
            tracer,
        }))
    }

    /// Sets where browsers reach this server from now on.
    pub(crate) fn set_base(&self, base: Url) {
        *self.0.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    /// Returns a link under which `owner` connects `provider` with the scopes `needed`. The
    /// scopes `granted` before are requested again, as far as the catalogue has them: a provider
    /// may grant scopes that cannot be requested. A link for the same that is still valid is
    /// returned again. `call`: the span of the call that asks.
    pub(crate) fn begin(
        &self,
        owner: ConsentOwner<'_>,
        provider: &'static str,
        needed: &[&str],
        granted: &BTreeSet<String>,
        call: &Span,
    ) -> Link {
        let (link, scopes) = self.find_or_make(owner, provider, (needed, granted), call);
        if !link.again {
            let scopes = scopes[..].into();
            self.span(&link.id).emit(|| EventKind::LinkMade { provider, scopes });
        }
        link
    }

    /// The link, and the scopes to request.
    fn find_or_make(
        &self,
        owner: ConsentOwner<'_>,
        provider: &'static str,
        (needed, granted): (&[&str], &BTreeSet<String>),
        call: &Span,
    ) -> (Link, Vec<String>) {
        let now = self.now();
        let needed: Vec<String> = needed.iter().map(|&scope| scope.to_owned()).collect();
        let catalogue =
            self.0.providers.get(provider).map_or(&[][..], |p| p.registration.catalogue);
        let known = |scope: &&String| catalogue.iter().any(|known| known.name == **scope);
        let mut asked: Vec<String> = granted.iter().filter(known).cloned().collect();
        asked.extend(needed.iter().filter(|scope| !granted.contains(*scope)).cloned());

        let mut open = self.open();
        open.retain(|_, consent| consent.expires_at > now);
        let same = open.iter().find(|(_, consent)| {
            consent.is_of(owner)
                && consent.provider == provider
                && consent.asked == asked
                && consent.needed == needed
                && !consent.progress.borrow().has_ended()
        });
        if let Some((id, _)) = same {
            return (self.link(id, true), asked);
        }
        let of_subject = open.iter().filter(|(_, consent)| consent.subject == owner.subject);
        if of_subject.clone().count() >= MAX_CONSENTS_PER_SUBJECT {
            let oldest =
                of_subject.min_by_key(|(_, consent)| consent.expires_at).map(|(id, _)| id.clone());
            oldest.map(|id| open.remove(&id));
        }
        let id = crypto::random_token();
        let consent = OpenConsent {
            subject: owner.subject.to_owned(),
            client: owner.client.map(str::to_owned),
            provider,
            needed,
            asked: asked.clone(),
            expires_at: now + LINK_TTL,
            cause: call.id(),
            progress: watch::Sender::new(Progress::Waiting),
        };
        open.insert(id.clone(), consent);
        (self.link(&id, false), asked)
    }

    /// The span of a consent.
    pub(crate) fn span(&self, id: &str) -> Span {
        let span = self.0.tracer.span_of(id);
        if !span.is_observed() {
            return span;
        }
        let cause = self.open().get(id).and_then(|consent| consent.cause);
        span.caused_by(cause)
    }

    /// The span of a request that belongs to no consent.
    pub(super) fn new_span(&self) -> Span {
        self.0.tracer.span()
    }

    /// Waits until the consent has ended, for `timeout` at most, and returns how far it is.
    ///
    /// `None`: the link is no longer valid.
    pub(crate) async fn wait(&self, id: &str, timeout: Duration) -> Option<Progress> {
        let mut progress = self.open().get(id)?.progress.subscribe();
        // After a timeout, and when the consent was removed, the last progress is still there.
        let _ = tokio::time::timeout(timeout, progress.wait_for(Progress::has_ended)).await;
        let seen = progress.borrow().clone();
        Some(seen)
    }

    /// How far the consent is.
    pub(crate) fn progress(&self, id: &str) -> Option<Progress> {
        Some(self.open().get(id)?.progress.borrow().clone())
    }

    /// Removes a consent whose end was reported.
    pub(crate) fn forget(&self, id: &str) {
        self.open().remove(id);
    }

    /// Removes and returns the end of such a consent that no call waited for, if the caller has
    /// to know of it: scopes were withheld, or only the operator can mend it.
    pub(crate) fn ended(
        &self,
        owner: ConsentOwner<'_>,
        provider: &str,
        needed: &[&str],
    ) -> Option<Progress> {
        let mut open = self.open();
        let (id, progress) = open.iter().find_map(|(id, consent)| {
            let progress = consent.progress.borrow().clone();
            let matters = match &progress {
                Progress::Granted { withheld } => !withheld.is_empty(),
                Progress::Refused { by_us, .. } => *by_us,
                _ => false,
            };
            let same = consent.is_of(owner)
                && consent.provider == provider
                && consent.needed == needed
                && consent.expires_at > self.now();
            (matters && same).then(|| (id.clone(), progress))
        })?;
        open.remove(&id);
        Some(progress)
    }

    /// Whether a link is valid that was not used to the end.
    pub(crate) fn any_open(&self) -> bool {
        let now = self.now();
        self.open()
            .values()
            .any(|consent| consent.expires_at > now && !consent.progress.borrow().has_ended())
    }

    /// The consent with this id, if its link can be opened.
    pub(super) fn openable(&self, id: &str) -> Option<OpenConsent> {
        let now = self.now();
        let open = self.open();
        let consent = open.get(id).filter(|consent| consent.expires_at > now)?;
        let can_be_opened = !consent.progress.borrow().has_ended();
        can_be_opened.then(|| consent.clone())
    }

    /// Reports how far a consent is. What has ended does not begin again: a second tab may be late.
    pub(super) fn report(&self, id: &str, progress: Progress) {
        if let Some(consent) = self.open().get(id) {
            consent.progress.send_if_modified(|current| {
                let changes = !current.has_ended();
                if changes {
                    *current = progress;
                }
                changes
            });
        }
    }

    fn link(&self, id: &str, again: bool) -> Link {
        let url = self.url(&format!("{CONNECT_PATH}/{id}"));
        Link { id: id.to_owned(), url, again }
    }

    /// The URL of a path of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{}", self.base().as_str().trim_end_matches('/'), path.trim_start_matches('/'))
    }

    /// The same path as browsers see it, which begins with that of the server's URL.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base().path().trim_end_matches('/'))
    }

    /// The redirect URI at `provider`.
    pub(super) fn callback_url(&self, provider: &str) -> RedirectUrl {
        let url = self.url(&format!("{CALLBACK_PATH}/{provider}"));
        RedirectUrl::new(url).expect("a URL with a path")
    }

    /// The origin of this server's pages.
    pub(super) fn origin(&self) -> String {
        self.base().origin().ascii_serialization()
    }

    pub(super) fn is_https(&self) -> bool {
        self.base().scheme() == "https"
    }

    pub(super) fn cookies(&self) -> Cookies {
        Cookies::at(&self.base())
    }

    /// The person who uses this browser; `None` where nobody is signed in.
    pub(crate) async fn subject(&self, headers: &HeaderMap) -> Result<Option<String>, String> {
        match &self.0.authenticator {
            Some(authenticator) => authenticator.subject(headers, self.is_https()).await,
            None => Ok(Some(LOCAL_SUBJECT.to_owned())),
        }
    }

    pub(crate) fn authenticator(&self) -> Option<&Arc<dyn BrowserAuthenticator>> {
        self.0.authenticator.as_ref()
    }

    pub(super) fn provider(&self, id: &str) -> Option<&UpstreamClient> {
        self.0.providers.get(id)
    }

    pub(super) fn providers(&self) -> impl Iterator<Item = &UpstreamClient> {
        self.0.providers.values()
    }

    pub(crate) fn has_providers(&self) -> bool {
        !self.0.providers.is_empty()
    }

    pub(super) fn grants(&self) -> &Grants {
        &self.0.grants
    }

    pub(super) fn flow(&self) -> &AuthorizationFlow {
        &self.0.flow
    }

    /// The limit of requests by address.
    pub(super) fn limit(&self) -> &RequestLimit {
        &self.0.limit
    }

    /// The limit of links that one subject opens.
    pub(super) fn connects(&self) -> &RateLimit<String> {
        &self.0.connects
    }

    pub(super) fn binds_clients(&self) -> bool {
        self.0.binds_clients
    }

    /// What the pages of this server show of it.
    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.0.site
    }

    pub(crate) fn has_accounts(&self) -> bool {
        self.0.has_accounts
    }

    pub(super) fn now(&self) -> SystemTime {
        self.0.clock.now()
    }

    fn base(&self) -> Url {
        self.0.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, OpenConsent>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
