//! People: their sign-ins, the sessions of their browsers, and signing out everywhere.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{
    sign_ins::SignInRecord,
    typed_store::{PEOPLE, SESSIONS, SIGN_INS, millis},
};
use crate::{
    broker::{cookies::SESSION_TTL, state::Broker},
    grant::{DisconnectOutcome, StoreError},
    support::{background as task, crypto},
};

/// The most sign-ins of one person. A further one ends the oldest.
const MAX_SIGN_INS: usize = 64;
/// How long the record of a person stays after the last change.
const PERSON_RETENTION: Duration = Duration::from_secs(400 * 24 * 3600);

#[derive(Clone, Default, Serialize, Deserialize)]
struct PersonRecord {
    /// Sign-ins, sessions and remembered consents that began before this have ended.
    ended_before: u64,
    /// The sign-ins that have refresh tokens, the oldest first.
    sign_ins: Vec<String>,
    /// The scopes that the provider did not grant at the last sign-in, although they were requested.
    #[serde(default)]
    withheld: Vec<String>,
}

/// A session of a browser.
#[derive(Serialize, Deserialize)]
struct SessionRecord {
    subject: String,
    at: u64,
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

    async fn sign_out(&self, subject: &str) -> Result<DisconnectOutcome, StoreError> {
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        let now = self.now();
        self.change(subject, |person| person.ended_before = person.ended_before.max(millis(now)))
            .await?;
        for id in found.map(|stored| stored.value.sign_ins).unwrap_or_default() {
            self.end(&id).await?;
        }
        tracing::info!(target: "toolgate::broker", %subject, "a person was disconnected");
        self.0.grants.disconnect(&self.0.oauth, subject).await
    }

    /// When the person last signed out everywhere, in milliseconds.
    pub(crate) async fn ended_before(&self, subject: &str) -> Result<u64, StoreError> {
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        Ok(found.map_or(0, |stored| stored.value.ended_before))
    }

    /// The time of a sign-in that begins now. It is after the last sign-out, even within the same
    /// millisecond.
    pub(crate) async fn beginning(&self, subject: &str) -> Result<u64, StoreError> {
        let ended = self.ended_before(subject).await?;
        Ok(millis(self.now()).max(ended.saturating_add(1)))
    }

    /// Adds a sign-in to the person's.
    pub(crate) async fn add_sign_in(&self, subject: &str, id: &str) -> Result<(), StoreError> {
        let too_many =
            |person: &PersonRecord| person.sign_ins.len().saturating_sub(MAX_SIGN_INS - 1);
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        let person = found.map(|stored| stored.value).unwrap_or_default();
        for oldest in &person.sign_ins[..too_many(&person)] {
            self.end(oldest).await?;
        }
        self.change(subject, |person| {
            person.sign_ins.retain(|one| one != id);
            person.sign_ins.drain(..too_many(person));
            person.sign_ins.push(id.to_owned());
        })
        .await
    }

    /// Stores the scopes that the provider withheld, and returns those that it withheld the last
    /// time as well.
    pub(crate) async fn withheld_again(
        &self,
        subject: &str,
        withheld: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let found = self.0.records.read::<PersonRecord>(PEOPLE, subject).await?;
        let before = found.map(|stored| stored.value.withheld).unwrap_or_default();
        if withheld != before {
            self.change(subject, |person| person.withheld.clone_from(&withheld)).await?;
        }
        Ok(withheld.into_iter().filter(|scope| before.contains(scope)).collect())
    }

    /// Removes a sign-in that has ended from the person's.
    pub(crate) async fn remove_sign_in(&self, subject: &str, id: &str) -> Result<(), StoreError> {
        self.change(subject, |person| person.sign_ins.retain(|one| one != id)).await
    }

    /// Changes the person's record, which may be read again and changed several times.
    async fn change(
        &self,
        subject: &str,
        change: impl Fn(&mut PersonRecord),
    ) -> Result<(), StoreError> {
        let changed = |found: Option<PersonRecord>| {
            let mut person = found.unwrap_or_default();
            change(&mut person);
            person
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

    /// Begins a session of the browser. Its id is new each time, so that none can be planted.
    pub(crate) async fn begin_session(&self, subject: &str, at: u64) -> Result<String, StoreError> {
        let id = crypto::random_token();
        let session = SessionRecord { subject: subject.to_owned(), at };
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
        let SessionRecord { subject, at } = found.value;
        Ok((at > self.ended_before(&subject).await?).then_some(subject))
    }
}
