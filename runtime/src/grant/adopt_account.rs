//! Grants of identified accounts: the tokens of a consent are stored in the row of their account, and
//! in no other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    account::{AccountIdentity, GrantAccount, MAX_ACCOUNTS},
    accounts::connected,
    adopt::NewGrant,
    model::{Grant, GrantKey, GrantState, Stored},
    refresh::Grants,
    store_error::{SaveError, StoreError},
};

/// The account that a consent is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WantedAccount {
    /// The default account.
    #[default]
    Default,
    /// The one with this key.
    Named(String),
    /// One that is not connected yet.
    Another,
}

/// The account whose grant was stored.
#[derive(Debug)]
pub(crate) struct Adopted {
    /// What it is called.
    pub(crate) name: String,
    /// The account that the waiting call uses, if that is another one.
    pub(crate) instead_of: Option<String>,
    /// Whether the person has several accounts at the provider.
    pub(crate) is_one_of_several: bool,
}

impl Adopted {
    /// Whether people have to know which account it is: they have several, or it is not the one that
    /// was asked for.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_one_of_several || self.instead_of.is_some()
    }
}

/// Why a grant was not stored.
#[derive(Debug)]
pub(crate) enum AdoptError {
    Store(StoreError),
    /// The person has connected the maximum number of accounts.
    TooManyAccounts,
}

impl From<StoreError> for AdoptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Grants {
    /// Stores what a consent has given for the account of this identity.
    pub(crate) async fn adopt_account(
        &self,
        first: &GrantKey,
        mut new: NewGrant<'_>,
        identity: &AccountIdentity,
        wanted: &WantedAccount,
    ) -> Result<Adopted, AdoptError> {
        loop {
            let rows = self.account_rows(&first.subject, &first.provider).await?;
            let place = Place::of(first, &rows, identity, wanted);
            let is_new =
                !rows.iter().any(|(key, row)| *key == place.key && !row.value.is_disconnected());
            let present = rows.iter().filter(|(_, row)| !row.value.is_disconnected()).count();
            if is_new && present >= MAX_ACCOUNTS {
                return Err(AdoptError::TooManyAccounts);
            }
            new.is_same_account = place.is_same;
            let before = connected(rows);
            let found = place.found;
            let known = found.as_ref().and_then(|row| row.value.account.as_deref());
            let account = GrantAccount {
                name: known.filter(|_| place.is_same).and_then(|known| known.name.clone()),
                default: known.and_then(|known| known.default.clone()),
                ..GrantAccount::of(identity.clone())
            };
            match self.adopt_over(&place.key, &new, found, Some(Arc::new(account))).await {
                Ok(()) => {}
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => continue,
                Err(SaveError::Store(error)) => return Err(error.into()),
            }
            let default = before.iter().find(|account| account.is_default);
            let used = match wanted {
                WantedAccount::Another => None,
                WantedAccount::Named(key) => before.iter().find(|one| one.key.account == *key),
                WantedAccount::Default => match default {
                    Some(default) if default.key != place.key => {
                        // The person has connected another account in the place of one that has ended.
                        let is_alive = default.grant.state == GrantState::Live;
                        if !is_alive {
                            self.set_default_account(&place.key).await?;
                        }
                        is_alive.then_some(default)
                    }
                    _ => None,
                },
            };
            let instead_of =
                used.filter(|used| used.key != place.key).map(|used| used.name.clone());
            let after = self.accounts(&first.subject, &first.provider).await?;
            let is_one_of_several = after.len() > 1;
            let stored = after.into_iter().find(|account| account.key == place.key);
            let name = stored.map(|account| account.name).unwrap_or_default();
            return Ok(Adopted { name, instead_of, is_one_of_several });
        }
    }
}

/// Where the grant of an account is stored.
struct Place {
    key: GrantKey,
    found: Option<Stored<Grant>>,
    /// Whether the row that was found is known to be of the same account.
    is_same: bool,
}

impl Place {
    fn of(
        first: &GrantKey,
        rows: &[(GrantKey, Stored<Grant>)],
        identity: &AccountIdentity,
        wanted: &WantedAccount,
    ) -> Self {
        let is_same = |grant: &Grant| grant.identity().is_some_and(|known| known.is_same(identity));
        if let Some((key, row)) = rows.iter().find(|(_, row)| is_same(&row.value)) {
            return Self { key: key.clone(), found: Some(row.clone()), is_same: true };
        }
        let found = rows.iter().find(|(key, _)| key == first).map(|(_, row)| row.clone());
        let is_free = match &found {
            None => true,
            Some(row) if row.value.is_disconnected() => true,
            // The account of the old grant is unknown, so the grant is replaced as a whole.
            Some(row) => row.value.identity().is_none() && *wanted != WantedAccount::Another,
        };
        if is_free {
            return Self { key: first.clone(), found, is_same: false };
        }
        Self { key: first.account(identity.key()), found: None, is_same: false }
    }
}

#[cfg(test)]
mod tests;
