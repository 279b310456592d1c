//! URLs that secrets travel to: https, or http to this machine.

use url::{Host, Url};

use crate::error::ConfigError;

/// Whether the URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether secrets may travel to the URL: https, or http to this machine.
pub(crate) fn is_secure(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// Whether the text is a URL with a password, or seems to have one: the URL of a database with several hosts
/// and ports cannot be parsed.
pub(crate) fn has_password(text: &str) -> bool {
    match Url::parse(text) {
        Ok(url) => {
            let is_named = url.query_pairs().any(|(name, _)| name == "password");
            let is_opaque = url.cannot_be_a_base() && text.contains('@');
            url.password().is_some() || is_named || is_opaque
        }
        Err(_) => text.contains('@') || text.replace(' ', "").contains("password="),
    }
}

/// Parses the URL of an endpoint, which must be https or http to this machine. `what` is the
/// subject of the error, and `why` says why plain http is not enough: "tokens travel to it".
///
/// # Errors
///
/// `text` is not a URL, is not https, or names a user or a password.
pub(crate) fn parse_endpoint(what: &str, text: &str, why: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text)
        .map_err(|error| ConfigError::new(format!("{what} is not a URL ({error}): `{text}`")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Without the URL, because it may hold a password.
        return Err(ConfigError::new(format!("{what} must not name a user or a password")));
    }
    if is_secure(&url) {
        return Ok(url);
    }
    Err(ConfigError::new(format!("{what} must be https: `{text}`"))
        .help(format!("{why}; plain http is accepted for 127.0.0.1, [::1] and localhost")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        let parse = |text| parse_endpoint("the token endpoint", text, "tokens travel to it");
        for text in
            ["https://a.example", "http://127.0.0.1:1/x", "http://[::1]/", "http://localhost/"]
        {
            assert!(parse(text).is_ok(), "{text}");
        }
        for (text, expected) in [
            ("a.example", "the token endpoint is not a URL"),
            ("http://a.example", "the token endpoint must be https"),
            ("http://localhost.example/", "the token endpoint must be https"),
            ("ftp://127.0.0.1/", "the token endpoint must be https"),
            ("https://alice:secret@a.example", "the token endpoint must not name a user"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
