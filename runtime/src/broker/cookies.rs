//! The broker's two cookies: which browser it is, and who signed in with it.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::state::Broker;

/// Binds consent pages and authorizations to the browser that started.
const BROWSER_COOKIE: &str = "toolgate-browser";

/// How long a browser is recognised.
const BROWSER_TTL: Duration = Duration::from_secs(180 * 24 * 3600);

/// Names the session of the person who signed in last.
const SESSION_COOKIE: &str = "toolgate-session";

/// How long a session lasts.
pub(crate) const SESSION_TTL: Duration = Duration::from_secs(30 * 24 * 3600);

impl Broker {
    /// The secret of the browser, if it has one.
    pub(crate) fn browser_cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        self.0.cookies.get_token(headers, BROWSER_COOKIE)
    }

    pub(crate) fn set_browser_cookie(&self, secret: &str) -> HeaderValue {
        self.0.cookies.set(BROWSER_COOKIE, secret, BROWSER_TTL)
    }

    /// The id of the browser's session, if it has one.
    pub(crate) fn session_cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        self.0.cookies.get_token(headers, SESSION_COOKIE)
    }

    pub(crate) fn set_session_cookie(&self, id: &str) -> HeaderValue {
        self.0.cookies.set(SESSION_COOKIE, id, SESSION_TTL)
    }
}
