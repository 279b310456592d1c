//! One renewal: lease, record, request, write.
//!
//! The order is the point. Before the refresh token is spent, a record of the intent is written
//! to the grant; after it is spent, the answer is written before anybody sees it. A process that
//! dies between the two leaves the record, and a lease that ends.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep, timeout};

use super::{Inner, Why};
use crate::grant::{
    Access, AccessError, DeadReason, Grant, GrantKey, GrantState, Renew, Renewal, Revision,
    SaveError, Stored, TokenError, TokenResponse, same_secret,
};

/// How many renewals a minute the API's refusals may cause.
const FORCED: usize = 3;
/// How often a write that meets another is tried again: each time somebody else got ahead.
const CONFLICTS: usize = 8;
/// How often a write that failed is tried again, doubling a wait of 50 ms.
const WRITES: u32 = 5;

/// A refresh token about to be spent, and the row it came from.
#[derive(Clone)]
pub(crate) struct Spending {
    grant: Grant,
    refresh_token: SecretString,
    /// The revision of the row that holds the record.
    revision: Revision,
    /// Whether an earlier renewal with this token was cut off.
    interrupted: bool,
}

/// A renewal whose answer the store would not take: kept here so that it is not lost while the
/// process lives.
#[derive(Clone)]
pub(crate) struct Parked {
    spending: Spending,
    renewed: Grant,
}

impl Inner {
    pub(crate) async fn renew(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        why: &Why,
    ) -> Result<Access, AccessError> {
        self.unpark(key).await?;
        // Longer than the lease of a holder that has died.
        let deadline = Instant::now() + self.policy.lease + self.policy.timeout;
        let lease = loop {
            let stored = match self.look(key, why).await? {
                Look::Enough(access) => return Ok(access),
                Look::Renew(stored) => stored,
            };
            self.optional_scopes(key, why)?;
            if let Some(lease) = self.store.lease(key, self.holder, self.policy.lease).await? {
                break lease;
            }
            if matches!(why, Why::Due) {
                return Ok(Access::of(&stored.value, stored.revision));
            }
            if Instant::now() >= deadline {
                return Err(AccessError::Busy { retry_after: None });
            }
            sleep(self.policy.poll).await;
        };
        let result = self.redeem(key, renew, why).await;
        // A renewal that could not be written keeps the lease: others had better wait.
        if !self.note(key, |memo| memo.parked.is_some())
            && let Err(error) = self.store.release(lease).await
        {
            tracing::warn!(provider = key.provider, %error, "lease not given back; it will end");
        }
        result
    }

    /// Reads the grant, and says whether it still needs what `why` asks for.
    async fn look(&self, key: &GrantKey, why: &Why) -> Result<Look, AccessError> {
        let stored = self.store.load(key).await?.ok_or(AccessError::Missing)?;
        if let GrantState::Dead { reason } = &stored.value.state {
            return Err(AccessError::Dead { reason: reason.clone() });
        }
        if !self.needs(key, &stored.value, why) {
            return Ok(Look::Enough(Access::of(&stored.value, stored.revision)));
        }
        if stored.value.refresh_token.is_none() {
            return Err(AccessError::Expired);
        }
        Ok(Look::Renew(Box::new(stored)))
    }

    /// Whether the provider may be asked now.
    fn optional_scopes(&self, key: &GrantKey, why: &Why) -> Result<(), AccessError> {
        let now = self.clock.now();
        self.note(key, |memo| {
            if let Some(wait) = memo.busy_until.and_then(|until| until.duration_since(now).ok())
                && !wait.is_zero()
            {
                return Err(AccessError::Busy { retry_after: Some(wait) });
            }
            memo.forced
                .retain(|at| now.duration_since(*at).is_ok_and(|age| age < Duration::from_mins(1)));
            if matches!(why, Why::Refused { .. }) && memo.forced.len() >= FORCED {
                return Err(AccessError::Rejected);
            }
            Ok(())
        })
    }

    /// Under the lease: the record, then the request.
    async fn redeem(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        why: &Why,
    ) -> Result<Access, AccessError> {
        for _ in 0..CONFLICTS {
            // Again, now that nobody else renews.
            let stored = match self.look(key, why).await? {
                Look::Enough(access) => return Ok(access),
                Look::Renew(stored) => stored,
            };
            let Stored { value: grant, revision } = *stored;
            let Some(refresh_token) = grant.refresh_token.clone() else {
                return Err(AccessError::Expired);
            };
            let interrupted =
                grant.renewal.as_ref().is_some_and(|renewal| renewal.is_of(&refresh_token));
            let revision = if interrupted {
                tracing::warn!(
                    provider = key.provider,
                    "a renewal was cut off; trying its refresh token once more"
                );
                revision
            } else {
                let mut marked = grant.clone();
                marked.renewal = Some(Renewal::of(&refresh_token, self.clock.now()));
                match self.store.save(key, &marked, revision).await {
                    Ok(revision) => revision,
                    Err(SaveError::Conflict) => continue,
                    Err(SaveError::Store(error)) => return Err(error.into()),
                }
            };
            if matches!(why, Why::Refused { .. }) {
                self.note(key, |memo| memo.forced.push(self.clock.now()));
            }
            let spending = Spending { grant, refresh_token, revision, interrupted };
            return self.ask(key, renew, spending).await;
        }
        Err(AccessError::Busy { retry_after: None })
    }

    async fn ask(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        spending: Spending,
    ) -> Result<Access, AccessError> {
        let asked_at = self.clock.now();
        let asking = renew.renew(&spending.refresh_token, &spending.grant.scopes);
        let answer = timeout(self.policy.timeout, asking).await.unwrap_or_else(|_| {
            let description = format!("no answer within {:?}", self.policy.timeout);
            Err(TokenError::Unreachable { description, maybe_sent: true })
        });
        match answer {
            Ok(renewed) => self.settle(key, spending, renewed, asked_at).await,
            Err(TokenError::InvalidGrant { description }) => {
                self.bury(key, &spending, description).await
            }
            Err(TokenError::Unreachable { description, maybe_sent }) => {
                self.postpone(key, &spending, maybe_sent, None).await;
                Err(AccessError::Unreachable { description })
            }
            Err(TokenError::Refused { status, description }) => {
                self.postpone(key, &spending, false, None).await;
                Err(AccessError::Refused { status, description })
            }
            Err(TokenError::Busy { retry_after }) => {
                self.postpone(key, &spending, false, retry_after).await;
                Err(AccessError::Busy { retry_after })
            }
        }
    }

    /// Writes the answer, patiently: the refresh token it replaces is gone.
    async fn settle(
        &self,
        key: &GrantKey,
        spending: Spending,
        renewed: TokenResponse,
        asked_at: SystemTime,
    ) -> Result<Access, AccessError> {
        let old = &spending.grant;
        let life = renewed.expires_in.filter(|life| !life.is_zero());
        let grant = Grant {
            access_token: renewed.access_token,
            refresh_token: renewed.refresh_token.or_else(|| old.refresh_token.clone()),
            scopes: renewed
                .scopes
                .filter(|scopes| !scopes.is_empty())
                .unwrap_or_else(|| old.scopes.clone()),
            expires_at: life.and_then(|life| asked_at.checked_add(life)),
            obtained_at: self.clock.now(),
            state: GrantState::Live,
            renewal: None,
        };
        let mut wait = Duration::from_millis(50);
        for _ in 1..WRITES {
            match self.write(key, &spending, &grant).await {
                Err(AccessError::Store(error)) => {
                    tracing::warn!(provider = key.provider, %error, "renewed grant not yet stored");
                }
                done => return self.calm(key, done),
            }
            sleep(wait).await;
            wait *= 2;
        }
        let parked = Parked { spending, renewed: grant };
        let done = self.write(key, &parked.spending, &parked.renewed).await;
        if let Err(AccessError::Store(error)) = &done {
            tracing::error!(
                provider = key.provider, %error,
                "a renewed grant could not be stored; it is kept in memory and tried again"
            );
            self.note(key, |memo| memo.parked = Some(parked));
        }
        self.calm(key, done)
    }

    /// Puts the new grant in the place of the one it renews, and of no other.
    async fn write(
        &self,
        key: &GrantKey,
        spending: &Spending,
        renewed: &Grant,
    ) -> Result<Access, AccessError> {
        let mut expected = spending.revision;
        for _ in 0..CONFLICTS {
            match self.store.save(key, renewed, expected).await {
                Ok(revision) => return Ok(Access::of(renewed, revision)),
                Err(SaveError::Store(error)) => return Err(error.into()),
                Err(SaveError::Conflict) => {}
            }
            // Disconnected meanwhile: do not bring it back.
            let row = self.store.load(key).await?.ok_or(AccessError::Missing)?;
            if !holds(&row.value, &spending.refresh_token) {
                // Another consent, or somebody who took an ended lease, has put a newer one.
                return alive(&row);
            }
            expected = row.revision;
        }
        Err(AccessError::Busy { retry_after: None })
    }

    /// Tries again to store what could not be stored.
    async fn unpark(&self, key: &GrantKey) -> Result<(), AccessError> {
        let Some(parked) = self.note(key, |memo| memo.parked.clone()) else { return Ok(()) };
        match self.write(key, &parked.spending, &parked.renewed).await {
            Err(error @ AccessError::Store(_)) => return Err(error),
            Ok(_) | Err(_) => self.note(key, |memo| memo.parked = None),
        }
        Ok(())
    }

    /// `invalid_grant`: unless somebody else has renewed meanwhile, the grant is dead.
    async fn bury(
        &self,
        key: &GrantKey,
        spending: &Spending,
        description: Option<String>,
    ) -> Result<Access, AccessError> {
        let reason = if spending.interrupted {
            DeadReason::Interrupted
        } else {
            let description = description.map(|text| presentable(&text, &spending.refresh_token));
            DeadReason::InvalidGrant { description }
        };
        tracing::warn!(provider = key.provider, %reason, "the grant is dead");
        for _ in 0..CONFLICTS {
            let row = self.store.load(key).await?.ok_or(AccessError::Missing)?;
            let renewed_elsewhere = !holds(&row.value, &spending.refresh_token)
                || row.value.obtained_at != spending.grant.obtained_at;
            if renewed_elsewhere {
                return alive(&row);
            }
            let mut dead = row.value;
            dead.state = GrantState::Dead { reason: reason.clone() };
            dead.renewal = None;
            match self.store.save(key, &dead, row.revision).await {
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => {
                    tracing::warn!(provider = key.provider, %error, "could not mark it dead");
                    break;
                }
                Ok(_) => break,
            }
        }
        self.calm(key, Err(AccessError::Dead { reason }))
    }

    /// A failure that may pass: the grant stays as it was, and the record too where the token may
    /// have been spent.
    async fn postpone(
        &self,
        key: &GrantKey,
        spending: &Spending,
        maybe_spent: bool,
        retry_after: Option<Duration>,
    ) {
        let now = self.clock.now();
        self.note(key, |memo| {
            memo.calm_until = now.checked_add(self.policy.cooldown);
            // A provider that says "in a year" is not believed.
            memo.busy_until =
                retry_after.and_then(|wait| now.checked_add(wait.min(Duration::from_mins(5))));
        });
        if !maybe_spent && !spending.interrupted {
            // Whoever wrote meanwhile wrote something newer; and a record left over costs no more
            // than a reason that says "interrupted".
            if let Err(SaveError::Store(error)) =
                self.store.save(key, &spending.grant, spending.revision).await
            {
                tracing::warn!(provider = key.provider, %error, "record of a renewal not removed");
            }
        }
    }

    /// The provider has answered: nothing to wait for.
    fn calm<T>(&self, key: &GrantKey, result: T) -> T {
        self.note(key, |memo| (memo.calm_until, memo.busy_until) = (None, None));
        result
    }
}

enum Look {
    Enough(Access),
    Renew(Box<Stored<Grant>>),
}

fn holds(grant: &Grant, refresh_token: &SecretString) -> bool {
    grant.refresh_token.as_ref().is_some_and(|held| same_secret(held, refresh_token))
}

fn alive(row: &Stored<Grant>) -> Result<Access, AccessError> {
    match &row.value.state {
        GrantState::Live => Ok(Access::of(&row.value, row.revision)),
        GrantState::Dead { reason } => Err(AccessError::Dead { reason: reason.clone() }),
    }
}

/// A provider's words, short, on one line, and without the token they are about.
fn presentable(text: &str, secret: &SecretString) -> String {
    let mut text = text.to_owned();
    if !secret.expose_secret().is_empty() {
        text = text.replace(secret.expose_secret(), "[redacted]");
    }
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
