//! The consents that are under way, in the store: one record for each subject.
//!
//! Every process that shares the store opens the links of all of them, and a call that waits is woken
//! by the process at which its user is done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::{
    grant::{Clock, Namespace, Records, Revision, SaveError, StoreError, WantedAccount, millis},
    support::crypto,
    trace::{Span, SpanId},
};

/// How long a link is valid.
const LINK_TTL: Duration = Duration::from_secs(600);

/// The most consents that one subject may have under way.
const MAX_CONSENTS_PER_SUBJECT: usize = 16;

/// The consents of the subjects. Above the limit, those that expire first are removed.
const CONSENTS: Namespace = Namespace::new("consent", 100_000).evicting().watched();

/// How many characters of an identifier find the record.
const RECORD_KEY_LEN: usize = 16;

/// How often a change is tried while others change the consents of the same subject.
const MAX_ATTEMPTS: usize = 32;

/// How often a waiter looks for a change where the store cannot wake it: at first, when a call is held
/// open, and later.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const SLOW_POLL_INTERVAL: Duration = Duration::from_secs(5);
const FAST_POLL_DURATION: Duration = Duration::from_secs(60);

/// The most links of which this process remembers that it gave them.
const MAX_GIVEN: usize = 100_000;

/// A consent whose link is valid.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct OpenConsent {
    id: String,
    /// The URL of the server that gave the link. Another one may share the store.
    server: String,
    pub(super) subject: String,
    /// The client that the grant is bound to.
    pub(super) client: Option<String>,
    pub(super) provider: String,
    #[serde(default)]
    pub(super) account: WantedAccount,
    /// The scopes that the waiting call needs.
    pub(super) needed: Vec<String>,
    /// The scopes to request: those, and the ones that were granted before.
    pub(super) asked: Vec<String>,
    #[serde(with = "millis")]
    expires_at: SystemTime,
    progress: Progress,
    /// A record of an earlier version has none.
    #[serde(default)]
    pub(super) cause: Option<ConsentCause>,
}

/// The trace of the call that began a consent, for the events of the process in which the consent ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConsentCause {
    #[serde(with = "millis")]
    pub(super) begun: SystemTime,
    /// The `traceparent` of the call, if it belongs to a trace.
    pub(super) trace_parent: Option<String>,
}

/// Whose consent is asked for.
#[derive(Clone, Copy)]
pub(crate) struct ConsentOwner<'a> {
    pub(crate) subject: &'a str,
    /// The client that called, where grants are bound to clients.
    pub(crate) client: Option<&'a str>,
}

/// How far a consent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Progress {
    fn has_ended(&self) -> bool {
        matches!(self, Self::Granted { .. } | Self::Refused { .. })
    }
}

impl OpenConsent {
    fn is_of(&self, owner: ConsentOwner<'_>) -> bool {
        self.subject == owner.subject && self.client.as_deref() == owner.client
    }
}

/// What a consent is asked for.
pub(super) struct NewConsent<'a> {
    pub(super) owner: ConsentOwner<'a>,
    pub(super) provider: &'a str,
    pub(super) account: WantedAccount,
    pub(super) needed: Vec<String>,
    pub(super) asked: Vec<String>,
}

/// The consents under way.
pub(super) struct OpenConsents {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    /// The URL of this server, at all of its replicas.
    server: String,
    given: Mutex<HashMap<String, GivenLink>>,
}

/// A link that this process gave.
struct GivenLink {
    expires_at: SystemTime,
    /// The call that asked for it.
    cause: Option<SpanId>,
}

impl OpenConsents {
    pub(super) fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>, server: String) -> Self {
        Self { records, clock, server, given: Mutex::default() }
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The identifier of the consent that is asked for, and whether it was there before.
    pub(super) async fn find_or_make(
        &self,
        new: NewConsent<'_>,
        call: &Span,
    ) -> Result<(String, bool), StoreError> {
        let (owner, now) = (new.owner, self.clock.now());
        let key = self.record_key(owner.subject);
        let expires_at = now + LINK_TTL;
        let made = OpenConsent {
            id: format!("{key}{}", crypto::random_token()),
            server: self.server.clone(),
            subject: owner.subject.to_owned(),
            client: owner.client.map(str::to_owned),
            provider: new.provider.to_owned(),
            account: new.account,
            needed: new.needed,
            asked: new.asked,
            expires_at,
            progress: Progress::Waiting,
            cause: Some(ConsentCause { begun: now, trace_parent: call.trace_parent() }),
        };
        let found = self.change(&key, |all| {
            let same = all.iter().find(|consent| {
                consent.is_of(owner)
                    && consent.provider == made.provider
                    && consent.account == made.account
                    && consent.asked == made.asked
                    && consent.needed == made.needed
                    && !consent.progress.has_ended()
            });
            if let Some(same) = same {
                return Change::Keep((same.id.clone(), true));
            }
            while all.len() >= MAX_CONSENTS_PER_SUBJECT {
                let oldest = (0..all.len()).min_by_key(|at| all[*at].expires_at);
                oldest.map(|at| all.remove(at));
            }
            all.push(made.clone());
            Change::Write((made.id.clone(), false))
        });
        let (id, again) = found.await?;
        let given = GivenLink { expires_at, cause: call.id() };
        let mut all = self.given();
        if all.len() >= MAX_GIVEN {
            all.retain(|_, given| given.expires_at > now);
        }
        if all.len() < MAX_GIVEN && !(again && all.contains_key(&id)) {
            all.insert(id.clone(), given);
        }
        Ok((id, again))
    }

    /// The call of this process that asked for the consent.
    pub(super) fn cause(&self, id: &str) -> Option<SpanId> {
        self.given().get(id).and_then(|given| given.cause)
    }

    /// Waits until the consent has ended, for `timeout` at most, and returns how far it is.
    ///
    /// `None`: the link is no longer valid.
    pub(super) async fn wait(
        &self,
        id: &str,
        timeout: Duration,
    ) -> Result<Option<Progress>, StoreError> {
        let Some(key) = record_key_of(id) else { return Ok(None) };
        let begun = Instant::now();
        let deadline = begun + timeout;
        let mut last = None;
        loop {
            let is_early = begun.elapsed() < FAST_POLL_DURATION;
            let poll_interval = if is_early { POLL_INTERVAL } else { SLOW_POLL_INTERVAL };
            let changed = self.records.watch(CONSENTS, key, poll_interval);
            let Some(consent) = self.get(id).await? else {
                // The consent was removed: its last known progress is returned.
                return Ok(last);
            };
            let has_ended = consent.progress.has_ended();
            last = Some(consent.progress);
            if has_ended || timeout_at(deadline, changed).await.is_err() {
                return Ok(last);
            }
        }
    }

    /// How far the consent is.
    pub(super) async fn progress(&self, id: &str) -> Result<Option<Progress>, StoreError> {
        Ok(self.get(id).await?.map(|consent| consent.progress))
    }

    /// Removes a consent whose end was reported.
    pub(super) async fn forget(&self, id: &str) -> Result<(), StoreError> {
        self.given().remove(id);
        let Some(key) = record_key_of(id) else { return Ok(()) };
        let remove = |all: &mut Vec<OpenConsent>| {
            let count = all.len();
            all.retain(|consent| consent.id != id);
            if all.len() < count { Change::Write(()) } else { Change::Keep(()) }
        };
        self.change(key, remove).await
    }

    /// Removes and returns the end of such a consent that no call waited for, if the caller has
    /// to know of it: scopes were withheld, or only the operator can mend it.
    pub(super) async fn ended(
        &self,
        owner: ConsentOwner<'_>,
        (provider, account): (&str, &WantedAccount),
        needed: &[&str],
    ) -> Result<Option<Progress>, StoreError> {
        self.change(&self.record_key(owner.subject), |all| {
            let found = all.iter().position(|consent| {
                let matters = match &consent.progress {
                    Progress::Granted { withheld } => !withheld.is_empty(),
                    Progress::Refused { by_us, .. } => *by_us,
                    _ => false,
                };
                matters
                    && consent.is_of(owner)
                    && consent.provider == provider
                    && consent.account == *account
                    && consent.needed == needed
            });
            match found {
                Some(at) => Change::Write(Some(all.remove(at).progress)),
                None => Change::Keep(None),
            }
        })
        .await
    }

    /// Whether a link of this process is valid that was not used to the end.
    pub(super) async fn any_open(&self) -> bool {
        let now = self.clock.now();
        let ids: Vec<_> = {
            let mut given = self.given();
            given.retain(|_, given| given.expires_at > now);
            given.keys().cloned().collect()
        };
        for id in ids {
            match self.progress(&id).await {
                Ok(Some(progress)) if !progress.has_ended() => return true,
                Ok(_) => drop(self.given().remove(&id)),
                // It may be open.
                Err(_) => return true,
            }
        }
        false
    }

    /// The consent with this identifier, if its link can be opened.
    pub(super) async fn openable(&self, id: &str) -> Result<Option<OpenConsent>, StoreError> {
        Ok(self.get(id).await?.filter(|consent| !consent.progress.has_ended()))
    }

    /// Writes how far a consent is. What has ended does not begin again: a second tab may be late.
    pub(super) async fn report(&self, id: &str, progress: Progress) -> Result<(), StoreError> {
        let Some(key) = record_key_of(id) else { return Ok(()) };
        self.change(key, |all| {
            let found = all.iter_mut().find(|consent| consent.id == id);
            match found.filter(|consent| !consent.progress.has_ended()) {
                Some(consent) if consent.progress != progress => {
                    consent.progress = progress.clone();
                    Change::Write(())
                }
                _ => Change::Keep(()),
            }
        })
        .await
    }

    async fn get(&self, id: &str) -> Result<Option<OpenConsent>, StoreError> {
        let Some(key) = record_key_of(id) else { return Ok(None) };
        let (all, _) = self.read(key).await?;
        Ok(all.into_iter().find(|consent| crypto::constant_time_eq(&consent.id, id)))
    }

    /// The consents of a record that have not expired.
    async fn read(&self, key: &str) -> Result<(Vec<OpenConsent>, Revision), StoreError> {
        let Some(stored) = self.records.read(CONSENTS, key).await? else {
            return Ok((Vec::new(), Revision::ABSENT));
        };
        let mut all: Vec<OpenConsent> = serde_json::from_slice(&stored.value)
            .map_err(|error| StoreError::unavailable("reading a consent", error))?;
        let now = self.clock.now();
        all.retain(|consent| consent.expires_at > now && consent.server == self.server);
        Ok((all, stored.revision))
    }

    /// Changes the consents of a record, by compare-and-swap.
    async fn change<T>(
        &self,
        key: &str,
        change: impl Fn(&mut Vec<OpenConsent>) -> Change<T>,
    ) -> Result<T, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            let (mut all, revision) = self.read(key).await?;
            let result = match change(&mut all) {
                Change::Keep(result) => return Ok(result),
                Change::Write(result) => result,
            };
            let value = serde_json::to_vec(&all).map(Zeroizing::new);
            let value =
                value.map_err(|error| StoreError::unavailable("writing a consent", error))?;
            let until = self.clock.now() + LINK_TTL;
            match self.records.write(CONSENTS, key, &value, until, revision).await {
                Ok(_) => return Ok(result),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::unavailable("writing a consent", "other writes came first"))
    }

    /// The key of a subject's record, with which the identifiers of its consents begin. It does not
    /// reveal the subject.
    fn record_key(&self, subject: &str) -> String {
        let mac = self.records.sealer().mac("consents", &[&self.server, subject]);
        let mut key = crypto::base64url(&mac);
        key.truncate(RECORD_KEY_LEN);
        key
    }

    fn given(&self) -> MutexGuard<'_, HashMap<String, GivenLink>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a change is written, and its result.
enum Change<T> {
    Keep(T),
    Write(T),
}

fn record_key_of(id: &str) -> Option<&str> {
    id.get(..RECORD_KEY_LEN)
}
