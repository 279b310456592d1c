//! Cookies that bind a sign-in, a session or a form to one browser.
//!
//! Over https their names have the prefix `__Host-` (RFC 6265bis §4.1.3.2): no subdomain and no
//! page over plain http can set them, so an attacker cannot plant one in another person's browser.

use std::{borrow::Cow, time::Duration};

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::support::crypto;

/// How many sign-ins or consents one browser may have under way.
const MAX_STATE_COOKIES: usize = 8;

/// The cookies of a server that is reached over https, or over http on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    https: bool,
    /// A digest of the path of the server's URL, if it has one.
    path_tag: Option<u32>,
}

impl Cookies {
    #[cfg(test)]
    const fn new(https: bool) -> Self {
        Self { https, path_tag: None }
    }

    /// The cookies of the server at `base`. Servers at several paths of one host share its cookies,
    /// because `__Host-` wants the path `/`. So those of a server below a path have names of their own.
    pub(crate) fn at(base: &Url) -> Self {
        let path = base.path().trim_end_matches('/');
        let [a, b, c, d, ..] = crypto::sha256(path.as_bytes());
        let path_tag = (!path.is_empty()).then(|| u32::from_be_bytes([a, b, c, d]));
        Self { https: base.scheme() == "https", path_tag }
    }

    /// The name that a cookie has in the browser.
    fn full_name(self, name: &str) -> Cow<'_, str> {
        let name: Cow<'_, str> = match self.path_tag {
            Some(tag) => format!("{name}-{tag:08x}").into(),
            None => name.into(),
        };
        if self.https { format!("__Host-{name}").into() } else { name }
    }

    /// The `Set-Cookie` header that sets a cookie.
    pub(crate) fn set(self, name: &str, value: &str, ttl: Duration) -> HeaderValue {
        let max_age = cookie::time::Duration::seconds(ttl.as_secs().try_into().unwrap_or(i64::MAX));
        let cookie = Cookie::build((self.full_name(name), value))
            .path("/")
            .max_age(max_age)
            .http_only(true)
            // Not Strict: the redirect back from the authorization server starts at another site.
            .same_site(SameSite::Lax)
            .secure(self.https)
            .build();
        let mut header =
            HeaderValue::try_from(cookie.to_string()).expect("base64 fits into a header");
        header.set_sensitive(true);
        header
    }

    /// The `Set-Cookie` header that removes a cookie.
    pub(crate) fn remove(self, name: &str) -> HeaderValue {
        self.set(name, "", Duration::ZERO)
    }

    /// The value of a cookie. `None` also where it was sent twice: one of the two was planted.
    pub(crate) fn get<'h>(self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let name = self.full_name(name);
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| Cookie::split_parse(cookies).filter_map(Result::ok))
            .filter(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value_raw());
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        value
    }

    /// The `Set-Cookie` headers that make room for one more cookie of this kind, each of which belongs
    /// to one `state`: they remove all but the newest of those that the browser sent.
    pub(crate) fn make_room(self, headers: &HeaderMap, kind: &str) -> Vec<HeaderValue> {
        let prefix = format!("{}-", self.full_name(kind));
        let is_state = |state: &str| state.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut found: Vec<&str> = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.split_once('=')?.0.trim().strip_prefix(&*prefix))
            .filter(|state| is_state(state))
            .collect();
        // Browsers send the oldest first (RFC 6265 §5.4).
        found.truncate(found.len().saturating_sub(MAX_STATE_COOKIES - 1));
        found.into_iter().map(|state| self.remove(&format!("{kind}-{state}"))).collect()
    }

    /// As [`Cookies::get`], of a cookie whose value is 256 random bits in base64url.
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) fn get_token<'h>(self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        self.get(headers, name).filter(|value| value.len() == 43 && value.bytes().all(base64url))
    }
}

/// The name of the cookie that belongs to one `state`, so that two tabs do not disturb each other.
pub(crate) fn name_for_state(kind: &str, state: &str) -> String {
    let start = state.get(..16).unwrap_or(state);
    // The state comes from the request, and the name goes into a header.
    let start: String = start.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}-{start}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookies.parse().unwrap())])
    }

    #[test]
    fn over_https_only_this_host_can_set_them() {
        let cookies = Cookies::new(true);
        let set = cookies.set("person", "x", Duration::from_secs(600));
        let attributes: BTreeSet<_> = set.to_str().unwrap().split("; ").collect();
        let expected =
            ["__Host-person=x", "HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"];
        assert_eq!(attributes, BTreeSet::from(expected));
        assert_eq!(cookies.get(&headers("person=planted"), "person"), None);
        let both = headers("person=planted; __Host-person=x");
        assert_eq!(cookies.get(&both, "person"), Some("x"));
    }

    #[test]
    fn servers_at_two_paths_of_a_host_have_their_own() {
        let at = |url: &str| Cookies::at(&Url::parse(url).unwrap());
        let set = |cookies: Cookies| {
            let set = cookies.set("person", "x", Duration::from_secs(600));
            set.to_str().unwrap().split('=').next().unwrap().to_owned()
        };
        let root = set(at("https://corp.example"));
        assert_eq!(root, "__Host-person");
        let (tools, other) = (at("https://corp.example/tools/"), at("https://corp.example/other"));
        assert!(set(tools).starts_with("__Host-person-") && set(tools) != set(other));
        assert_eq!(set(tools), set(at("https://corp.example/tools")));
        let both = headers(&format!("{}=tools; {}=other; {root}=root", set(tools), set(other)));
        assert_eq!(tools.get(&both, "person"), Some("tools"));
        assert_eq!(other.get(&both, "person"), Some("other"));
    }

    #[test]
    fn a_removed_cookie_ends_at_once() {
        let removed = Cookies::new(false).remove("person");
        let removed = removed.to_str().unwrap();
        assert!(removed.starts_with("person=; ") && removed.contains("Max-Age=0"), "{removed}");
    }

    #[test]
    fn a_cookie_that_came_twice_is_ignored() {
        let read =
            |text: &str| Cookies::new(false).get(&headers(text), "person").map(str::to_owned);
        assert_eq!(read("a=1; person=x").as_deref(), Some("x"));
        assert_eq!(read("xperson=x"), None);
        assert_eq!(read("person=x; person=y"), None);
        assert_eq!(read("person=x; person=x"), None);
    }

    #[test]
    fn a_token_is_43_characters_of_base64url() {
        let (one, two) = ("a".repeat(43), "b".repeat(43));
        let read = |text: String| {
            Cookies::new(false).get_token(&headers(&text), "browser").map(str::to_owned)
        };
        assert_eq!(read(format!("x=1; browser={one}")), Some(one.clone()));
        assert_eq!(read(format!("browser={one}; browser={two}")), None);
        assert_eq!(read("browser=short".to_owned()), None);
        assert_eq!(read(format!("browser={}!", &one[1..])), None);
    }
}
