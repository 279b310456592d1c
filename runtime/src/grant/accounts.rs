//! Accounts that a person has connected at one provider: the default, their names, and their removal.
//!
//! The first account has the row that servers with one account per person use, so a call of a person
//! with one account reads one row. The row also names the default account, if that is another one. When
//! the first account is disconnected while another one is the default, the row stays, without tokens.

use std::{collections::HashSet, sync::Arc};

use super::{
    account::{AccountIdentity, GrantAccount, is_same_name},
    model::{DeadReason, Grant, GrantKey, GrantState, Revision, Stored},
    refresh::{
        Grants,
        access::{Access, AccessError},
        renew::Renew,
    },
    store_error::{SaveError, StoreError},
};
use crate::trace::{Span, within};

/// An account that a person has connected, dead or alive.
pub(crate) struct ConnectedAccount {
    pub(crate) key: GrantKey,
    pub(crate) grant: Grant,
    /// The name. No other account of the person at the provider has the same.
    pub(crate) name: String,
    /// Whether calls that name no account use it.
    pub(crate) is_default: bool,
}

/// The result of [`Grants::rename_account`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renamed {
    Done,
    /// Another account has the name.
    Taken,
    /// There is no such account.
    Missing,
}

impl Grants {
    /// The person's accounts at the provider, the first one first.
    pub(crate) async fn accounts(
        &self,
        subject: &str,
        provider: &str,
    ) -> Result<Vec<ConnectedAccount>, StoreError> {
        Ok(connected(self.account_rows(subject, provider).await?))
    }

    /// The rows of the person's accounts at the provider, in the order of their keys.
    pub(super) async fn account_rows(
        &self,
        subject: &str,
        provider: &str,
    ) -> Result<Vec<(GrantKey, Stored<Grant>)>, StoreError> {
        let mut rows = Vec::new();
        for key in self.store().list(subject).await? {
            if key.provider == provider
                && let Some(row) = self.store().load(&key).await?
            {
                rows.push((key, row));
            }
        }
        Ok(rows)
    }

    /// Returns an access token of the default account, which calls use that name no account, and the
    /// key of that account.
    pub(crate) async fn default_access(
        &self,
        span: &Span,
        first: GrantKey,
        renew: &Arc<dyn Renew>,
    ) -> (GrantKey, Result<Access, AccessError>) {
        let stored = match within(span, self.store().load(&first)).await {
            Ok(stored) => stored,
            Err(error) => return (first, Err(error.into())),
        };
        let chosen = stored.as_ref().map(|row| row.value.account.as_deref());
        match chosen {
            Some(None | Some(GrantAccount { default: None, .. })) => {
                let access = self.access_of(span, &first, stored, renew).await;
                (first, access)
            }
            _ => Box::pin(self.other_default_access(span, first, renew)).await,
        }
    }

    /// As [`default_access`](Self::default_access), for a person whose default is not the first
    /// account.
    #[cold]
    async fn other_default_access(
        &self,
        span: &Span,
        first: GrantKey,
        renew: &Arc<dyn Renew>,
    ) -> (GrantKey, Result<Access, AccessError>) {
        let accounts = match self.accounts(&first.subject, &first.provider).await {
            Ok(accounts) => accounts,
            Err(error) => return (first, Err(error.into())),
        };
        let default = accounts.into_iter().find(|account| account.is_default);
        let Some(default) = default else { return (first, Err(AccessError::Missing)) };
        let access = self.access_in(span, &default.key, renew).await;
        (default.key, access)
    }

    /// Makes an account the default. `false`: there is no such account.
    pub(crate) async fn set_default_account(&self, key: &GrantKey) -> Result<bool, StoreError> {
        let first = key.account("");
        loop {
            let found = self.store().load(key).await?;
            if found.is_none_or(|row| row.value.is_disconnected()) {
                return Ok(false);
            }
            let row = self.store().load(&first).await?;
            let expected = row.as_ref().map_or(Revision::ABSENT, |row| row.revision);
            let mut grant = row.map_or_else(|| self.disconnected(None), |row| row.value);
            let mut account = grant.account.as_deref().cloned().unwrap_or_default();
            account.default = (*key != first).then(|| key.account.clone());
            grant.account = Some(Arc::new(account));
            match self.store().save(&first, &grant, expected).await {
                Ok(_) => return Ok(true),
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Gives an account a name; `None`: that of the provider.
    pub(crate) async fn rename_account(
        &self,
        key: &GrantKey,
        name: Option<&str>,
    ) -> Result<Renamed, StoreError> {
        let accounts = self.accounts(&key.subject, &key.provider).await?;
        let others = || accounts.iter().filter(|account| account.key != *key);
        if name.is_some_and(|name| others().any(|other| is_same_name(&other.name, name))) {
            return Ok(Renamed::Taken);
        }
        let changed = self.change_account(key, |account| account.name = name.map(str::to_owned));
        Ok(if changed.await? { Renamed::Done } else { Renamed::Missing })
    }

    /// Stores the identity of an account that was connected before accounts were identified.
    pub(crate) async fn set_identity(
        &self,
        key: &GrantKey,
        identity: &AccountIdentity,
    ) -> Result<(), StoreError> {
        let set = |account: &mut GrantAccount| {
            account.identity.get_or_insert_with(|| identity.clone());
        };
        self.change_account(key, set).await.map(drop)
    }

    /// Changes what is known of an account. `false`: there is none.
    async fn change_account(
        &self,
        key: &GrantKey,
        change: impl Fn(&mut GrantAccount) + Send + Sync,
    ) -> Result<bool, StoreError> {
        loop {
            let Some(row) = self.store().load(key).await? else { return Ok(false) };
            let mut grant = row.value;
            if grant.is_disconnected() {
                return Ok(false);
            }
            let mut account = grant.account.as_deref().cloned().unwrap_or_default();
            change(&mut account);
            grant.account = Some(Arc::new(account));
            match self.store().save(key, &grant, row.revision).await {
                Ok(_) => return Ok(true),
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Removes the row of an account that is disconnected. That of a first account keeps the choice of
    /// the default, while that account is there.
    pub(super) async fn remove_account(
        &self,
        key: &GrantKey,
        grant: Option<&Grant>,
    ) -> Result<(), StoreError> {
        let default = grant.and_then(|grant| grant.account.as_ref()?.default.clone());
        if let (true, Some(default)) = (key.account.is_empty(), default)
            && self.store().load(&key.account(&*default)).await?.is_some()
        {
            let disconnected = self.disconnected(Some(default));
            return self.put(key, disconnected).await.map(drop);
        }
        self.remove(key).await?;
        if key.account.is_empty() {
            return Ok(());
        }
        // If the account is connected again later, it must not be the default because of this choice.
        let first = key.account("");
        loop {
            let Some(row) = self.store().load(&first).await? else { return Ok(()) };
            let mut grant = row.value;
            let chosen = grant.account.as_ref().and_then(|account| account.default.as_deref());
            if chosen != Some(&*key.account) {
                return Ok(());
            }
            if grant.is_disconnected() {
                return self.remove(&first).await;
            }
            let mut account = grant.account.as_deref().cloned().unwrap_or_default();
            account.default = None;
            grant.account = Some(Arc::new(account));
            match self.store().save(&first, &grant, row.revision).await {
                Ok(_) => return Ok(()),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// The remaining row of a first account that was disconnected.
    fn disconnected(&self, default: Option<String>) -> Grant {
        let mut grant = Grant::new("", self.now());
        grant.state = GrantState::Dead { reason: DeadReason::Disconnected };
        grant.account = Some(Arc::new(GrantAccount { default, ..GrantAccount::default() }));
        grant
    }
}

/// The accounts of these rows, each with a name of its own.
pub(super) fn connected(rows: Vec<(GrantKey, Stored<Grant>)>) -> Vec<ConnectedAccount> {
    let default = default_of(&rows).cloned();
    let mut names = HashSet::new();
    let present = rows.into_iter().filter(|(_, row)| !row.value.is_disconnected());
    let account = present.map(|(key, row)| {
        let called = row.value.account_name();
        let numbered = (2..).map(|number| format!("{called} ({number})"));
        let mut candidates = std::iter::once(called.to_owned()).chain(numbered);
        let free = candidates.find(|name| names.insert(name.to_lowercase()));
        let name = free.unwrap_or_default();
        let is_default = default.as_ref() == Some(&key);
        ConnectedAccount { key, grant: row.value, name, is_default }
    });
    account.collect()
}

/// The default account: the one that was chosen, or else the first.
fn default_of(rows: &[(GrantKey, Stored<Grant>)]) -> Option<&GrantKey> {
    let first = rows.first().filter(|(key, _)| key.account.is_empty());
    let chosen = first.and_then(|(_, row)| row.value.account.as_ref()?.default.as_deref());
    let mut present = rows.iter().filter(|(_, row)| !row.value.is_disconnected());
    let is_chosen = |(key, _): &&(GrantKey, _)| chosen == Some(&*key.account);
    let found = present.clone().find(is_chosen).or_else(|| present.next());
    found.map(|(key, _)| key)
}
