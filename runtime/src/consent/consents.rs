//! The consents of a server: what is needed to ask for them and to complete them.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use url::Url;

use super::open_consents::{
    ConsentCause, ConsentOwner, NewConsent, OpenConsent, OpenConsents, Progress,
};
use crate::{
    browser::{
        CALLBACK_PATH, CONNECT_PATH, authenticator::BrowserAuthenticator,
        authorization_flow::AuthorizationFlow, cookie::Cookies,
        pending_authorization::PendingInGrantStore, request_limit::RequestLimit, site::Site,
    },
    gate::LOCAL_SUBJECT,
    grant::{
        Clock, Grants, Records, StoreError, WantedAccount,
        audit::entry::{AuditEvent, Facts},
    },
    oauth::{RedirectUrl, UpstreamClient},
    provider::AccountEndpoint,
    scope::covers,
    support::rate_limit::RateLimit,
    trace::{Elapsed, EventKind, Span, Tracer, within},
};

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
    /// Where consents under way are kept.
    pub(crate) records: Arc<dyn Records>,
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
    /// The provider where a person has the one account that they sign in with.
    pub(crate) brokered: Option<TypeId>,
    pub(crate) tracer: Tracer,
}

struct ConsentsState {
    grants: Grants,
    clock: Arc<dyn Clock>,
    providers: HashMap<&'static str, UpstreamClient>,
    base: RwLock<Url>,
    site: Arc<Site>,
    open: OpenConsents,
    authenticator: Option<Arc<dyn BrowserAuthenticator>>,
    flow: AuthorizationFlow,
    limit: Arc<RequestLimit>,
    connects: RateLimit<String>,
    has_accounts: bool,
    binds_clients: bool,
    brokered: Option<TypeId>,
    tracer: Tracer,
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
        let ConsentsConfig { records, limit, has_accounts, binds_clients, tracer, .. } = config;
        let brokered = config.brokered;
        let providers = providers.into_iter().map(|oauth| (oauth.registration.id, oauth)).collect();
        let store = PendingInGrantStore { store: Arc::clone(grants.store()), prefix: "consent" };
        Self(Arc::new(ConsentsState {
            flow: AuthorizationFlow::new(store, Arc::clone(&clock)),
            connects: RateLimit::per_minute(CONNECTS_PER_MINUTE, CONNECT_BURST, &clock),
            open: OpenConsents::new(records, Arc::clone(&clock), base.to_string()),
            grants,
            clock,
            providers,
            base: RwLock::new(base),
            site,
            authenticator,
            limit,
            has_accounts,
            binds_clients,
            brokered,
            tracer,
        }))
    }

    /// Sets where browsers reach this server from now on.
    pub(crate) fn set_base(&self, base: Url) {
        *self.0.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    /// Returns a link under which `owner` connects an account of `provider` with the scopes `needed`.
    /// The scopes `granted` before are requested again, as far as the catalogue has them: a provider
    /// may grant scopes that cannot be requested. A link for the same that is still valid is
    /// returned again. `call`: the span of the call that asks.
    pub(crate) async fn begin(
        &self,
        owner: ConsentOwner<'_>,
        (provider, account): (&'static str, &WantedAccount),
        needed: &[&str],
        granted: &BTreeSet<String>,
        call: &Span,
    ) -> Result<Link, StoreError> {
        let needed: Vec<String> = needed.iter().map(|&scope| scope.to_owned()).collect();
        let catalogue =
            self.0.providers.get(provider).map_or(&[][..], |p| p.registration.catalogue);
        let known = |scope: &&String| catalogue.iter().any(|known| known.name == **scope);
        let mut asked: Vec<String> = granted.iter().filter(known).cloned().collect();
        asked.extend(needed.iter().filter(|scope| !granted.contains(*scope)).cloned());
        let oauth = self.0.providers.get(provider);
        let identifying = oauth.and_then(|oauth| self.account_endpoint(oauth));
        for &scope in identifying.iter().flat_map(|endpoint| endpoint.scopes) {
            if !covers(catalogue, &asked.iter().cloned().collect(), scope) {
                asked.push(scope.to_owned());
            }
        }
        let account = account.clone();
        let new = NewConsent { owner, provider, account, needed, asked: asked.clone() };
        let (id, again) = within(call, self.0.open.find_or_make(new, call)).await?;
        if !again {
            let scopes = asked[..].into();
            self.span(&id).emit(|| EventKind::LinkMade { provider, scopes });
            self.keep(AuditEvent::ConsentAsked, (owner.subject, owner.client), |link| Facts {
                provider: Some(provider.to_owned()),
                ..link.scopes(asked)
            });
        }
        let url = self.url(&format!("{CONNECT_PATH}/{id}"));
        Ok(Link { id, url, again })
    }

    /// Keeps in the audit what happened to a consent of this person through this client.
    pub(super) fn keep(
        &self,
        event: AuditEvent,
        (subject, client): (&str, Option<&str>),
        about: impl FnOnce(Facts) -> Facts,
    ) {
        self.0.grants.audit().decision(|| about(Facts::of(event, subject).client(client)));
    }

    /// The span of a consent.
    pub(crate) fn span(&self, id: &str) -> Span {
        let span = self.0.tracer.span_of(id);
        if !span.is_observed() {
            return span;
        }
        span.caused_by(self.0.open.cause(id))
    }

    /// The span of a consent, in the trace of the call that asked for it.
    pub(super) fn traced_span(&self, id: &str, cause: Option<&ConsentCause>) -> Span {
        let span = self.span(id);
        match cause.and_then(|cause| cause.trace_parent.as_deref()) {
            Some(trace_parent) => span.continues(trace_parent),
            None => span,
        }
    }

    /// How long a consent has taken, by the clock of the server.
    pub(super) fn took(&self, cause: Option<&ConsentCause>) -> Elapsed {
        let took = cause.and_then(|cause| self.now().duration_since(cause.begun).ok());
        took.unwrap_or_default().into()
    }

    /// The span of a request that belongs to no consent.
    pub(super) fn new_span(&self) -> Span {
        self.0.tracer.span()
    }

    /// Waits until the consent has ended, for `timeout` at most, and returns how far it is.
    ///
    /// `None`: the link is no longer valid.
    pub(crate) async fn wait(
        &self,
        id: &str,
        timeout: Duration,
    ) -> Result<Option<Progress>, StoreError> {
        self.0.open.wait(id, timeout).await
    }

    /// The URL of this server, which all of its replicas have.
    pub(crate) fn server(&self) -> &str {
        self.0.open.server()
    }

    /// How far the consent is.
    pub(crate) async fn progress(&self, id: &str) -> Result<Option<Progress>, StoreError> {
        self.0.open.progress(id).await
    }

    /// Removes a consent whose end was reported. One that cannot be removed expires.
    pub(crate) async fn forget(&self, id: &str) {
        if let Err(error) = self.0.open.forget(id).await {
            tracing::warn!(target: "toolgate::consent", %error, "a consent that ended cannot be removed");
        }
    }

    /// Removes and returns the end of such a consent that no call waited for, if the caller has
    /// to know of it: scopes were withheld, or only the operator can mend it.
    pub(crate) async fn ended(
        &self,
        owner: ConsentOwner<'_>,
        (provider, account): (&str, &WantedAccount),
        needed: &[&str],
    ) -> Result<Option<Progress>, StoreError> {
        self.0.open.ended(owner, (provider, account), needed).await
    }

    /// Whether a link of this process is valid that was not used to the end.
    pub(crate) async fn any_open(&self) -> bool {
        self.0.open.any_open().await
    }

    /// The consent with this id, if its link can be opened.
    pub(super) async fn openable(&self, id: &str) -> Result<Option<OpenConsent>, StoreError> {
        self.0.open.openable(id).await
    }

    /// Reports how far a consent is. What has ended does not begin again: a second tab may be late.
    ///
    /// A call that waits for a report which cannot be stored looks at the grants when it has waited.
    pub(super) async fn report(&self, id: &str, progress: Progress) {
        if let Err(error) = self.0.open.report(id, progress).await {
            tracing::error!(target: "toolgate::consent", %error, "how far a consent is cannot be stored");
        }
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

    /// How a provider says whose account a token opens. `None`: a person has one account there.
    pub(super) fn account_endpoint(
        &self,
        oauth: &UpstreamClient,
    ) -> Option<&'static AccountEndpoint> {
        let registration = &oauth.registration;
        let is_brokered = self.0.brokered == Some(registration.type_id);
        registration.dialect.account.as_ref().filter(|_| !is_brokered)
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
}
