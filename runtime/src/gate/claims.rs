//! Who calls, as a verifier found it.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a verified access token says of its caller (RFC 9068 §2.2). A clone shares what it says.
///
/// ```
/// use toolgate::gate::Claims;
///
/// let claims = Claims::new("https://login.example", "alice").scopes(["orders:read"]);
/// assert!(claims.has("orders:read"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Claims(Arc<Said>);

#[derive(Clone, Debug, PartialEq)]
struct Said {
    subject: String,
    issuer: String,
    client_id: Option<String>,
    scopes: BTreeSet<String>,
    expires_at: Option<SystemTime>,
    machine: bool,
    extra: Map<String, Value>,
    held: Held,
}

/// Which of a server's scopes the claims cover, worked out once for all calls with the token.
#[derive(Default)]
struct Held(OnceLock<(u64, Box<[u64]>)>);

impl Clone for Held {
    /// Empty: whoever clones it changes what it was worked out from.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Held {
    /// It follows from the rest.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Held {
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
    /// A person of this issuer, without scopes.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self(Arc::new(Said {
            subject: subject.into(),
            issuer: issuer.into(),
            client_id: None,
            scopes: BTreeSet::new(),
            expires_at: None,
            machine: false,
            extra: Map::new(),
            held: Held::default(),
        }))
    }

    /// The claims with something said anew; what was worked out from them is forgotten.
    fn but(mut self, change: impl FnOnce(&mut Said)) -> Self {
        let said = Arc::make_mut(&mut self.0);
        said.held = Held::default();
        change(said);
        self
    }

    /// Sets the client that acts for the caller.
    #[must_use]
    pub fn client(self, id: impl Into<String>) -> Self {
        self.but(|said| said.client_id = Some(id.into()))
    }

    /// Adds scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.but(|said| said.scopes.extend(scopes.into_iter().map(Into::into)))
    }

    /// Sets when the token ends: what listens with it listens no longer. Tokens are verified anew for
    /// every request in any case.
    #[must_use]
    pub fn expires_at(self, expires_at: SystemTime) -> Self {
        self.but(|said| said.expires_at = Some(expires_at))
    }

    /// Says that no person stands behind it: client credentials (RFC 6749 §4.4).
    #[must_use]
    pub fn client_credentials(self) -> Self {
        self.but(|said| said.machine = true)
    }

    /// Adds the other claims.
    #[must_use]
    pub fn with_extra(self, extra: Map<String, Value>) -> Self {
        self.but(|said| said.extra = extra)
    }

    /// The subject (`sub`), unique at the issuer.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The issuer (`iss`).
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The client (`client_id`, `azp`) that acts for the caller.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// The scopes that were granted.
    pub fn granted(&self) -> &BTreeSet<String> {
        &self.0.scopes
    }

    /// Is the scope among those that were granted? What others imply is not counted.
    pub fn has(&self, scope: &str) -> bool {
        self.0.scopes.contains(scope)
    }

    /// When the token ends.
    pub fn expiration(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// Is it a machine, behind which no person stands?
    pub fn is_client_credentials(&self) -> bool {
        self.0.machine
    }

    /// The claims besides those above, as a type of yours.
    ///
    /// # Errors
    ///
    /// They do not have this shape.
    pub fn extra<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&Value::Object(self.0.extra.clone()))
    }

    /// One name for the caller over all issuers: what grants and sessions are kept under.
    pub(crate) fn principal(&self) -> String {
        // An issuer is a URL, so it holds no space.
        format!("{} {}", self.0.issuer, self.0.subject)
    }

    /// The scopes of `server` that are covered, a bit for each: `find` works them out at first.
    pub(crate) fn held(
        &self,
        server: u64,
        find: impl Fn(&BTreeSet<String>) -> Box<[u64]>,
    ) -> Cow<'_, [u64]> {
        let (of, bits) = self.0.held.0.get_or_init(|| (server, find(&self.0.scopes)));
        // One verifier may serve two servers.
        if *of == server { Cow::Borrowed(bits) } else { Cow::Owned(find(&self.0.scopes).into()) }
    }
}
