//! Consent: the authorization-code flow with PKCE that makes or widens a grant.
//!
//! A link of ours comes first (`/connect/..`): it is opaque, and the browser that opens it must be
//! that of the person for whom the call was made. Only then the browser goes to the provider, with
//! a `state` that is used once and bound to this browser (RFC 6749 §10.12), and comes back to
//! `/callback/..`, where the issuer is checked (RFC 9207).

pub(crate) mod accounts;
pub(crate) mod callback;
pub(crate) mod connect;
pub(crate) mod page;
pub(crate) mod routes;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use http::HeaderMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use url::Url;

use crate::{
    grant::{Clock, Grants, StoreError},
    oauth::{CsrfToken, PkceCodeVerifier, RedirectUrl, UpstreamClient},
    support::random,
};

/// What a browser gets.
pub(crate) type Answer = axum::response::Response;

/// How long a link is good, and the state after it.
const LIFE: Duration = Duration::from_secs(600);

/// The most consents that one subject may have under way.
const MOST: usize = 16;

/// Says whose browser it is.
#[async_trait]
pub(crate) trait Recognize: Send + Sync + 'static {
    /// The subject who is signed in with this browser, if somebody is. `https`: that is how the
    /// browser comes, which its cookies depend on.
    async fn subject(&self, headers: &HeaderMap, https: bool) -> Result<Option<String>, String>;

    /// Where the browser goes to sign in, and then back to `path`: of a link, or of the accounts.
    fn sign_in(&self, path: &str) -> String;

    /// The cookie that ends that sign-in, if it is ours to end.
    fn sign_out(&self, _https: bool) -> Option<http::HeaderValue> {
        None
    }

    /// Disconnects the subject from the provider, where there is more to it than the grant.
    async fn disconnect(
        &self,
        _provider: &str,
        _subject: &str,
    ) -> Option<Result<accounts::TakenBack, StoreError>> {
        None
    }

    /// The subject whose account at the provider this access token opens; `None` where accounts
    /// there do not stand for subjects.
    async fn owner(&self, provider: &str, token: &SecretString) -> Result<Option<String>, String>;
}

/// The consents under way.
#[derive(Clone)]
pub(crate) struct Consents(Arc<Inner>);

struct Inner {
    grants: Grants,
    clock: Arc<dyn Clock>,
    providers: HashMap<&'static str, UpstreamClient>,
    /// Where the browser reaches us.
    base: RwLock<Url>,
    open: Mutex<HashMap<String, Open>>,
    /// `None`: everybody who reaches us is the one local person.
    recognize: Option<Arc<dyn Recognize>>,
    /// The pages are there as long as the server is, and not only while a consent is open.
    lasts: bool,
}

/// One consent, while its link is good.
struct Open {
    subject: String,
    provider: &'static str,
    /// What the waiting call needs.
    needed: Vec<String>,
    /// What is asked for: the above, and what was granted before.
    asked: Vec<String>,
    expires_at: SystemTime,
    progress: watch::Sender<Progress>,
}

/// How far a consent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nobody opened the link yet.
    Waiting,
    /// A browser is on its way.
    Opened,
    /// There is a grant; these of the needed scopes were withheld.
    Granted { withheld: Vec<String> },
    /// It came to nothing; whether only the operator can mend that.
    Refused { reason: String, by_us: bool },
}

/// A link to open.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) url: String,
    /// It was given before, for the same.
    pub(crate) again: bool,
}

/// What is kept between the browser's departure and its return, sealed by the store.
#[derive(Serialize, Deserialize)]
struct Departure {
    consent: String,
    subject: String,
    provider: String,
    needed: Vec<String>,
    asked: Vec<String>,
    verifier: PkceCodeVerifier,
    /// What the browser's cookie must say.
    browser: String,
    redirect_uri: RedirectUrl,
}

impl Consents {
    pub(crate) fn new(
        grants: Grants,
        clock: Arc<dyn Clock>,
        providers: Vec<UpstreamClient>,
        base: Url,
        recognize: Option<Arc<dyn Recognize>>,
        lasts: bool,
    ) -> Self {
        let providers = providers.into_iter().map(|oauth| (oauth.registration.id, oauth)).collect();
        Self(Arc::new(Inner {
            grants,
            clock,
            providers,
            base: RwLock::new(base),
            open: Mutex::default(),
            recognize,
            lasts,
        }))
    }

    /// Says where the browser reaches us from now on.
    pub(crate) fn set_base(&self, base: Url) {
        *self.0.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    /// A link under which `subject` connects `provider` with the scopes `needed`, besides those
    /// `granted` before, as far as its catalogue has them: a provider may grant what it does not let
    /// one ask for. A link for the same that is still good is given again.
    pub(crate) fn begin(
        &self,
        subject: &str,
        provider: &'static str,
        needed: &[&str],
        granted: &BTreeSet<String>,
    ) -> Link {
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
            consent.subject == subject
                && consent.provider == provider
                && consent.asked == asked
                && consent.needed == needed
                && matches!(*consent.progress.borrow(), Progress::Waiting | Progress::Opened)
        });
        if let Some((id, _)) = same {
            return self.link(id, true);
        }
        let mine = open.iter().filter(|(_, consent)| consent.subject == subject);
        if mine.clone().count() >= MOST {
            let oldest =
                mine.min_by_key(|(_, consent)| consent.expires_at).map(|(id, _)| id.clone());
            oldest.map(|id| open.remove(&id));
        }
        let id = random::text();
        open.insert(
            id.clone(),
            Open {
                subject: subject.to_owned(),
                provider,
                needed,
                asked,
                expires_at: now + LIFE,
                progress: watch::Sender::new(Progress::Waiting),
            },
        );
        self.link(&id, false)
    }

    /// How the consent ends, or how far it is when `patience` does.
    ///
    /// `None`: the link is no longer good.
    pub(crate) async fn wait(&self, id: &str, patience: Duration) -> Option<Progress> {
        let mut progress = self.open().get(id)?.progress.subscribe();
        let ended = |progress: &Progress| {
            matches!(progress, Progress::Granted { .. } | Progress::Refused { .. })
        };
        // The time-out and a consent that was swept away both leave what was seen last.
        let _ = tokio::time::timeout(patience, progress.wait_for(ended)).await;
        let seen = progress.borrow().clone();
        Some(seen)
    }

    /// How far the consent is.
    pub(crate) fn progress(&self, id: &str) -> Option<Progress> {
        Some(self.open().get(id)?.progress.borrow().clone())
    }

    /// Forgets a consent whose end was told.
    pub(crate) fn forget(&self, id: &str) {
        self.open().remove(id);
    }

    /// How a consent for this ended, if that is worth telling to who did not wait for it: something
    /// was withheld, or the fault is ours. It is told once.
    pub(crate) fn ended(&self, subject: &str, provider: &str, needed: &[&str]) -> Option<Progress> {
        let mut open = self.open();
        let (id, progress) = open.iter().find_map(|(id, consent)| {
            let progress = consent.progress.borrow().clone();
            let tells = match &progress {
                Progress::Granted { withheld } => !withheld.is_empty(),
                Progress::Refused { by_us, .. } => *by_us,
                _ => false,
            };
            let same = consent.subject == subject
                && consent.provider == provider
                && consent.needed == needed
                && consent.expires_at > self.now();
            (tells && same).then(|| (id.clone(), progress))
        })?;
        open.remove(&id);
        Some(progress)
    }

    /// Is a browser on its way, or may one be?
    pub(crate) fn any_open(&self) -> bool {
        let now = self.now();
        self.open().values().any(|consent| {
            consent.expires_at > now
                && matches!(*consent.progress.borrow(), Progress::Waiting | Progress::Opened)
        })
    }

    fn report(&self, id: &str, progress: Progress) {
        if let Some(consent) = self.open().get(id) {
            consent.progress.send_replace(progress);
        }
    }

    fn link(&self, id: &str, again: bool) -> Link {
        let url = self.url(&format!("connect/{id}"));
        Link { id: id.to_owned(), url, again }
    }

    /// The URL of a path of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        let base = self.0.base.read().unwrap_or_else(PoisonError::into_inner);
        format!("{}/{path}", base.as_str().trim_end_matches('/'))
    }

    /// The redirection endpoint for `provider`.
    fn callback_url(&self, provider: &str) -> RedirectUrl {
        RedirectUrl::new(self.url(&format!("callback/{provider}"))).expect("a URL with a path")
    }

    fn now(&self) -> SystemTime {
        self.0.clock.now()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.base.read().unwrap_or_else(PoisonError::into_inner).scheme() == "https"
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn depart(&self, state: &CsrfToken, departure: &Departure) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(departure)
            .map_err(|error| StoreError::unavailable("writing a consent", error))?;
        self.0.grants.store().put_pending(&pending(state.secret()), &bytes, self.now() + LIFE).await
    }

    /// What departed under `state` from `browser`: once. Another browser does not use it up.
    async fn return_of(&self, state: &str, browser: &str) -> Result<Returned, StoreError> {
        let (store, id) = (self.0.grants.store(), pending(state));
        let read =
            |bytes: Option<Vec<u8>>| -> Option<Departure> { serde_json::from_slice(&bytes?).ok() };
        let Some(departure) = read(store.peek_pending(&id).await?) else {
            return Ok(Returned::Over);
        };
        if !bool::from(browser.as_bytes().ct_eq(departure.browser.as_bytes())) {
            return Ok(Returned::Elsewhere);
        }
        // Of two that come at once, one gets it.
        Ok(read(store.take_pending(&id).await?).map_or(Returned::Over, Returned::Here))
    }
}

/// What an arrival finds.
enum Returned {
    Here(Departure),
    /// It began in another browser.
    Elsewhere,
    /// There is nothing, or no longer.
    Over,
}

fn pending(state: &str) -> String {
    // The store's ids are shared with what else may be pending one day.
    format!("consent:{state}")
}
