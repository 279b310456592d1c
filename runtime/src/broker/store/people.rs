//! People: their sign-ins, the sessions of their browsers, and signing out everywhere.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    sign_ins::SignInRecord,
    typed_store::{CONSENTS, PEOPLE, SESSIONS, SIGN_INS, millis},
};
use crate::support::escape::escape;
use crate::{
    broker::{cookies::SESSION_TTL, state::Broker},
    grant::{DisconnectOutcome, StoreError},
    support::{background as task, crash_point::crash_point, crypto},
};

/// The most sign-ins of one person. A further one ends the oldest.
const MAX_SIGN_INS: usize = 64;
/// The most sessions of one person: one for each browser. A further one ends the oldest.
const MAX_SESSIONS: usize = 32;
/// The most clients of one person whose consents are remembered. A further one forgets the one that
/// was used least recently.
const MAX_CONSENTS: usize = 64;
/// How long the record of a person stays after the last change.
const PERSON_RETENTION: Duration = Duration::from_secs(400 * 24 * 3600);

#[derive(Clone, Default, Serialize, Deserialize)]
struct PersonRecord {
    /// Sign-ins, sessions and remembered consents that began before this have ended.
    ended_before: u64,
    /// The sign-ins that have refresh tokens, the oldest first.
    sign_ins: Vec<String>,
    /// The sessions, the oldest first.
    #[serde(default)]
    sessions: Vec<SessionOfBrowser>,
    /// The keys of the consents' records, the least recently used first.
    #[serde(default)]
    consents: Vec<String>,
    /// The scopes that the provider did not grant at the last sign-in, although they were requested.
    #[serde(default)]
    withheld: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SessionOfBrowser {
    id: String,
    /// The digest of the browser's secret.
    browser: String,
}

/// A session of a browser.
#[derive(Serialize, Deserialize)]
struct SessionRecord {
    subject: String,
    at: u64,
    /// The broker that the browser signed in with.
    #[serde(default)]
    issuer: String,
}

/// Drops the oldest items, so that one more fits, and returns them.
fn make_room<T>(items: &mut Vec<T>, max: usize) -> impl Iterator<Item = T> {
    let surplus = (items.len() + 1).saturating_sub(max);
    items.drain(..surplus)
}

impl Broker {
    /// Signs a person out everywhere and disconnects the account: refresh tokens end, remembered
    /// consents and sessions are forgotten, and the provider is asked to revoke its tokens
    /// (RFC 7009).
    ///
    /// Access tokens that were issued before stay valid until they expire, which takes ten minutes
    /// by default; but the provider's token behind them is gone.
    ///
    /// This runs in a task of its own: dropping the future does not stop it.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub async fn disconnect(&self, subject: &str) -> Result<DisconnectOutcome, StoreError> {
        let (broker, subject) = (self.clone(), subject.to_owned());
        let disconnected = task::spawn(async move { broker.sign_out(&subject).await });
        disconnected
            .await
            .unwrap_or_else(|error| Err(StoreError::unavailable("disconnecting", error)))
    }

    /// Whether it is in front of the provider with this ID.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn is_at(&self, provider: &str) -> bool {
        self.0.oauth.registration.id == provider
    }

    async fn sign_out(&self, subject: &str) -> Result<DisconnectOutcome, StoreError> {
        let now = self.now();
        // From here on all of them are over, however much of the rest succeeds.
        let ended = self.change(subject, |person| {
            let ended = std::mem::take(person);
            person.ended_before = ended.ended_before.max(millis(now));
            person.withheld.clone_from(&ended.withheld);
            ended
        });
        let ended = ended.await?;
        for id in &ended.sign_ins {
            self.end_family(id).await?;
        }
        for session in &ended.sessions {
            self.0.records.take::<SessionRecord>(SESSIONS, &session.id).await?;
        }
        for key in &ended.consents {
            self.0.records.take::<IgnoredAny>(CONSENTS, key).await?;
        }
        tracing::info!(target: "toolgate::broker", subject = %escape(subject), "a person was disconnected");
        crash_point("disconnect.signed_out");
        self.0.grants.disconnect(&self.0.oauth, subject).await
    }

    /// Whether what began at `at` has ended: the person has signed out everywhere since, or the
    /// record of the person is gone.
    pub(crate) async fn has_ended(&self, subject: &str, at: u64) -> Result<bool, StoreError> {
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        Ok(found.is_none_or(|stored| at <= stored.value.ended_before))
    }

    /// The time of a sign-in that begins now. It is after the last sign-out, even within the same
    /// millisecond.
    pub(crate) async fn beginning(&self, subject: &str) -> Result<u64, StoreError> {
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        let ended = found.map_or(0, |stored| stored.value.ended_before);
        Ok(millis(self.now()).max(ended.saturating_add(1)))
    }

    /// Adds a sign-in to the person's, and ends the oldest where there are too many.
    pub(crate) async fn add_sign_in(&self, subject: &str, id: &str) -> Result<(), StoreError> {
        let surplus = self.change(subject, |person| {
            person.sign_ins.retain(|one| one != id);
            let surplus: Vec<_> = make_room(&mut person.sign_ins, MAX_SIGN_INS).collect();
            person.sign_ins.push(id.to_owned());
            surplus
        });
        for oldest in surplus.await? {
            self.end_family(&oldest).await?;
        }
        Ok(())
    }

    /// Stores the scopes that the provider withheld, and returns those that it withheld the last
    /// time as well.
    pub(crate) async fn withheld_again(
        &self,
        subject: &str,
        withheld: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let before = self
            .change(subject, |person| std::mem::replace(&mut person.withheld, withheld.clone()));
        let before = before.await?;
        Ok(withheld.into_iter().filter(|scope| before.contains(scope)).collect())
    }

    /// Removes a sign-in that has ended from the person's.
    pub(crate) async fn remove_sign_in(&self, subject: &str, id: &str) -> Result<(), StoreError> {
        self.change(subject, |person| person.sign_ins.retain(|one| one != id)).await
    }

    /// Adds a remembered consent to the person's, by the key of its record, and forgets those that
    /// were used least recently where there are too many.
    pub(crate) async fn add_consent(&self, subject: &str, key: &str) -> Result<(), StoreError> {
        let surplus = self.change(subject, |person| {
            person.consents.retain(|one| one != key);
            let surplus: Vec<_> = make_room(&mut person.consents, MAX_CONSENTS).collect();
            person.consents.push(key.to_owned());
            surplus
        });
        for key in surplus.await? {
            self.0.records.take::<IgnoredAny>(CONSENTS, &key).await?;
        }
        Ok(())
    }

    /// Removes a consent that was forgotten from the person's.
    pub(crate) async fn remove_consent(&self, subject: &str, key: &str) -> Result<(), StoreError> {
        self.change(subject, |person| person.consents.retain(|one| one != key)).await
    }

    /// Changes the person's record, which may be read again and changed several times. Returns what
    /// the last change returned.
    async fn change<R>(
        &self,
        subject: &str,
        change: impl Fn(&mut PersonRecord) -> R,
    ) -> Result<R, StoreError> {
        let changed = |found: Option<PersonRecord>| {
            let mut person = found.unwrap_or_default();
            let result = change(&mut person);
            (person, result)
        };
        let until = self.now() + PERSON_RETENTION;
        self.0.records.change(PEOPLE, subject, until, changed).await
    }

    /// The person's sign-ins that have not expired, each with its client.
    pub(crate) async fn sign_ins(
        &self,
        subject: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        let mut live = Vec::new();
        for id in found.map(|stored| stored.value.sign_ins).unwrap_or_default() {
            if let Some(sign_in) = self.0.records.read::<SignInRecord>(SIGN_INS, &id).await? {
                live.push((id, sign_in.value.client_id));
            }
        }
        Ok(live)
    }

    /// Begins a session of the browser with this secret, and ends the one that it had. The id of a
    /// session is new each time, so that none can be planted.
    pub(crate) async fn begin_session(
        &self,
        subject: &str,
        browser: &str,
        at: u64,
    ) -> Result<String, StoreError> {
        let id = crypto::random_token();
        let browser = crypto::sha256_base64url(browser);
        let surplus = self.change(subject, |person| {
            let of_browser = |session: &mut SessionOfBrowser| session.browser == browser;
            let mut surplus: Vec<_> = person.sessions.extract_if(.., of_browser).collect();
            surplus.extend(make_room(&mut person.sessions, MAX_SESSIONS));
            person.sessions.push(SessionOfBrowser { id: id.clone(), browser: browser.clone() });
            surplus
        });
        for session in surplus.await? {
            self.0.records.take::<SessionRecord>(SESSIONS, &session.id).await?;
        }
        let (subject, issuer) = (subject.to_owned(), self.0.issuer.clone());
        let session = SessionRecord { subject, at, issuer };
        self.0.records.put(SESSIONS, &id, &session, self.now() + SESSION_TTL).await?;
        Ok(id)
    }

    /// The subject who signed in last with the browser that sent these headers.
    pub(crate) async fn signed_in(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<String>, StoreError> {
        let Some(id) = self.session_cookie(headers) else { return Ok(None) };
        let Some(found) = self.0.records.read::<SessionRecord>(SESSIONS, id).await? else {
            return Ok(None);
        };
        let SessionRecord { subject, at, issuer } = found.value;
        let is_over = issuer != self.0.issuer || self.has_ended(&subject, at).await?;
        Ok((!is_over).then_some(subject))
    }
}
