//! Sessions of people who signed in at an outside authorization server.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};

use super::cookie::Cookies;
use crate::{
    grant::{Clock, GrantStore},
    support::crypto,
};

/// Names the session of the person who is signed in.
const SESSION_COOKIE: &str = "toolgate-person";

/// How long a person stays signed in.
const SESSION_TTL: Duration = Duration::from_secs(600);

/// The sessions, in the store of the grants.
pub(crate) struct SignInSessions {
    store: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    cookies: Cookies,
}

impl SignInSessions {
    pub(crate) fn new(store: Arc<dyn GrantStore>, clock: Arc<dyn Clock>, cookies: Cookies) -> Self {
        Self { store, clock, cookies }
    }

    /// Stores a session, and returns its cookie.
    pub(crate) async fn begin(&self, principal: &str) -> Result<HeaderValue, String> {
        let session = crypto::random_token();
        let value = serde_json::to_vec(principal).map_err(|error| error.to_string())?;
        let expires_at = self.clock.now() + SESSION_TTL;
        let stored = self.store.put_pending(&key(&session), &value, expires_at).await;
        stored.map_err(|error| error.to_string())?;
        Ok(self.cookies.set(SESSION_COOKIE, &session, SESSION_TTL))
    }

    /// The principal who is signed in with the browser that sent these headers.
    pub(crate) async fn subject(&self, headers: &HeaderMap) -> Result<Option<String>, String> {
        let Some(session) = self.cookies.get(headers, SESSION_COOKIE) else { return Ok(None) };
        let found = self.store.peek_pending(&key(session)).await;
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The cookie that ends the session in the browser.
    pub(crate) fn end_cookie(&self) -> HeaderValue {
        self.cookies.remove(SESSION_COOKIE)
    }
}

/// The key of a session. It holds a digest, so that the store's content does not reveal cookies.
fn key(session: &str) -> String {
    format!("person:{}", crypto::sha256_base64url(session))
}
