//! Account of a person at a provider: its identity, and the name that the person gives it.

use serde::{Deserialize, Serialize};

use super::clients::printable;
use crate::{provider::PlaceholderValues, support::crypto};

/// The most accounts that one person may have connected at one provider.
pub(crate) const MAX_ACCOUNTS: usize = 8;

/// The longest name that a person may give an account, in characters.
pub(crate) const MAX_ACCOUNT_NAME_CHARS: usize = 40;

/// The name of an account that the provider has not identified.
pub(super) const UNNAMED: &str = "default";

/// What is known of the account of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantAccount {
    /// The identity that the provider reports. `None`: the account was connected before accounts were
    /// identified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<AccountIdentity>,
    /// The name that the person gave it, if it differs from the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// In the first account only: the default account, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
}

impl GrantAccount {
    /// The account of this identity, which has no other name yet.
    pub(crate) fn of(identity: AccountIdentity) -> Self {
        Self { identity: Some(identity), name: None, default: None }
    }

    /// The name, if one is known.
    pub(super) fn shown_name(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.identity.as_ref()?.label.as_deref())
    }
}

/// The identity of an account at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountIdentity {
    /// The provider's identifier. No two accounts have the same.
    id: String,
    /// The provider's name of it for people: a login or an address. It may change.
    label: Option<String>,
}

impl AccountIdentity {
    /// The account with this identifier; `label` is what people read.
    pub(crate) fn new(id: impl Into<String>, label: Option<&str>) -> Self {
        Self { id: id.into(), label: label.and_then(printable) }
    }

    /// The identity at a provider whose address differs from person to person, with that address: an
    /// identifier is unique at one address only.
    pub(crate) fn at(mut self, address: &PlaceholderValues) -> Self {
        for (name, value) in address {
            self.id.extend(["\n", name.as_ref(), "=", value.as_ref()]);
        }
        self
    }

    /// Whether it is the same account, whatever it is called by now.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The account's part of a [`GrantKey`](super::GrantKey), which does not show the identifier.
    pub(crate) fn key(&self) -> String {
        crypto::sha256_base64url(&format!("account {}", self.id))
    }
}

/// The name that a person gives an account, if it can be one.
pub(crate) fn account_name(text: &str) -> Option<String> {
    printable(text).filter(|name| name.chars().count() <= MAX_ACCOUNT_NAME_CHARS)
}

/// Whether two names are the same to people and models.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    let folded = |name: &str| name.trim().to_lowercase();
    folded(one) == folded(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_identified_by_its_identifier_and_its_address() {
        let octocat = AccountIdentity::new("583231", Some("octocat"));
        let renamed = AccountIdentity::new("583231", Some("octopus"));
        assert!(octocat.is_same(&renamed) && octocat.key() == renamed.key());
        let other = AccountIdentity::new("58323", Some("octocat"));
        assert!(!octocat.is_same(&other) && octocat.key() != other.key());
        let shop = |shop: &str| {
            let address = PlaceholderValues::from([("shop".to_owned(), shop.to_owned())]);
            AccountIdentity::new("1", None).at(&address)
        };
        assert!(shop("acme").is_same(&shop("acme")) && !shop("acme").is_same(&shop("other")));
        assert!(!octocat.key().contains("583231"), "a key is shown in forms and databases");
    }

    #[test]
    fn a_name_is_short_and_visible() {
        assert_eq!(account_name(" work \u{202e}").as_deref(), Some("work"));
        assert_eq!(account_name("\u{200b} \n"), None);
        assert_eq!(account_name(&"x".repeat(MAX_ACCOUNT_NAME_CHARS + 1)), None);
        assert!(is_same_name("Work ", "work") && !is_same_name("work", "works"));
    }
}
