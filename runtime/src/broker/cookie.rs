//! The two cookies: which browser it is, and who signed in with it.
//!
//! The browser's cookie binds a consent page and a `state` to the browser that began. Over https
//! both have the prefix `__Host-`: no subdomain and no plain http can set them.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::support::digest as secret;

/// How long a browser is known.
pub(crate) const BROWSER: Duration = Duration::from_secs(180 * 24 * 3600);
/// How long it is remembered who signed in.
pub(crate) const SESSION: Duration = Duration::from_secs(30 * 24 * 3600);

/// The cookies of one server.
pub(crate) struct Cookies {
    secure: bool,
}

impl Cookies {
    /// `secure`: the server is reached by https.
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure }
    }

    fn browser_name(&self) -> &'static str {
        if self.secure { "__Host-toolgate-browser" } else { "toolgate-browser" }
    }

    fn session_name(&self) -> &'static str {
        if self.secure { "__Host-toolgate-session" } else { "toolgate-session" }
    }

    /// The secret of the browser, if it has one.
    pub(crate) fn browser(&self, headers: &HeaderMap) -> Option<String> {
        read(headers, self.browser_name())
    }

    /// The identifier of the browser's session, if it has one.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Option<String> {
        read(headers, self.session_name())
    }

    pub(crate) fn set_browser(&self, secret: &str) -> HeaderValue {
        self.set(self.browser_name(), secret, BROWSER)
    }

    pub(crate) fn set_session(&self, id: &str) -> HeaderValue {
        self.set(self.session_name(), id, SESSION)
    }

    fn set(&self, name: &str, value: &str, life: Duration) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let life = life.as_secs();
        // Lax, not Strict: the way back from the provider begins at another site.
        let text =
            format!("{name}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::try_from(text).expect("base64 fits into a header");
        value.set_sensitive(true);
        value
    }
}

/// A cookie's value; `None` also where there are two: somebody planted one of them.
fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let value = found.next()?;
    let is_ours = value.len() == 43
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (is_ours && found.next().is_none()).then(|| value.to_owned())
}

/// What a form must say to come from the page that was shown to this browser for `request`.
pub(crate) fn csrf(browser: &str, request: &str) -> String {
    secret::mac(browser, &format!("consent {request}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_only_this_host_can_set_them() {
        let cookies = Cookies::new(true);
        let set = cookies.set_browser("x");
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-toolgate-browser=x; Path=/; "), "{set}");
        assert!(
            set.ends_with("HttpOnly; SameSite=Lax; Secure") && !set.contains("Domain"),
            "{set}"
        );
    }

    #[test]
    fn a_cookie_that_came_twice_is_nobodys() {
        let cookies = Cookies::new(false);
        let (one, two) = ("a".repeat(43), "b".repeat(43));
        let read = |text: String| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, text.parse().unwrap());
            cookies.browser(&headers)
        };
        assert_eq!(read(format!("x=1; toolgate-browser={one}")), Some(one.clone()));
        assert_eq!(read(format!("toolgate-browser={one}; toolgate-browser={two}")), None);
        assert_eq!(read("toolgate-browser=short".to_owned()), None);
        assert_eq!(read(format!("xtoolgate-browser={one}")), None);
    }
}
