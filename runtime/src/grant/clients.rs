//! Clients through which a person lets the tools use a grant.

use std::{sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::millis;
use crate::support::crypto;

/// The most clients of one grant. A further one replaces the one that was allowed first.
pub(crate) const MAX_GRANT_CLIENTS: usize = 32;

/// The longest identifier that is stored as it is.
const MAX_ID_LEN: usize = 200;

/// What begins the digest of an identifier that is not stored as it is.
const DIGEST_PREFIX: &str = "sha256 ";

/// The longest name of a client, in characters.
const MAX_NAME_CHARS: usize = 80;

/// The clients that a person allowed to use a grant, the first one first. Clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<GrantClient>", into = "Vec<GrantClient>")]
pub(crate) struct GrantClients(Arc<[GrantClient]>);

/// A client that a person allowed to use a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantClient {
    id: String,
    name: String,
    #[serde(with = "millis")]
    since: SystemTime,
}

impl GrantClient {
    /// The client with this `client_id`; `name` is what people read.
    pub(crate) fn new(id: &str, name: &str, since: SystemTime) -> Self {
        Self { id: stored_id(id), name: printable_name(name), since }
    }

    /// The identifier in forms: that of the client, or its digest.
    pub(crate) fn key(&self) -> &str {
        &self.id
    }

    /// The name that people read.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn has_id(&self, id: &str) -> bool {
        if is_stored_as_it_is(id) { self.id == id } else { self.id == stored_id(id) }
    }
}

impl GrantClients {
    /// Whether the client with this `client_id` may use the grant.
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|client| client.has_id(id))
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, GrantClient> {
        self.0.iter()
    }

    /// These clients and one more, which is the last.
    pub(crate) fn with(&self, client: GrantClient) -> Self {
        let others = self.0.iter().filter(|one| one.id != client.id);
        let mut all: Vec<_> = others.cloned().collect();
        all.push(client);
        all.drain(..all.len().saturating_sub(MAX_GRANT_CLIENTS));
        Self(all.into())
    }

    /// These clients without the one that has this [key](GrantClient::key).
    pub(crate) fn without(&self, key: &str) -> Self {
        Self(self.0.iter().filter(|one| one.id != key).cloned().collect())
    }
}

impl From<Vec<GrantClient>> for GrantClients {
    fn from(clients: Vec<GrantClient>) -> Self {
        Self(clients.into())
    }
}

impl From<GrantClients> for Vec<GrantClient> {
    fn from(clients: GrantClients) -> Self {
        clients.0.to_vec()
    }
}

/// Whether an identifier is short, fits into a form and is not the digest of another one.
fn is_stored_as_it_is(id: &str) -> bool {
    (1..=MAX_ID_LEN).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
        && !id.starts_with(DIGEST_PREFIX)
}

fn stored_id(id: &str) -> String {
    if is_stored_as_it_is(id) {
        id.to_owned()
    } else {
        format!("{DIGEST_PREFIX}{}", crypto::sha256_base64url(id))
    }
}

fn printable_name(name: &str) -> String {
    printable(name).unwrap_or_else(|| "an application without a name".to_owned())
}

/// A name of bounded length, without characters that are invisible or change the direction of text.
/// `None`: nothing of it is left.
pub(super) fn printable(name: &str) -> Option<String> {
    let is_shown = |c: &char| {
        !c.is_control()
            && !matches!(c,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let name: String = name.chars().filter(is_shown).take(MAX_NAME_CHARS).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> GrantClient {
        GrantClient::new(id, id, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_client_is_recognised_by_the_whole_identifier() {
        let long = "x".repeat(3000);
        let clients = GrantClients::default().with(client("codex")).with(client(&long));
        assert!(clients.contains("codex") && clients.contains(&long));
        let digest = clients.iter().last().unwrap().key().to_owned();
        for other in ["", "code", "codexx", "codex\n", &long[1..], &digest] {
            assert!(!clients.contains(other), "{other}");
        }
        assert!(!clients.without("codex").contains("codex"));
        let nameless = clients.with(client(""));
        assert!(nameless.contains("") && nameless.contains("codex"));
        assert!(nameless.iter().all(|client| !client.key().is_empty()), "keys are sent in forms");
        assert!(!clients.without(&digest).contains(&long));
    }

    #[test]
    fn the_clients_of_one_grant_are_bounded_and_small() {
        let mut clients = GrantClients::default();
        for n in 0..1000 {
            let id = format!("{n}{}", "x".repeat(3000));
            clients = clients.with(GrantClient::new(&id, &id, SystemTime::UNIX_EPOCH));
        }
        assert_eq!(clients.iter().count(), MAX_GRANT_CLIENTS);
        assert!(clients.contains(&format!("999{}", "x".repeat(3000))), "the last one is there");
        assert!(serde_json::to_vec(&clients).unwrap().len() < 10_000);
        let again = clients.with(clients.iter().last().unwrap().clone());
        assert_eq!(again.iter().count(), MAX_GRANT_CLIENTS, "no client is there twice");
    }

    #[test]
    fn a_name_has_no_invisible_characters() {
        let name = |name: &str| GrantClient::new("id", name, SystemTime::UNIX_EPOCH).name;
        assert_eq!(name("Cla\u{200b}ude\u{202e}edoC\n\u{1b}[1m"), "ClaudeedoC[1m");
        assert_eq!(name(" \u{feff} "), "an application without a name");
    }

    #[test]
    fn clients_are_read_as_they_were_written() {
        let clients = GrantClients::default().with(client("a")).with(client("b"));
        let text = serde_json::to_string(&clients).unwrap();
        assert_eq!(serde_json::from_str::<GrantClients>(&text).unwrap(), clients);
    }
}
