//! Entries of the audit: what was decided or done about a person's access, without a secret.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::grant::model::{DeadReason, GrantKey};

/// The longest name of an entry, in bytes: a subject, a client.
const MAX_NAME_BYTES: usize = 1024;

/// The most scopes of an entry, and the longest of them in bytes.
const MAX_SCOPES: usize = 48;
const MAX_SCOPE_BYTES: usize = 128;

/// Defines the events, each with its name in the export.
macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)*) => {
        /// What an entry is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(
            not(all(feature = "broker", any(feature = "postgres", feature = "sqlite"))),
            allow(dead_code, reason = "some are of features")
        )]
        pub(crate) enum AuditEvent {
            $($(#[$meta])* $variant,)*
        }

        impl AuditEvent {
            /// Its name in the export.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

events! {
    /// A person was given a link to connect an account.
    ConsentAsked = "consent_asked",
    /// A consent ended without a grant.
    ConsentFailed = "consent_failed",
    /// A grant was stored, new or in the place of another.
    AccountConnected = "account_connected",
    /// A person let a further client use an account.
    ClientAllowed = "client_allowed",
    /// A person refused a further client the use of an account.
    ClientRefused = "client_refused",
    /// An access token was renewed.
    TokenRefreshed = "token_refreshed",
    /// An access token was not renewed, for a reason that may be temporary.
    RefreshFailed = "refresh_failed",
    /// The provider no longer accepts a grant.
    GrantEnded = "grant_ended",
    /// A grant was removed.
    AccountDisconnected = "account_disconnected",
    /// A person signed in with the broker.
    SignedIn = "signed_in",
    /// A sign-in with the broker ended before its time.
    SignInEnded = "sign_in_ended",
    /// Tokens or requests of strangers were refused; counted.
    Refused = "refused",
    /// Grants of all people were listed.
    GrantsListed = "grants_listed",
    /// Grants of one person were listed.
    PersonShown = "person_shown",
    /// The data of a person were deleted.
    PersonDeleted = "person_deleted",
    /// Rows were sealed under the current key.
    KeysRotated = "keys_rotated",
    /// All rows were opened.
    StoreVerified = "store_verified",
    /// The database was moved here.
    StoreMigrated = "store_migrated",
    /// The audit was exported.
    AuditExported = "audit_exported",
    /// Entries that were left out, because they could not be written, or were too many of one person.
    EntriesLost = "entries_lost",
}

/// What an entry says. The names of the fields are those of the export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) event: Cow<'static, str>,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The ID of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    /// The account's part of the grant's key, which does not show whose account it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The identifier of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes: Vec<String>,
    /// The result, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<Cow<'static, str>>,
    /// The reason, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Cow<'static, str>>,
    /// How many there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// `operator` where it was done by a command of `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Cow<'static, str>>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// When it was, in milliseconds since 1970.
    pub(crate) at: u64,
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

impl Facts {
    pub(crate) fn new(event: AuditEvent) -> Self {
        Self { event: event.name().into(), ..Self::default() }
    }

    /// About a person.
    pub(crate) fn of(event: AuditEvent, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..Self::new(event) }
    }

    /// About a grant.
    pub(crate) fn of_grant(event: AuditEvent, key: &GrantKey) -> Self {
        let account = Some(&key.account).filter(|account| !account.is_empty());
        Self {
            provider: Some(key.provider.clone()),
            account: account.cloned(),
            ..Self::of(event, &key.subject)
        }
    }

    /// Through this client.
    pub(crate) fn client(self, client: Option<&str>) -> Self {
        Self { client: client.map(str::to_owned), ..self }
    }

    pub(crate) fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().take(MAX_SCOPES);
        Self { scopes: scopes.map(Into::into).collect(), ..self }
    }

    pub(crate) fn outcome(self, code: &impl Serialize) -> Self {
        Self { outcome: Some(code_of(code)), ..self }
    }

    pub(crate) fn reason(self, code: &impl Serialize) -> Self {
        Self { reason: Some(code_of(code)), ..self }
    }

    pub(crate) fn count(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The entry as it is stored: texts are cut at their maximum lengths.
    pub(super) fn to_json(&self, at: u64) -> String {
        let mut facts = self.clone();
        let names =
            [&mut facts.subject, &mut facts.provider, &mut facts.account, &mut facts.client];
        for name in names.into_iter().flatten() {
            cut(name, MAX_NAME_BYTES);
        }
        facts.scopes.truncate(MAX_SCOPES);
        for scope in &mut facts.scopes {
            cut(scope, MAX_SCOPE_BYTES);
        }
        serde_json::to_string(&Entry { at, facts }).expect("strings and numbers are JSON")
    }
}

/// The stable name of a reason that is serialised by its variant.
fn code_of(code: &impl Serialize) -> Cow<'static, str> {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(code)) => code.into(),
        _ => "other".into(),
    }
}

/// The code of the reason for which a grant has ended.
pub(crate) fn end_of(reason: &DeadReason) -> &'static str {
    match reason {
        DeadReason::InvalidGrant { .. } => "invalid_grant",
        DeadReason::Interrupted => "interrupted",
        DeadReason::Refused => "refused",
        DeadReason::Disconnected => "disconnected",
    }
}

fn cut(text: &mut String, max_bytes: usize) {
    if text.len() > max_bytes {
        let end = (0..=max_bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_is_never_long() {
        let key = GrantKey::new("alice", "forge").account("k");
        let facts = Facts::of_grant(AuditEvent::AccountConnected, &key).scopes(["repo:read"]);
        let json = facts.clone().client(Some("codex")).to_json(7);
        assert_eq!(
            json,
            r#"{"at":7,"event":"account_connected","subject":"alice","provider":"forge","account":"k","client":"codex","scopes":["repo:read"]}"#
        );
        let read: Entry = serde_json::from_str(&json).unwrap();
        assert_eq!((read.at, read.facts), (7, facts.client(Some("codex"))));

        let long =
            Facts::of(AuditEvent::SignedIn, &"é\u{1}".repeat(9000)).scopes(vec![
                "\u{1}"
                    .repeat(9000);
                900
            ]);
        let json = long.to_json(7);
        assert!(json.len() < crate::grant::records::MAX_RECORD_BYTES, "{}", json.len());
        let read: Entry = serde_json::from_str(&json).unwrap();
        assert_eq!(read.facts.scopes.len(), MAX_SCOPES);
    }
}
