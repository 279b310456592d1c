//! Serialised form of a grant, inside the seal only.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    account::GrantAccount,
    clients::GrantClients,
    millis::{from_millis, to_millis},
    model::{Grant, GrantState, Renewal},
};
use crate::provider::PlaceholderValues;

#[derive(Serialize)]
struct SerializedGrant<'a> {
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    scopes: &'a BTreeSet<String>,
    expires_at: Option<u64>,
    obtained_at: u64,
    state: Cow<'a, GrantState>,
    renewal: Option<&'a Renewal>,
    clients: Option<&'a GrantClients>,
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    placeholders: &'a PlaceholderValues,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a GrantAccount>,
}

#[derive(Deserialize)]
struct DeserializedGrant {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    scopes: BTreeSet<String>,
    expires_at: Option<u64>,
    obtained_at: u64,
    state: GrantState,
    renewal: Option<Renewal>,
    /// Without the member, which grants of earlier versions have not, no client is allowed yet.
    #[serde(default = "no_clients")]
    clients: Option<GrantClients>,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    placeholders: PlaceholderValues,
    #[serde(default)]
    account: Option<GrantAccount>,
}

#[allow(clippy::unnecessary_wraps, reason = "a default has the type of its field")]
fn no_clients() -> Option<GrantClients> {
    Some(GrantClients::default())
}

pub(crate) fn write(grant: &Grant) -> Zeroizing<Vec<u8>> {
    let serialized = SerializedGrant {
        access_token: grant.access_token.expose_secret(),
        refresh_token: grant.refresh_token.as_ref().map(ExposeSecret::expose_secret),
        scopes: &grant.scopes,
        expires_at: grant.expires_at.map(to_millis),
        obtained_at: to_millis(grant.obtained_at),
        state: Cow::Borrowed(&grant.state),
        renewal: grant.renewal.as_ref(),
        clients: grant.clients.as_ref(),
        origin: grant.origin.as_deref(),
        placeholders: &grant.placeholders,
        account: grant.account.as_deref(),
    };
    // Large enough from the start: a buffer that grows leaves a copy of the tokens in memory.
    let tokens = serialized.access_token.len() + serialized.refresh_token.map_or(0, str::len);
    let scopes: usize = grant.scopes.iter().map(|scope| scope.len() + 8).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(2 * (tokens + scopes) + 4096));
    serde_json::to_writer(&mut *out, &serialized).expect("strings and numbers are JSON");
    out
}

pub(crate) fn read(bytes: &[u8]) -> Option<Grant> {
    let read: DeserializedGrant = serde_json::from_slice(bytes).ok()?;
    Some(Grant {
        access_token: read.access_token,
        refresh_token: read.refresh_token,
        scopes: read.scopes,
        expires_at: read.expires_at.map(from_millis),
        obtained_at: from_millis(read.obtained_at),
        state: read.state,
        renewal: read.renewal,
        clients: read.clients,
        origin: read.origin,
        placeholders: read.placeholders,
        account: read.account.map(Arc::new),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::grant::{account::AccountIdentity, clients::GrantClient, model::DeadReason};

    #[test]
    fn a_grant_is_read_as_it_was_written() {
        let at = from_millis(1_800_000_000_123);
        let mut grant = Grant::new("a", at)
            .refresh_token("r")
            .scopes(["repo:read", "repo:write"])
            .expires_in(Duration::from_mins(1));
        grant.renewal = Some(Renewal::new(&SecretString::from("r"), at));
        grant.state = GrantState::Dead { reason: DeadReason::Interrupted };
        grant.clients = Some(GrantClients::default().with(GrantClient::new("c", "C", at)));
        grant.origin = Some("https://forge.example".to_owned());
        grant.placeholders.insert("tenant".to_owned(), "acme".to_owned());
        let identity = AccountIdentity::new("583231", Some("octocat"));
        let account = GrantAccount { name: Some("work".to_owned()), ..GrantAccount::of(identity) };
        grant.account = Some(Arc::new(account));
        let back = read(&write(&grant)).unwrap();
        assert_eq!(back.access_token.expose_secret(), "a");
        assert_eq!(back.refresh_token.unwrap().expose_secret(), "r");
        assert_eq!(
            (back.scopes, back.expires_at, back.obtained_at, back.state, back.renewal),
            (grant.scopes, grant.expires_at, grant.obtained_at, grant.state, grant.renewal)
        );
        assert_eq!((back.clients, back.origin), (grant.clients, grant.origin));
        assert_eq!(back.placeholders, grant.placeholders);
        assert_eq!(back.account, grant.account);
    }

    #[test]
    fn a_grant_of_an_earlier_version_has_no_client_yet() {
        let old = br#"{"access_token":"a","refresh_token":null,"scopes":[],"expires_at":null,"obtained_at":0,"state":"live","renewal":null}"#;
        let grant = read(old).unwrap();
        assert!(!grant.allows("codex") && !grant.allows(""));
        assert!(grant.is_from(Some("https://forge.example")), "its origin is not known");
        assert_eq!(grant.account, None, "whose account it is, is not known");
        let made = read(&write(&Grant::new("a", from_millis(0)))).unwrap();
        assert!(made.allows("codex"), "a program lets every client use it");
    }

    #[test]
    fn other_bytes_are_no_grant() {
        assert!(read(b"{}").is_none());
        assert!(read(b"").is_none());
    }
}
