//! Identity of a server in development: its keys, its ports and the time of its first start. All
//! programs that a supervisor starts one after another have the same.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::{
    grant::MasterKey,
    http::{Accepting, GatedListener},
    support::crypto,
};

/// The version of what is kept. Another one is not read.
const VERSION: u32 = 1;

/// The keys and ports. They are in memory alone, and there is no `Debug`, because it would show the keys.
#[derive(Serialize, Deserialize)]
pub(crate) struct DevIdentity {
    version: u32,
    /// In base64, for a store in memory and for what is sealed without a store.
    master_key: String,
    /// In base64: the key of tokens for which nobody signed in.
    issuer_key: Option<String>,
    /// The token of the inspector's page, where there is no directory to keep it in.
    page_token: Option<String>,
    /// When the first program was started, in milliseconds since 1970.
    started_at: u64,
    /// The ports of inherited listeners, by the names of those that listen there.
    ports: BTreeMap<String, u16>,
    #[cfg_attr(
        not(any(feature = "inspector", feature = "dev")),
        allow(dead_code, reason = "nothing else listens")
    )]
    #[serde(skip)]
    spares: Vec<TcpListener>,
    #[cfg_attr(
        not(any(feature = "inspector", feature = "dev")),
        allow(dead_code, reason = "nothing else listens")
    )]
    #[serde(skip)]
    accepting: Option<watch::Receiver<Accepting>>,
}

impl DevIdentity {
    /// The identity of a first program.
    fn new() -> Self {
        let mut key = [0; 32];
        crypto::fill_random(&mut key);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            version: VERSION,
            master_key: BASE64_STANDARD.encode(key),
            issuer_key: None,
            page_token: None,
            started_at: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            ports: BTreeMap::new(),
            spares: Vec::new(),
            accepting: None,
        }
    }

    /// What an earlier program kept, or a new identity.
    pub(super) fn of(
        kept: Option<&RawValue>,
        spares: Vec<TcpListener>,
        accepting: watch::Receiver<Accepting>,
    ) -> Self {
        let read = kept.map(|kept| serde_json::from_str::<Self>(kept.get()));
        let known = |identity: &Self| {
            identity.version == VERSION && MasterKey::from_base64(&identity.master_key).is_ok()
        };
        let mut identity = match read {
            Some(Ok(identity)) if known(&identity) => identity,
            Some(_) => {
                tracing::warn!(target: "toolgate::server", "the keys of the program before this one are of another version, so that people sign in again");
                Self::new()
            }
            None => Self::new(),
        };
        (identity.spares, identity.accepting) = (spares, Some(accepting));
        identity
    }

    /// The key of a store in memory, and of what is sealed without a store.
    pub(crate) fn master_key(&self) -> MasterKey {
        // The key was checked when the identity was read.
        MasterKey::from_base64(&self.master_key).unwrap_or_else(|_| MasterKey::generate())
    }

    /// The key of tokens for which nobody signed in, if one was kept.
    #[cfg(feature = "dev")]
    pub(crate) fn issuer_key(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.issuer_key.as_deref()?).ok()
    }

    #[cfg(feature = "dev")]
    pub(crate) fn set_issuer_key(&mut self, key: &[u8]) {
        self.issuer_key = Some(BASE64_STANDARD.encode(key));
    }

    /// The token of the inspector's page; at first the one that `new` makes.
    #[cfg(feature = "inspector")]
    pub(crate) fn page_token(&mut self, new: impl FnOnce() -> String) -> &str {
        self.page_token.get_or_insert_with(new)
    }

    /// When the first program was started.
    #[cfg(feature = "inspector")]
    pub(crate) fn started_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.started_at)
    }

    /// When the first program was started.
    pub(crate) fn started(&self) -> Instant {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(self.started_at);
        let since = SystemTime::now().duration_since(at).unwrap_or_default();
        Instant::now().checked_sub(since).unwrap_or_else(Instant::now)
    }

    /// The inherited listener that has this name in all programs; `None` if there is none left.
    #[cfg_attr(
        not(any(feature = "inspector", feature = "dev")),
        allow(dead_code, reason = "nothing else listens")
    )]
    pub(crate) fn listener(&mut self, name: &str) -> Option<GatedListener> {
        let port = |spare: &TcpListener| spare.local_addr().ok().map(|address| address.port());
        let known = self.ports.get(name).copied();
        let at = self.spares.iter().position(|spare| {
            port(spare).is_some_and(|port| match known {
                Some(known) => port == known,
                None => !self.ports.values().any(|taken| *taken == port),
            })
        });
        let Some(at) = at else {
            tracing::debug!(target: "toolgate::server", name, "no inherited port is left, so this one changes with each start");
            return None;
        };
        let spare = self.spares.swap_remove(at);
        self.ports.insert(name.to_owned(), port(&spare)?);
        GatedListener::inherited(spare, self.accepting.clone()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;

    fn spares() -> Vec<TcpListener> {
        (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect()
    }

    fn accepting() -> watch::Receiver<Accepting> {
        watch::Sender::new(Accepting::Open).subscribe()
    }

    fn port(identity: &mut DevIdentity, name: &str) -> Option<u16> {
        identity.listener(name).map(|listener| listener.address().unwrap().port())
    }

    #[tokio::test]
    async fn a_name_has_the_same_port_in_the_next_program() {
        let spares = spares();
        let again = || spares.iter().rev().map(|spare| spare.try_clone().unwrap()).collect();
        let mut first = DevIdentity::of(None, again(), accepting());
        let (a, b) = (port(&mut first, "a").unwrap(), port(&mut first, "b").unwrap());
        let kept = to_raw_value(&first).unwrap();
        let mut second = DevIdentity::of(Some(&kept), again(), accepting());
        let c = port(&mut second, "c").unwrap();
        assert_eq!((port(&mut second, "b"), port(&mut second, "a")), (Some(b), Some(a)));
        assert!(c != a && c != b, "it was the port of another one");
        assert_eq!(port(&mut second, "d"), None, "none is left");
        assert_eq!(second.master_key, first.master_key);
    }

    #[tokio::test]
    async fn an_identity_that_cannot_be_read_is_replaced() {
        for kept in [
            "null",
            "[]",
            r#"{"version":1}"#,
            r#"{"version":2,"master_key":"","started_at":1,"ports":{}}"#,
        ] {
            let kept = RawValue::from_string(kept.to_owned()).unwrap();
            let identity = DevIdentity::of(Some(&kept), Vec::new(), accepting());
            assert_eq!(identity.version, VERSION);
            assert!(MasterKey::from_base64(&identity.master_key).is_ok());
        }
    }
}
