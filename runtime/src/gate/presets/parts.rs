//! Arguments of presets, checked before they become part of a URL.

use url::Url;

use crate::{error::ConfigError, support::url::parse_endpoint};

/// Registration is missing: hosts need the broker, or clients that were made by hand.
pub(super) const NO_REGISTRATION: &str = "hosts cannot register themselves there: put a broker in front (`Server::broker`), or register a client for each host by hand";

/// The host of `https://HOST`, from `HOST` or that URL.
pub(super) fn host(what: &str, text: &str) -> Result<String, ConfigError> {
    let bare = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    let url = Url::parse(&format!("https://{bare}")).ok();
    // The URL's own form of the host, with nothing besides it.
    let same = url.filter(|url| format!("https://{bare}/") == url.as_str());
    if same.is_none() || bare.contains('@') {
        return Err(ConfigError::new(format!("{what} is not a host: `{text}`"))
            .help("write it as in `acme.example`, in lower case and without a path"));
    }
    Ok(bare.to_owned())
}

/// The URL without a slash at its end.
pub(super) fn base(what: &str, text: &str) -> Result<String, ConfigError> {
    let url = parse_endpoint(what, text, "tokens are verified by its keys")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::new(format!("{what} has a query or a fragment: `{text}`")));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The clients that stand for the audience. Without one, no token would be accepted.
pub(super) fn clients<S: Into<String>>(
    preset: &str,
    clients: impl IntoIterator<Item = S>,
) -> Result<Vec<String>, ConfigError> {
    let clients: Vec<String> = clients.into_iter().map(Into::into).collect();
    if clients.is_empty() || clients.iter().any(|client| client.trim().is_empty()) {
        return Err(ConfigError::new(format!("`gate::{preset}` got no clients, or an empty one"))
            .help("tokens name no audience there: list the clients that use this server"));
    }
    Ok(clients)
}

/// A part of a path: letters, digits, `-`, `_`, `.` and `~`.
pub(super) fn segment<'a>(what: &str, text: &'a str) -> Result<&'a str, ConfigError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    if text.is_empty() || text.chars().all(|c| c == '.') || !text.chars().all(fits) {
        return Err(ConfigError::new(format!("{what} is not a name: `{text}`"))
            .help("letters, digits, `-`, `_` and `.` are in one"));
    }
    Ok(text)
}

/// An identifier in the form of a GUID.
pub(super) fn guid<'a>(
    what: &str,
    text: &'a str,
    help: &'static str,
) -> Result<&'a str, ConfigError> {
    let groups: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = groups.iter().map(|group| group.len()).collect();
    let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    if lengths != [8, 4, 4, 4, 12] || !groups.iter().all(is_hex) {
        return Err(ConfigError::new(format!("{what} is not a GUID: `{text}`")).help(help));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_is_a_host() {
        for (text, expected) in [
            ("acme.auth0.com", Some("acme.auth0.com")),
            ("https://acme.auth0.com/", Some("acme.auth0.com")),
            ("login.acme.example:8443", Some("login.acme.example:8443")),
            ("http://acme.auth0.com", None),
            ("acme.auth0.com/path", None),
            ("acme.auth0.com?x", None),
            ("acme.auth0.com#x", None),
            ("evil@acme.auth0.com", None),
            ("ACME.auth0.com", None),
            ("", None),
            ("a b", None),
        ] {
            assert_eq!(host("the domain", text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_stays_in_its_segment() {
        for text in ["P2abc", "res_123", "eu-west-1_AbC", "a.b~c"] {
            assert_eq!(segment("the name", text).ok(), Some(text));
        }
        for text in ["", ".", "..", "a/b", "a?b", "a#b", "a b", "a%2fb", "é", "a@b"] {
            assert!(segment("the name", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_guid_has_its_form() {
        let check = |text| guid("the tenant", text, "help").is_ok();
        assert!(check("72f988bf-86f1-41af-91ab-2d7cd011db47"));
        for text in
            ["common", "organizations", "acme.onmicrosoft.com", "", "72f988bf-86f1-41af-91ab"]
        {
            assert!(!check(text), "{text}");
        }
    }
}
