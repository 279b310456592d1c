//! Cookies that bind what began in a browser to that browser.

use http::{HeaderMap, HeaderValue, header};

/// Sets a cookie for ten minutes; an empty value takes it away.
pub(crate) fn set(name: &str, value: &str, path: &str, https: bool) -> HeaderValue {
    let secure = if https { "; Secure" } else { "" };
    let life = if value.is_empty() { 0 } else { 600 };
    let text =
        format!("{name}={value}; Path={path}; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).expect("base64 fits into a header")
}

/// What this browser's cookie says.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(cookie, _)| *cookie == name)
        .map(|(_, value)| value)
}

/// One cookie for each state, so that two tabs do not disturb each other.
pub(crate) fn name_for(kind: &str, state: &str) -> String {
    let start = state.get(..16).unwrap_or(state);
    // The state comes from outside, and the name goes into a header.
    let start: String = start.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}-{start}")
}
