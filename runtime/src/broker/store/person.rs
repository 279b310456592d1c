//! What there is of one person: the sign-ins, the browsers, and the end of it all.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{
    sign_in::SignIn,
    typed_store::{PEOPLE, SESSIONS, SIGN_INS, millis},
};
use crate::broker::{Broker, cookie};
use crate::{
    consent::{accounts, accounts::TakenBack},
    grant::StoreError,
    support::random,
};

/// The most sign-ins of one person; a new one ends the oldest.
const MOST: usize = 64;
/// How long a person is known after the last change.
const LIFE: Duration = Duration::from_secs(400 * 24 * 3600);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Person {
    /// Whatever began before is over: sign-ins, sessions, remembered consents.
    ended_before: u64,
    /// The sign-ins that have refresh tokens, the oldest first.
    sign_ins: Vec<String>,
    /// What the provider did not grant at the last sign-in, although it was asked.
    #[serde(default)]
    withheld: Vec<String>,
}

/// A browser in which somebody signed in.
#[derive(Serialize, Deserialize)]
struct Session {
    subject: String,
    at: u64,
}

/// What [`Broker::disconnect`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disconnected {
    /// There was no grant of the provider's here.
    NothingGranted,
    /// The provider has revoked its tokens.
    Revoked,
    /// The tokens are forgotten here, but the provider has no revocation endpoint: the person can
    /// take the grant back in the settings there.
    Forgotten,
    /// The tokens are forgotten here, but the provider did not revoke them when it was asked.
    NotRevoked,
}

impl Broker {
    /// Signs a person out everywhere and takes back what was granted: refresh tokens end, remembered
    /// consents and browsers are forgotten, and the provider is asked to revoke its tokens
    /// (RFC 7009).
    ///
    /// Access tokens that were given before are good until they expire, for ten minutes if nothing
    /// else was set; but the provider's token behind them is gone.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub async fn disconnect(&self, subject: &str) -> Result<Disconnected, StoreError> {
        let found = self.0.shelf.read::<Person>(PEOPLE, subject).await?;
        let now = self.now();
        self.0
            .shelf
            .change(PEOPLE, subject, now + LIFE, |found: Option<Person>| {
                let mut person = found.unwrap_or_default();
                person.ended_before = person.ended_before.max(millis(now));
                person
            })
            .await?;
        for id in found.map(|stored| stored.value.sign_ins).unwrap_or_default() {
            self.end(&id).await?;
        }
        tracing::info!(target: "toolgate::broker", %subject, "a person was disconnected");
        self.take_back(subject).await
    }

    /// Revokes the provider's grant there, and forgets it here.
    pub(crate) async fn take_back(&self, subject: &str) -> Result<Disconnected, StoreError> {
        Ok(match accounts::take_back(&self.0.grants, &self.0.oauth, subject).await? {
            TakenBack::Nothing => Disconnected::NothingGranted,
            TakenBack::Revoked => Disconnected::Revoked,
            TakenBack::Forgotten => Disconnected::Forgotten,
            TakenBack::NotRevoked => Disconnected::NotRevoked,
        })
    }

    /// When the person's last end was, in milliseconds.
    pub(crate) async fn ended_before(&self, subject: &str) -> Result<u64, StoreError> {
        let found = self.0.shelf.read::<Person>(PEOPLE, subject).await?;
        Ok(found.map_or(0, |stored| stored.value.ended_before))
    }

    /// The moment of what begins now: after the person's last end, however short ago that was.
    pub(crate) async fn beginning(&self, subject: &str) -> Result<u64, StoreError> {
        let ended = self.ended_before(subject).await?;
        Ok(millis(self.now()).max(ended.saturating_add(1)))
    }

    /// Notes that a sign-in is this person's.
    pub(crate) async fn belongs(&self, subject: &str, id: &str) -> Result<(), StoreError> {
        let too_many = |person: &Person| person.sign_ins.len().saturating_sub(MOST - 1);
        let found = self.0.shelf.read::<Person>(PEOPLE, subject).await?;
        let person = found.map(|stored| stored.value).unwrap_or_default();
        for oldest in &person.sign_ins[..too_many(&person)] {
            self.end(oldest).await?;
        }
        self.0
            .shelf
            .change(PEOPLE, subject, self.now() + LIFE, |found: Option<Person>| {
                let mut person = found.unwrap_or_default();
                person.sign_ins.retain(|one| one != id);
                let drop = too_many(&person);
                person.sign_ins.drain(..drop);
                person.sign_ins.push(id.to_owned());
                person
            })
            .await
    }

    /// Notes what the provider withheld; returns what of it was withheld the last time, too.
    pub(crate) async fn withheld_again(
        &self,
        subject: &str,
        withheld: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let found = self.0.shelf.read::<Person>(PEOPLE, subject).await?;
        let before = found.map(|stored| stored.value.withheld).unwrap_or_default();
        if withheld != before {
            self.0
                .shelf
                .change(PEOPLE, subject, self.now() + LIFE, |found: Option<Person>| {
                    let mut person = found.unwrap_or_default();
                    person.withheld.clone_from(&withheld);
                    person
                })
                .await?;
        }
        Ok(withheld.into_iter().filter(|scope| before.contains(scope)).collect())
    }

    /// Notes that a sign-in is over.
    pub(crate) async fn no_longer_belongs(
        &self,
        subject: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        self.0
            .shelf
            .change(PEOPLE, subject, self.now() + LIFE, |found: Option<Person>| {
                let mut person = found.unwrap_or_default();
                person.sign_ins.retain(|one| one != id);
                person
            })
            .await
    }

    /// The person's sign-ins that have not expired, with the clients they were for.
    pub(crate) async fn sign_ins(
        &self,
        subject: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let found = self.0.shelf.read::<Person>(PEOPLE, subject).await?;
        let mut live = Vec::new();
        for id in found.map(|stored| stored.value.sign_ins).unwrap_or_default() {
            if let Some(sign_in) = self.0.shelf.read::<SignIn>(SIGN_INS, &id).await? {
                live.push((id, sign_in.value.client_id));
            }
        }
        Ok(live)
    }

    /// Makes a session of the browser's; a new one each time, so that none can be planted.
    pub(crate) async fn sign_in(&self, subject: &str, at: u64) -> Result<String, StoreError> {
        let id = random::text();
        let session = Session { subject: subject.to_owned(), at };
        self.0.shelf.put(SESSIONS, &id, &session, self.now() + cookie::SESSION).await?;
        Ok(id)
    }

    /// Who signed in with this browser last.
    pub(crate) async fn signed_in(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<String>, StoreError> {
        let Some(id) = self.0.cookies.session(headers) else { return Ok(None) };
        let Some(found) = self.0.shelf.read::<Session>(SESSIONS, &id).await? else {
            return Ok(None);
        };
        let Session { subject, at } = found.value;
        Ok((at > self.ended_before(&subject).await?).then_some(subject))
    }
}
