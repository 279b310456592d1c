//! Placeholders: names in braces in a provider's URLs, which differ by customer or by person.

use std::{borrow::Cow, collections::BTreeMap};

use url::{Host, Url};

use crate::support::url::is_loopback;

/// The longest value in a path, and the longest label of a host (RFC 1035 §2.3.4).
pub(super) const MAX_SEGMENT_LEN: usize = 128;
pub(super) const MAX_LABEL_LEN: usize = 63;

/// The values of placeholders by name.
pub(crate) type PlaceholderValues = BTreeMap<String, String>;

/// A name in braces in a provider's URLs: `https://{shop}.example.com`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Placeholder {
    /// The name.
    pub name: &'static str,
    /// Where its value comes from.
    pub source: PlaceholderSource,
    /// The hosts that the value, `https://HOST`, may name; `*` stands for one label. Empty: the value
    /// is one label of a host, or one segment of a path.
    pub hosts: &'static [&'static str],
}

/// Where a [`Placeholder`]'s value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceholderSource {
    /// The operator: `GITHUB_TENANT`, for the placeholder `tenant` of the provider `github`.
    Configuration {
        /// The value if the operator gives none.
        default: Option<&'static str>,
    },
    /// The person who connects an account, in a form.
    Person {
        /// What the form asks for.
        label: &'static str,
    },
    /// The response of the token endpoint.
    TokenResponse {
        /// A JSON pointer (RFC 6901).
        pointer: &'static str,
    },
    /// A request with the new access token, after an account was connected.
    Api {
        /// The URL.
        url: &'static str,
        /// A JSON pointer (RFC 6901) into its response.
        pointer: &'static str,
    },
}

impl Placeholder {
    /// A placeholder whose value is one label or one segment.
    pub const fn new(name: &'static str, source: PlaceholderSource) -> Self {
        Self { name, source, hosts: &[] }
    }

    /// Sets [`Self::hosts`].
    #[must_use]
    pub const fn hosts(self, hosts: &'static [&'static str]) -> Self {
        Self { hosts, ..self }
    }

    /// Whether the value is known only after an account was connected.
    pub(crate) fn is_late(&self) -> bool {
        match self.source {
            PlaceholderSource::Configuration { .. } | PlaceholderSource::Person { .. } => false,
            PlaceholderSource::TokenResponse { .. } | PlaceholderSource::Api { .. } => true,
        }
    }

    /// The value as a URL has it, if it is allowed: it cannot lead to another host than those that
    /// the provider's declaration names. A provider on this machine, which is one for development,
    /// may name this machine.
    fn allowed<'v>(
        &self,
        value: &'v str,
        in_host: bool,
        on_loopback: bool,
    ) -> Option<Cow<'v, str>> {
        if !self.hosts.is_empty() {
            let url = Url::parse(value).ok()?;
            let is_bare = url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none();
            let host = url.host().filter(|_| is_bare)?;
            let is_known = url.scheme() == "https"
                && url.port().is_none()
                && url.path() == "/"
                && matches!(host, Host::Domain(host) if self.hosts.iter().any(|p| matches(p, host)));
            // A person of a server in development is not to reach what else listens there.
            let may_be_local = on_loopback && !self.is_of_person();
            let is_local = may_be_local && is_loopback(&url) && url.scheme().starts_with("http");
            return match (is_known, is_local) {
                (true, _) => Some(url.origin().ascii_serialization().into()),
                // A stand-in has the provider's host as the first segment of its paths.
                (false, true) => Some(url.as_str().trim_end_matches('/').to_owned().into()),
                (false, false) => None,
            };
        }
        let in_label = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let in_segment = |b: u8| in_label(b) || matches!(b, b'.' | b'_' | b'~');
        let fits = if in_host {
            value.len() <= MAX_LABEL_LEN && value.bytes().all(in_label)
        } else {
            value.len() <= MAX_SEGMENT_LEN
                && value.bytes().all(in_segment)
                && !value.bytes().all(|byte| byte == b'.')
        };
        (fits && !value.is_empty()).then_some(Cow::Borrowed(value))
    }

    /// Whether its value is that of the person who connects an account.
    pub(crate) fn is_of_person(&self) -> bool {
        matches!(self.source, PlaceholderSource::Person { .. })
    }

    /// A value that is allowed, to check a URL that has none yet.
    pub(crate) fn sample(&self) -> String {
        self.hosts
            .first()
            .map_or("1".to_owned(), |host| format!("https://{}", host.replace('*', "x")))
    }
}

/// Whether a host fits a pattern: `*` is one label.
fn matches(pattern: &str, host: &str) -> bool {
    let (mut patterns, mut labels) = (pattern.split('.'), host.split('.'));
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some("*"), Some(label)) if !label.is_empty() => {}
            (Some(pattern), Some(label)) if pattern == label => {}
            _ => return false,
        }
    }
}

/// Where the provider is whose URLs are filled in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Installation<'a> {
    /// It is on this machine, so it is one for development.
    pub(crate) on_loopback: bool,
    /// The URL of the stand-in that takes its place, with the provider's hosts in its paths.
    pub(crate) stand_in: Option<&'a str>,
}

impl Installation<'_> {
    /// Whether what follows this beginning of a URL is a part of the provider's host.
    pub(super) fn ends_in_host(self, url: &str) -> bool {
        let host = match self.stand_in.and_then(|stand_in| url.strip_prefix(stand_in)) {
            Some(host) => host.strip_prefix('/'),
            None => url.split_once("://").map(|(_, host)| host),
        };
        host.is_some_and(|host| !host.contains('/'))
    }
}

/// Why a URL cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FillError {
    /// There is no value for this placeholder.
    Missing(&'static str),
    /// The value of this placeholder is not one that it may have.
    NotAllowed(&'static str),
}

/// Fills in the placeholders of a URL. Other names in braces stay.
pub(crate) fn fill<'v>(
    template: &str,
    placeholders: impl Iterator<Item = &'static Placeholder> + Clone,
    installation: Installation<'_>,
    value: impl Fn(&Placeholder) -> Option<&'v str>,
) -> Result<String, FillError> {
    let mut url = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        url.push_str(before);
        let found = after.split_once('}').and_then(|(name, after)| {
            placeholders.clone().find(|one| one.name == name).map(|found| (found, after))
        });
        let Some((placeholder, after)) = found else {
            url.push('{');
            rest = after;
            continue;
        };
        let in_host = installation.ends_in_host(&url);
        let value = value(placeholder).ok_or(FillError::Missing(placeholder.name))?;
        let allowed = placeholder.allowed(value, in_host, installation.on_loopback);
        url.push_str(&allowed.ok_or(FillError::NotAllowed(placeholder.name))?);
        rest = after;
    }
    url.push_str(rest);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: Placeholder =
        Placeholder::new("instance", PlaceholderSource::TokenResponse { pointer: "/instance_url" })
            .hosts(&["*.my.force.example", "*.sandbox.my.force.example"]);
    const TENANT: Placeholder =
        Placeholder::new("tenant", PlaceholderSource::Configuration { default: None });

    fn filled(template: &str, value: &str, on_loopback: bool) -> Result<String, FillError> {
        static ALL: [Placeholder; 2] = [INSTANCE, TENANT];
        let installation = Installation { on_loopback, stand_in: None };
        fill(template, ALL.iter(), installation, |_| Some(value))
    }

    #[test]
    fn a_host_is_one_of_those_that_are_declared() {
        for (value, host) in [
            ("https://acme.my.force.example", "acme.my.force.example"),
            ("https://acme.my.force.example/", "acme.my.force.example"),
            ("https://ACME.my.force.example:443", "acme.my.force.example"),
            ("https://acme--dev.sandbox.my.force.example", "acme--dev.sandbox.my.force.example"),
        ] {
            assert_eq!(filled("{instance}/data", value, false), Ok(format!("https://{host}/data")));
        }
        for value in [
            "",
            "acme.my.force.example",
            "http://acme.my.force.example",
            "https://my.force.example",
            "https://a.b.my.force.example",
            "https://acme.my.force.example.evil.example",
            "https://evil.example/.my.force.example",
            "https://evil.example#.my.force.example",
            "https://evil.example?.my.force.example",
            "https://acme.my.force.example@evil.example",
            "https://acme:b@acme.my.force.example",
            "https://acme.my.force.example:8443",
            "https://acme.my.force.example/path",
            "https://acme.my.force.example/?q",
            "https://acme.my.force.example./",
            "https://.my.force.example",
            "https://127.0.0.1",
            "http://127.0.0.1:80",
            "https://[::1]",
            "https://169.254.169.254",
            "file:///etc/passwd",
            "https://evil\\.my.force.example",
        ] {
            let refused = Err(FillError::NotAllowed("instance"));
            assert_eq!(filled("{instance}/data", value, false), refused, "{value}");
        }
    }

    #[test]
    fn a_provider_on_this_machine_may_name_this_machine() {
        let local = filled("{instance}/data", "http://127.0.0.1:9", true);
        assert_eq!(local, Ok("http://127.0.0.1:9/data".to_owned()));
        for value in ["http://10.0.0.1", "http://localhost.evil.example", "http://127.0.0.1?x"] {
            assert!(filled("{instance}/data", value, true).is_err(), "{value}");
        }
    }

    #[test]
    fn a_stand_in_takes_for_a_host_what_the_provider_does() {
        static ALL: [Placeholder; 1] = [TENANT];
        let stand_in = "http://127.0.0.1:9";
        let installation = Installation { on_loopback: true, stand_in: Some(stand_in) };
        let filled = |path: &str, value| {
            fill(&format!("{stand_in}/{path}"), ALL.iter(), installation, |_| Some(value))
        };
        let host = "{tenant}.shops.example/token";
        assert_eq!(filled(host, "acme").unwrap(), format!("{stand_in}/acme.shops.example/token"));
        assert!(filled(host, "a.b").is_err());
        assert!(filled("shops.example/{tenant}/token", "a.b").is_ok());
    }

    #[test]
    fn a_label_and_a_segment_stay_one() {
        let host = "https://{tenant}.shops.example/{client_id}";
        assert_eq!(filled(host, "acme", false).unwrap(), "https://acme.shops.example/{client_id}");
        let path = "https://a.example/{tenant}/token";
        assert_eq!(filled(path, "a.b_c", false).unwrap(), "https://a.example/a.b_c/token");
        let long = "x".repeat(129);
        for value in ["", "a.b", "a/b", "a@b", "a:b", "a#b", "a?b", "ä", "%2e", "a b", &long[..64]]
        {
            assert!(filled(host, value, false).is_err(), "{value}");
        }
        for value in ["", ".", "..", "a/b", "..%2f", "a?b", "a#b", "a\\b", "{tenant}", &long] {
            assert!(filled(path, value, false).is_err(), "{value}");
        }
    }
}
