//! `requestState`: the sealed text that a client returns when it retries a call.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::grant::Sealer;

/// The lifetime of a `requestState`: that of the links which it names.
pub(super) const STATE_TTL: Duration = Duration::from_secs(600);

const PURPOSE: &str = "requestState";

/// The pending consents of one call, bound to its caller, its tool and its arguments.
#[derive(Serialize, Deserialize)]
pub(super) struct RequestState {
    subject: String,
    /// The client that called, where it matters.
    client: Option<String>,
    tool: String,
    /// SHA-256 of the arguments.
    digest: Vec<u8>,
    /// The ID of a consent for each provider.
    consents: BTreeMap<String, String>,
    /// In seconds since 1970.
    until: u64,
}

/// The call that a state belongs to.
pub(super) struct CallIdentity<'a> {
    /// The URL of the server. Another one may have the same key.
    pub(super) server: &'a str,
    pub(super) subject: &'a str,
    pub(super) client: Option<&'a str>,
    pub(super) tool: &'a str,
    pub(super) digest: &'a [u8],
}

impl RequestState {
    pub(super) fn new(
        call: &CallIdentity<'_>,
        consents: BTreeMap<String, String>,
        now: SystemTime,
    ) -> Self {
        Self {
            subject: call.subject.to_owned(),
            client: call.client.map(str::to_owned),
            tool: call.tool.to_owned(),
            digest: call.digest.to_vec(),
            consents,
            until: unix_seconds(now) + STATE_TTL.as_secs(),
        }
    }

    pub(super) fn seal(&self, sealer: &Sealer, server: &str) -> String {
        // Strings, bytes and a number always serialize.
        let plain = serde_json::to_vec(self).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(sealer.seal(PURPOSE, &[server], &plain))
    }

    /// The consents of `text` by provider, if it was sealed for this very call and has not expired.
    pub(super) fn open(
        text: &str,
        sealer: &Sealer,
        call: &CallIdentity<'_>,
        now: SystemTime,
    ) -> Option<BTreeMap<String, String>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = sealer.open(PURPOSE, &[call.server], &bytes).ok()?;
        let state: Self = serde_json::from_slice(&plain).ok()?;
        let valid = state.subject == call.subject
            && state.client.as_deref() == call.client
            && state.tool == call.tool
            && state.digest == call.digest
            && state.until > unix_seconds(now);
        valid.then_some(state.consents)
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
