//! Grants and their parts.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    account::{AccountIdentity, GrantAccount, UNNAMED},
    clients::GrantClients,
    millis,
};
use crate::{oauth::UpstreamClient, provider::PlaceholderValues, support::crypto};

/// Identifies a grant: a user, a provider, and which of the user's accounts there.
///
/// No part may come from a secret that rotates, because a key must outlive every token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantKey {
    /// The user, as the gate names them.
    pub subject: String,
    /// The provider's ID, as `#[provider]` gives it.
    pub provider: String,
    /// Which of the user's accounts at the provider. Empty: the first, which most users have alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
}

impl GrantKey {
    /// Creates the key of `subject`'s grant at `provider`: that of the first account.
    pub fn new(subject: impl Into<String>, provider: impl Into<String>) -> Self {
        Self { subject: subject.into(), provider: provider.into(), account: String::new() }
    }

    /// Returns the key of another account of the same user at the same provider.
    #[must_use]
    pub fn account(&self, account: impl Into<String>) -> Self {
        Self { account: account.into(), ..Self::new(&*self.subject, &*self.provider) }
    }

    /// What a grant is sealed for. That of a first account is as before there were others.
    pub(in crate::grant) fn with_place<T>(&self, of: impl FnOnce(&[&str]) -> T) -> T {
        let parts = [&*self.subject, &*self.provider, &*self.account];
        of(if self.account.is_empty() { &parts[..2] } else { &parts })
    }
}

/// One user's consent at one provider, and its tokens.
///
/// `Debug` shows neither token. There is no public serialised form: a store seals a grant with
/// [`Sealer::seal_grant`](super::Sealer::seal_grant).
#[derive(Clone)]
#[non_exhaustive]
pub struct Grant {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token, if the provider gave one.
    pub refresh_token: Option<SecretString>,
    /// The granted scopes, which may be fewer than those requested.
    pub scopes: BTreeSet<String>,
    /// When the access token expires. `None`: the provider did not say, so it is used until the API
    /// refuses it.
    pub expires_at: Option<SystemTime>,
    /// When the access token was received.
    pub obtained_at: SystemTime,
    /// Whether the grant can still be used.
    pub state: GrantState,
    /// A renewal that was begun and whose result is not recorded.
    pub renewal: Option<Renewal>,
    /// The clients through which the user lets the tools use it. `None`: every client of the user,
    /// which holds for a grant that a program creates.
    pub(crate) clients: Option<GrantClients>,
    /// The origin of the token endpoint that issued the tokens. `None`: unknown.
    pub(crate) origin: Option<String>,
    /// The values of the provider's placeholders: those that the person gave, and those that came with
    /// the tokens.
    pub(crate) placeholders: PlaceholderValues,
    /// Whose account it is, and what its person calls it, where either is known. Clones share it.
    pub(crate) account: Option<Arc<GrantAccount>>,
}

impl Grant {
    /// Creates a live grant with an access token received at `obtained_at`, and nothing else.
    pub fn new(access_token: impl Into<String>, obtained_at: SystemTime) -> Self {
        Self {
            access_token: SecretString::from(access_token.into()),
            refresh_token: None,
            scopes: BTreeSet::new(),
            expires_at: None,
            obtained_at,
            state: GrantState::Live,
            renewal: None,
            clients: None,
            origin: None,
            placeholders: PlaceholderValues::new(),
            account: None,
        }
    }

    /// Sets the refresh token.
    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_token = Some(SecretString::from(token.into()));
        self
    }

    /// Sets the granted scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Whether a provider with this token endpoint's origin issued it, as far as that is known. Two
    /// providers may have had the same ID at different times.
    pub(crate) fn is_from(&self, origin: Option<&str>) -> bool {
        match (self.origin.as_deref(), origin) {
            (Some(issued), Some(now)) => issued == now,
            _ => true,
        }
    }

    /// Whether the provider of this client issued it, at the address of the person whose grant it is.
    pub(crate) fn is_issued_by(&self, oauth: &UpstreamClient) -> bool {
        match oauth.for_person(&self.placeholders) {
            Ok(oauth) => self.is_from(Some(oauth.origin())),
            Err(_) => false,
        }
    }

    /// Whose account it is, if that is known.
    pub(crate) fn identity(&self) -> Option<&AccountIdentity> {
        self.account.as_ref()?.identity.as_ref()
    }

    /// What its account is called.
    pub(super) fn account_name(&self) -> &str {
        self.account.as_deref().and_then(GrantAccount::shown_name).unwrap_or(UNNAMED)
    }

    /// Whether only the choice of the default is left of it: its account was disconnected while the
    /// person had others.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.state == GrantState::Dead { reason: DeadReason::Disconnected }
    }

    /// Whether the client with this `client_id` may use it.
    pub(crate) fn allows(&self, client: &str) -> bool {
        self.clients.as_ref().is_none_or(|clients| clients.contains(client))
    }

    /// Sets the access token's lifetime from the token response's `expires_in`.
    ///
    /// Zero means that the expiry is unknown: some providers send it for tokens without one.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_at =
            (!lifetime.is_zero()).then(|| self.obtained_at.checked_add(lifetime)).flatten();
        self
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("access_token", &"[redacted]")
            .field("refresh_token", &self.refresh_token.as_ref().map(|_| "[redacted]"))
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .field("obtained_at", &self.obtained_at)
            .field("state", &self.state)
            .field("renewal", &self.renewal)
            .field("clients", &self.clients)
            .field("origin", &self.origin)
            .field("placeholders", &self.placeholders)
            .field("account", &self.account)
            .finish()
    }
}

/// Whether a grant can still be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It can be used.
    Live,
    /// It cannot be used again. The user has to connect the provider again.
    Dead {
        /// Why.
        reason: DeadReason,
    },
}

/// Why a grant is dead. `Display` is for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadReason {
    /// The provider answered `invalid_grant`: revoked, or too long unused.
    InvalidGrant {
        /// The provider's `error_description`, shortened.
        description: Option<String>,
    },
    /// A renewal was interrupted before its result was stored, and the provider does not accept the
    /// old refresh token again.
    Interrupted,
    /// The provider's API no longer accepts its token, and there is no refresh token.
    Refused,
    /// The user has disconnected the account. Its tokens are gone.
    Disconnected,
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidGrant { description: Some(text) } => {
                write!(f, "the provider no longer accepts it (invalid_grant: {text})")
            }
            Self::InvalidGrant { description: None } => {
                f.write_str("the provider no longer accepts it (invalid_grant)")
            }
            Self::Refused => f.write_str("the provider's API no longer accepts its token"),
            Self::Disconnected => f.write_str("the user has disconnected the account"),
            Self::Interrupted => f.write_str(
                "interrupted refresh: the server stopped between renewing the token and storing it",
            ),
        }
    }
}

/// The record of a renewal in progress, stored before the refresh token is sent.
///
/// A record that no running renewal owns says that the refresh token may be spent already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// When the renewal began.
    #[serde(with = "millis")]
    pub since: SystemTime,
    digest: [u8; 32],
}

impl Renewal {
    pub(super) fn new(refresh_token: &SecretString, since: SystemTime) -> Self {
        Self { since, digest: digest(refresh_token) }
    }

    /// Whether this renewal was to spend `refresh_token`.
    pub(super) fn spends(&self, refresh_token: &SecretString) -> bool {
        crypto::constant_time_eq(self.digest, digest(refresh_token))
    }
}

fn digest(secret: &SecretString) -> [u8; 32] {
    crypto::sha256(secret.expose_secret().as_bytes())
}

/// Compares secrets in a time that depends on their lengths only.
pub(super) fn same_secret(one: &SecretString, other: &SecretString) -> bool {
    crypto::constant_time_eq(one.expose_secret(), other.expose_secret())
}

/// The revision of a row. Every write makes a new one.
///
/// Opaque except for equality. [`Revision::ABSENT`] means that there is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// No row. As the expected revision of a save: the row must not exist.
    pub const ABSENT: Self = Self(0);
}

/// A value and the revision it was read at.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// The value.
    pub value: T,
    /// The revision to pass when the value is replaced.
    pub revision: Revision,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let grant = Grant::new("at-secret", SystemTime::UNIX_EPOCH).refresh_token("rt-secret");
        let shown = format!("{grant:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("[redacted]"));
    }

    #[test]
    fn a_lifetime_of_zero_is_unknown() {
        let grant = Grant::new("a", SystemTime::UNIX_EPOCH).expires_in(Duration::ZERO);
        assert_eq!(grant.expires_at, None);
    }

    #[test]
    fn the_interrupted_reason_says_so() {
        assert!(DeadReason::Interrupted.to_string().starts_with("interrupted refresh"));
    }
}
