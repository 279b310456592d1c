//! Claims: the caller of a request, as a verifier found it in the access token.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Credentials, subject_token::SubjectToken};
use crate::support::crypto::sha256;

/// The claims of a verified access token about its caller (RFC 9068 §2.2). Clones share their content.
///
/// ```
/// use toolgate::gate::Claims;
///
/// let claims = Claims::new("https://login.example", "alice").scopes(["orders:read"]);
/// assert!(claims.has("orders:read"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Claims(Arc<ClaimSet>);

#[derive(Clone, Debug, PartialEq)]
struct ClaimSet {
    subject: String,
    issuer: String,
    client_id: Option<String>,
    scopes: BTreeSet<String>,
    expires_at: Option<SystemTime>,
    client_credentials: bool,
    extra: Map<String, Value>,
    computed: Computed,
}

/// What follows from the claims, computed once for all calls with the token.
#[derive(Default)]
struct Computed {
    /// Which scopes of a server they cover.
    covered: OnceLock<(u64, Box<[u64]>)>,
    /// Whose sessions the caller may use.
    owner: OnceLock<[u8; 32]>,
    /// The token itself, where a provider exchanges it.
    subject_token: OnceLock<SubjectToken>,
}

impl Clone for Computed {
    /// Empty, because the set of claims is cloned to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Computed {
    /// Always equal, because it follows from the claims.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Claims {
    /// Creates the claims of a user of `issuer`, without scopes.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self(Arc::new(ClaimSet {
            subject: subject.into(),
            issuer: issuer.into(),
            client_id: None,
            scopes: BTreeSet::new(),
            expires_at: None,
            client_credentials: false,
            extra: Map::new(),
            computed: Computed::default(),
        }))
    }

    /// Changes the claims; what was computed from them is removed.
    fn with(mut self, change: impl FnOnce(&mut ClaimSet)) -> Self {
        let set = Arc::make_mut(&mut self.0);
        set.computed = Computed::default();
        change(set);
        self
    }

    /// Sets the client that acts for the caller (`client_id`, RFC 9068 §2.2).
    #[must_use]
    pub fn client(self, id: impl Into<String>) -> Self {
        self.with(|set| set.client_id = Some(id.into()))
    }

    /// Adds granted scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.with(|set| set.scopes.extend(scopes.into_iter().map(Into::into)))
    }

    /// Sets the end of the token's lifetime (`exp`), at which streams that were opened with it end.
    /// Every request is verified in any case.
    #[must_use]
    pub fn expires_at(self, expires_at: SystemTime) -> Self {
        self.with(|set| set.expires_at = Some(expires_at))
    }

    /// Marks the token as one of the client credentials grant, without a user (RFC 6749 §4.4).
    #[must_use]
    pub fn client_credentials(self) -> Self {
        self.with(|set| set.client_credentials = true)
    }

    /// Sets the claims that have no method of their own.
    #[must_use]
    pub fn with_extra(self, extra: Map<String, Value>) -> Self {
        self.with(|set| set.extra = extra)
    }

    /// Returns the subject (`sub`), which is unique at the issuer.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Returns the issuer (`iss`).
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns the client (`client_id`, `azp`) that acts for the caller.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// Returns the granted scopes (`scope`).
    pub fn granted(&self) -> &BTreeSet<String> {
        &self.0.scopes
    }

    /// Returns whether the scope was granted. Implied scopes do not count.
    pub fn has(&self, scope: &str) -> bool {
        self.0.scopes.contains(scope)
    }

    /// Returns the end of the token's lifetime (`exp`).
    pub fn expiration(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// Returns whether the token is one of the client credentials grant, without a user.
    pub fn is_client_credentials(&self) -> bool {
        self.0.client_credentials
    }

    /// Deserializes the other claims.
    ///
    /// # Errors
    ///
    /// They do not have the shape of `T`.
    pub fn extra<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&Value::Object(self.0.extra.clone()))
    }

    /// Keeps the token that they are the claims of.
    pub(crate) fn carrying(self, credentials: &Credentials) -> Self {
        let token = self.0.computed.subject_token.get_or_init(|| SubjectToken::of(credentials));
        if token.is_of(credentials) {
            return self;
        }
        // The verifier returned the same claims for another token.
        let set = ClaimSet::clone(&self.0);
        let _ = set.computed.subject_token.set(SubjectToken::of(credentials));
        Self(Arc::new(set))
    }

    /// The token, on a server that keeps it.
    pub(crate) fn subject_token(&self) -> Option<&SubjectToken> {
        self.0.computed.subject_token.get()
    }

    /// The identifier of the sign-in to which the token belongs (`sid`).
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) fn sign_in_id(&self) -> Option<&str> {
        self.0.extra.get("sid")?.as_str()
    }

    /// The caller's identifier across all issuers, by which grants and sessions are stored.
    pub(crate) fn principal(&self) -> String {
        // An issuer is a URL and has no space, so the identifier is unambiguous.
        format!("{} {}", self.0.issuer, self.0.subject)
    }

    /// The digest of issuer, subject and client, to which a session is bound.
    pub(crate) fn owner_digest(&self) -> [u8; 32] {
        let set = &*self.0;
        *set.computed.owner.get_or_init(|| {
            let client = set.client_id.as_deref();
            let mut owner = vec![u8::from(client.is_some())];
            for part in [&set.issuer, &set.subject, client.unwrap_or_default()] {
                owner.extend_from_slice(&(part.len() as u64).to_be_bytes());
                owner.extend_from_slice(part.as_bytes());
            }
            sha256(&owner)
        })
    }

    /// The size of all texts, in bytes.
    pub(crate) fn text_bytes(&self) -> u64 {
        let set = &*self.0;
        let extra = serde_json::to_vec(&set.extra).map_or(0, |json| json.len());
        let client = set.client_id.as_ref().map_or(0, String::len);
        let scopes: usize = set.scopes.iter().map(String::len).sum();
        (set.subject.len() + set.issuer.len() + client + scopes + extra) as u64
    }

    /// The scopes of a server that the claims cover, as bits that `compute` makes once.
    pub(crate) fn covered_bits(
        &self,
        server_id: u64,
        compute: impl Fn(&BTreeSet<String>) -> Box<[u64]>,
    ) -> Cow<'_, [u64]> {
        let set = &*self.0;
        let (of, bits) = set.computed.covered.get_or_init(|| (server_id, compute(&set.scopes)));
        // One verifier may serve two servers.
        if *of == server_id { Cow::Borrowed(bits) } else { Cow::Owned(compute(&set.scopes).into()) }
    }
}
