//! Clients that register themselves, sealed into their `client_id` (RFC 7591).
//!
//! Nothing is stored for a registration: the client gives its identifier back with every
//! request. So no stranger fills the store, and no host is forgotten. The identifier is encrypted
//! and authenticated under the store's master key, for one issuer; the secret of a confidential
//! client is derived from it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::redirect;
use crate::{
    grant::{Records, Sealer},
    support::crypto,
};

/// The longest `client_id` of a client that registered itself. It is in the URL of each
/// authorization request, and some programs open no URL of more than 8 KiB.
pub(crate) const MAX_REGISTERED_ID_LEN: usize = 1990;

/// The beginning of every `client_id`, so that people recognise one.
const PREFIX: &str = "tg-";

/// The purpose for which identifiers are sealed, and secrets derived.
const PURPOSE: &str = "client";

/// The format of what is sealed.
const VERSION: u8 = 1;

const CONFIDENTIAL: u8 = 1;
const REFRESHES: u8 = 2;

/// A client that registered itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegisteredClient {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    /// Whether it has a secret.
    pub(crate) is_confidential: bool,
    pub(crate) refreshes: bool,
    /// When it registered, in seconds since 1970.
    pub(crate) issued_at: u64,
}

impl RegisteredClient {
    /// A version, flags, the time, and lines: the name, and the redirect URIs. Neither has line
    /// breaks.
    fn to_bytes(&self) -> Vec<u8> {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let flags = flag(self.is_confidential, CONFIDENTIAL) | flag(self.refreshes, REFRESHES);
        let mut bytes = vec![VERSION, flags];
        bytes.extend_from_slice(&self.issued_at.to_be_bytes());
        bytes.extend_from_slice(self.name.as_deref().unwrap_or_default().as_bytes());
        for uri in &self.redirect_uris {
            bytes.push(b'\n');
            bytes.extend_from_slice(uri.as_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[version, flags], rest) = bytes.split_first_chunk()?;
        let (issued_at, lines) = rest.split_first_chunk()?;
        let mut lines = std::str::from_utf8(lines).ok()?.split('\n');
        let name = lines.next().filter(|name| !name.is_empty()).map(str::to_owned);
        // What may be a redirect URI can change after the registration.
        let redirect_uris = lines.filter(|uri| redirect::check(uri).is_ok()).map(str::to_owned);
        (version == VERSION).then(|| Self {
            name,
            redirect_uris: redirect_uris.collect(),
            is_confidential: flags & CONFIDENTIAL != 0,
            refreshes: flags & REFRESHES != 0,
            issued_at: u64::from_be_bytes(*issued_at),
        })
    }
}

/// Seals registrations of one issuer, and opens them.
pub(crate) struct Registrations {
    sealer: Sealer,
    issuer: String,
}

impl Registrations {
    pub(crate) fn new(records: &dyn Records, issuer: &str) -> Self {
        Self { sealer: records.sealer().clone(), issuer: issuer.to_owned() }
    }

    /// The `client_id` of a registration, or `None` if it would be too long.
    pub(crate) fn seal(&self, client: &RegisteredClient) -> Option<String> {
        let sealed = self.sealer.seal(PURPOSE, &[&self.issuer], &client.to_bytes());
        let id = format!("{PREFIX}{}", crypto::base64url(&sealed));
        (id.len() <= MAX_REGISTERED_ID_LEN).then_some(id)
    }

    /// The registration with this `client_id`, unless another issuer made it, or nobody.
    pub(crate) fn open(&self, id: &str) -> Option<RegisteredClient> {
        if id.len() > MAX_REGISTERED_ID_LEN {
            return None;
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(id.strip_prefix(PREFIX)?).ok()?;
        let opened = self.sealer.open(PURPOSE, &[&self.issuer], &sealed).ok()?;
        RegisteredClient::from_bytes(&opened)
    }

    /// The secret of the confidential client with this `client_id`. It stays the same as long as the
    /// key that has sealed the `client_id` is one of the server's.
    pub(crate) fn secret(&self, id: &str) -> String {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(id.strip_prefix(PREFIX).unwrap_or_default());
        let sealed = sealed.unwrap_or_default();
        crypto::base64url(&self.sealer.mac_of(&sealed, PURPOSE, &[&self.issuer, id]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::MemoryStore;

    fn client() -> RegisteredClient {
        RegisteredClient {
            name: Some("Claude Code".to_owned()),
            redirect_uris: vec![
                "http://127.0.0.1/callback".to_owned(),
                "cursor://anysphere.cursor-retrieval/oauth/callback".to_owned(),
            ],
            is_confidential: true,
            refreshes: true,
            issued_at: 1_790_000_000,
        }
    }

    #[test]
    fn a_registration_opens_where_it_was_sealed() {
        let store = MemoryStore::new();
        let here = Registrations::new(&store, "https://tools.example");
        let id = here.seal(&client()).unwrap();
        assert!(id.len() < 260, "{} characters", id.len());
        assert_eq!(here.open(&id), Some(client()));
        let nameless = RegisteredClient { name: None, is_confidential: false, ..client() };
        assert_eq!(here.open(&here.seal(&nameless).unwrap()), Some(nameless));

        let elsewhere = Registrations::new(&store, "https://staging.example");
        assert_eq!(elsewhere.open(&id), None, "another issuer");
        assert_ne!(elsewhere.secret(&id), here.secret(&id));
        let other = Registrations::new(&MemoryStore::new(), "https://tools.example");
        assert_eq!(other.open(&id), None, "another key");
        assert_ne!(other.secret(&id), here.secret(&id));
        for wrong in ["", "tg-", "tg-x", &id[3..], &id[..id.len() - 1], &format!("{id}A")] {
            assert_eq!(here.open(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn two_registrations_of_the_same_metadata_are_two_clients() {
        let here = Registrations::new(&MemoryStore::new(), "https://tools.example");
        let (one, other) = (here.seal(&client()).unwrap(), here.seal(&client()).unwrap());
        assert_ne!(one, other);
        assert_ne!(here.secret(&one), here.secret(&other));
        assert_eq!(here.secret(&one), here.secret(&one));
    }

    #[test]
    fn a_uri_that_is_no_longer_allowed_is_left_out() {
        let here = Registrations::new(&MemoryStore::new(), "https://tools.example");
        let mut client = client();
        client.redirect_uris.push("javascript:alert(1)".to_owned());
        let opened = here.open(&here.seal(&client).unwrap()).unwrap();
        assert_eq!(opened.redirect_uris, client.redirect_uris[..2]);
    }

    #[test]
    fn a_registration_that_is_too_long_is_none() {
        let here = Registrations::new(&MemoryStore::new(), "https://tools.example");
        let long = format!("https://app.example/{}", "a".repeat(1500));
        let client = RegisteredClient { redirect_uris: vec![long], ..client() };
        assert_eq!(here.seal(&client), None);
    }
}
