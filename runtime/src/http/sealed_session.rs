//! Sealed sessions: the identifier of a session is the session.
//!
//! A client before 2026-07-28 says once who it is and what it can do, and then names its session. The
//! identifier holds all of that, encrypted under the master key, so every process that has the key
//! serves the session, after a restart too, and an idle session takes no memory.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rmcp::model::{InitializeRequestParams, ProtocolVersion, SamplingCapability};

use super::session_binding::Binding;
use crate::{
    grant::Sealer,
    support::crypto::{base64url, fill_random},
};

/// How long a session lasts: longer than hosts keep a conversation open, and not so long that a
/// description of a client from a release of long ago still counts.
pub(crate) const SESSION_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The longest identifier. Proxies take headers of 4 KiB and more, and a client sends it each time.
pub(super) const MAX_SESSION_ID_LEN: usize = 1024;

/// What a sealed value needs besides its content.
const SEAL_BYTES: usize = 57;

/// The content before the description of the client: version, binding, begin, key and owner.
const HEADER_BYTES: usize = 1 + 1 + 8 + KEY_LEN + 32;

/// The longest description of a client.
const MAX_CLIENT_BYTES: usize = MAX_SESSION_ID_LEN / 4 * 3 - SEAL_BYTES - HEADER_BYTES;

/// The longest name and version of a client whose description is too long.
const MAX_CUT_NAME_LEN: usize = 64;

const KEY_LEN: usize = 16;
const VERSION: u8 = 1;
const PURPOSE: &str = "mcp-session";

/// The random bytes by which tables name a session.
pub(crate) type SessionKey = [u8; KEY_LEN];

/// A session, opened from its identifier.
pub(crate) struct Session {
    pub(super) id: Arc<str>,
    pub(super) key: SessionKey,
    pub(super) binding: Binding,
    pub(super) ends_at: SystemTime,
    /// What the client said of itself, with the revision that was negotiated.
    pub(super) client: InitializeRequestParams,
}

impl Session {
    /// When it began.
    pub(super) fn began(&self) -> SystemTime {
        self.ends_at - SESSION_TTL
    }
}

/// Makes and opens the identifiers of a server's sessions.
pub(super) struct SessionSealer {
    sealer: Sealer,
    /// The resource or the name of the server: servers may share a master key.
    server: String,
}

impl SessionSealer {
    pub(super) fn new(sealer: Sealer, server: String) -> Self {
        Self { sealer, server }
    }

    /// Makes the identifier of a new session. Of a client whose description is too long, parts are
    /// left out.
    pub(super) fn seal(
        &self,
        binding: Binding,
        began: SystemTime,
        client: InitializeRequestParams,
    ) -> Arc<str> {
        let mut content = Vec::with_capacity(MAX_SESSION_ID_LEN);
        content.extend_from_slice(&[VERSION, binding.tag()]);
        let began = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        content.extend_from_slice(&began.as_secs().to_be_bytes());
        let mut key = SessionKey::default();
        fill_random(&mut key);
        content.extend_from_slice(&key);
        content.extend_from_slice(&binding.digest());
        content.extend_from_slice(&describe(client));
        base64url(&self.sealer.seal(PURPOSE, &[&self.server], &content)).into()
    }

    /// Opens an identifier; `None` if it is not one of this server, or its session is over.
    pub(super) fn open(&self, id: &str, now: SystemTime) -> Option<Session> {
        if id.len() > MAX_SESSION_ID_LEN {
            return None;
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(id).ok()?;
        let content = self.sealer.open(PURPOSE, &[&self.server], &sealed).ok()?;
        let (&[VERSION, tag], content) = content.split_first_chunk()? else { return None };
        let (began, content) = content.split_first_chunk()?;
        let (key, content) = content.split_first_chunk()?;
        let (digest, client) = content.split_first_chunk()?;
        let binding = match tag {
            0 => Binding::Anonymous(*digest),
            1 => Binding::Caller(*digest),
            2 => Binding::Local,
            _ => return None,
        };
        let began = Duration::from_secs(u64::from_be_bytes(*began));
        let ends_at = SystemTime::UNIX_EPOCH.checked_add(began)?.checked_add(SESSION_TTL)?;
        let client = serde_json::from_slice(client).ok()?;
        let session = Session { id: id.into(), key: *key, binding, ends_at, client };
        (now < ends_at).then_some(session)
    }
}

impl Session {
    /// The protocol revision that was negotiated.
    pub(super) fn revision(&self) -> &ProtocolVersion {
        &self.client.protocol_version
    }
}

/// The description of a client as JSON of at most [`MAX_CLIENT_BYTES`]. What makes it too long is left
/// out in a fixed order: first what is only shown, then what only some servers ask for.
fn describe(mut client: InitializeRequestParams) -> Vec<u8> {
    client.meta = None;
    let cuts: [fn(&mut InitializeRequestParams); 8] = [
        |client| client.client_info.icons = None,
        |client| client.client_info.description = None,
        |client| client.client_info.website_url = None,
        |client| client.client_info.title = None,
        |client| client.capabilities.experimental = None,
        |client| client.capabilities.extensions = None,
        |client| cut_sampling(&mut client.capabilities.sampling),
        |client| {
            cut_text(&mut client.client_info.name);
            cut_text(&mut client.client_info.version);
        },
    ];
    let write = |client: &InitializeRequestParams| serde_json::to_vec(client).unwrap_or_default();
    let mut json = write(&client);
    for cut in cuts {
        if json.len() <= MAX_CLIENT_BYTES {
            break;
        }
        cut(&mut client);
        json = write(&client);
    }
    json
}

/// Leaves the settings out, and what is supported in.
#[allow(deprecated, reason = "clients of 2025 declare it")]
fn cut_sampling(sampling: &mut Option<SamplingCapability>) {
    let Some(sampling) = sampling else { return };
    for settings in [&mut sampling.tools, &mut sampling.context].into_iter().flatten() {
        settings.clear();
    }
}

fn cut_text(text: &mut String) {
    // A character may take six bytes in JSON, and a name of such characters is no name.
    text.retain(|c| !c.is_control());
    text.truncate(text.floor_char_boundary(MAX_CUT_NAME_LEN));
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::TestRunner};
    use rmcp::model::{ClientCapabilities, Implementation};
    use serde_json::json;

    use super::*;
    use crate::grant::MasterKey;

    fn sealer() -> SessionSealer {
        SessionSealer::new(Sealer::new(&MasterKey::generate()), "https://tools.example/mcp".into())
    }

    fn client() -> InitializeRequestParams {
        let info = Implementation::new("host", "1.2.3");
        let version = ProtocolVersion::V_2025_06_18;
        InitializeRequestParams::new(ClientCapabilities::default(), info)
            .with_protocol_version(version)
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    #[test]
    fn a_session_is_opened_as_it_was_sealed() {
        let sealer = sealer();
        for binding in [Binding::Local, Binding::Anonymous([7; 32]), Binding::Caller([9; 32])] {
            let id = sealer.seal(binding, now(), client());
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()) && id.len() < 400, "{id}");
            let session = sealer.open(&id, now()).unwrap();
            assert_eq!((session.binding, &session.client), (binding, &client()));
            assert_eq!((&session.id, session.ends_at), (&id, now() + SESSION_TTL));
            let other = sealer.open(&sealer.seal(binding, now(), client()), now()).unwrap();
            assert_ne!(session.key, other.key, "each session is its own");
        }
    }

    #[test]
    fn a_session_ends_by_itself() {
        let sealer = sealer();
        let id = sealer.seal(Binding::Local, now(), client());
        let second = Duration::from_secs(1);
        assert!(sealer.open(&id, now() + SESSION_TTL - second).is_some());
        assert!(sealer.open(&id, now() + SESSION_TTL).is_none());
        // The clock of another replica may be behind.
        assert!(sealer.open(&id, now() - second).is_some());
    }

    #[test]
    fn what_was_changed_or_sealed_elsewhere_is_no_session() {
        let sealer = sealer();
        let id = sealer.seal(Binding::Local, now(), client());
        for at in 0..id.len() {
            assert!(sealer.open(&id[..at], now()).is_none(), "cut at {at}");
            let mut changed = id.to_string().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(sealer.open(&changed, now()).is_none(), "{at}");
        }
        for other in [format!("{id}A"), format!("{id}="), format!(" {id}"), "é".repeat(600)] {
            assert!(sealer.open(&other, now()).is_none(), "{other}");
        }
        assert!(self::sealer().open(&id, now()).is_none(), "another key");
        let elsewhere =
            SessionSealer::new(sealer.sealer.clone(), "https://other.example/mcp".into());
        assert!(elsewhere.open(&id, now()).is_none(), "another server");
        let place = [sealer.server.as_str()];
        for content in [&b""[..], &[VERSION], &[VERSION; 300], &[0; 300], &[VERSION, 9]] {
            let value = sealer.sealer.seal(PURPOSE, &place, content);
            assert!(sealer.open(&base64url(&value), now()).is_none(), "{content:?}");
        }
        let grant = base64url(&sealer.sealer.seal("grant", &place, &[VERSION; 100]));
        assert!(sealer.open(&grant, now()).is_none(), "a value of another kind");
    }

    #[test]
    fn no_text_and_no_content_is_a_session_by_chance() {
        let sealer = sealer();
        let id = sealer.seal(Binding::Local, now(), client()).to_string();
        let content = |bytes: &[u8]| {
            let value = sealer.sealer.seal(PURPOSE, &[&sealer.server], bytes);
            sealer.open(&base64url(&value), now())
        };
        TestRunner::default()
            .run(&(any::<String>(), any::<Vec<u8>>(), 0..id.len(), any::<char>()), |input| {
                let (text, bytes, at, other) = input;
                assert!(sealer.open(&text, now()).is_none());
                let mut changed: Vec<char> = id.chars().collect();
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert_eq!(sealer.open(&changed, now()).is_some(), changed == id);
                // What only this server can seal is read with care as well.
                assert!(content(&bytes).is_none());
                let mut header = vec![VERSION, 2];
                header.extend_from_slice(&bytes);
                assert!(content(&header).is_none());
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn an_immense_client_is_cut_and_not_refused() {
        let long = "x".repeat(100_000);
        let described = |client: serde_json::Value| {
            let sealer = sealer();
            let client = serde_json::from_value(client).unwrap();
            let id = sealer.seal(Binding::Caller([1; 32]), now(), client);
            assert!(id.len() <= MAX_SESSION_ID_LEN, "{}", id.len());
            serde_json::to_value(sealer.open(&id, now()).unwrap().client).unwrap()
        };
        let elicitation = json!({ "form": {}, "url": {} });
        let mut sent = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {
                "elicitation": elicitation,
                "roots": { "listChanged": true },
                "extensions": { "io.modelcontextprotocol/ui": { "mimeTypes": ["text/html"] } },
            },
            "clientInfo": { "name": "host", "version": "1", "title": "Host" },
        });
        assert_eq!(described(sent.clone()), sent, "what fits is whole");
        let whole = sent.clone();
        sent["clientInfo"]["icons"] = json!([{ "src": format!("data:image/png;base64,{long}") }]);
        assert_eq!(described(sent.clone()), whole, "icons go first");
        sent["clientInfo"]["title"] = json!(long);
        let cut = described(sent.clone());
        assert_eq!(cut["clientInfo"], json!({ "name": "host", "version": "1" }));
        assert_eq!(cut["capabilities"], whole["capabilities"]);
        sent["capabilities"]["experimental"] = json!({ "x": { "y": long } });
        sent["capabilities"]["extensions"]["z"] = json!({ "y": long });
        sent["capabilities"]["sampling"] = json!({ "tools": { "x": long }, "context": {} });
        sent["clientInfo"]["name"] = json!("\u{1}".repeat(9) + &"é".repeat(1000));
        sent["clientInfo"]["version"] = json!(long);
        sent["_meta"] = json!({ "x": long });
        let cut = described(sent);
        assert_eq!(cut["capabilities"]["elicitation"], elicitation);
        assert_eq!(cut["capabilities"]["sampling"], json!({ "tools": {}, "context": {} }));
        assert_eq!(cut["clientInfo"]["name"], "é".repeat(32));
    }
}
