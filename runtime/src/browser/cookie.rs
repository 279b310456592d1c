//! Cookies that bind what began in a browser to that browser.
//!
//! Over https they have the prefix `__Host-`: no subdomain and no plain http can set them, and so
//! nobody can make a browser out to be somebody else's.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};

/// The name that a cookie has in the browser.
fn full(name: &str, https: bool) -> Cow<'_, str> {
    if https { format!("__Host-{name}").into() } else { name.into() }
}

/// Sets a cookie for ten minutes; an empty value takes it away.
pub(crate) fn set(name: &str, value: &str, https: bool) -> HeaderValue {
    let (name, secure) = (full(name, https), if https { "; Secure" } else { "" });
    let life = if value.is_empty() { 0 } else { 600 };
    // Lax, not Strict: the way back from the provider begins at another site.
    let text = format!("{name}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).expect("base64 fits into a header");
    value.set_sensitive(true);
    value
}

/// What this browser's cookie says; `None` also where there are two: somebody planted one of them.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &str, https: bool) -> Option<&'a str> {
    let name = full(name, https);
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(cookie, _)| *cookie == name)
        .map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

/// One cookie for each state, so that two tabs do not disturb each other.
pub(crate) fn name_for(kind: &str, state: &str) -> String {
    let start = state.get(..16).unwrap_or(state);
    // The state comes from outside, and the name goes into a header.
    let start: String = start.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}-{start}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_only_this_host_can_set_them() {
        let set = set("person", "x", true);
        let set = set.to_str().unwrap();
        let expected = "__Host-person=x; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set, expected);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("person=planted"));
        assert_eq!(get(&headers, "person", true), None);
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-person=x"));
        assert_eq!(get(&headers, "person", true), Some("x"));
    }

    #[test]
    fn a_cookie_that_came_twice_is_nobodys() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(text));
            get(&headers, "person", false).map(str::to_owned)
        };
        assert_eq!(read("a=1; person=x").as_deref(), Some("x"));
        assert_eq!(read("xperson=x"), None);
        assert_eq!(read("person=x; person=y"), None);
        assert_eq!(read("person=x; person=x"), None);
    }
}
