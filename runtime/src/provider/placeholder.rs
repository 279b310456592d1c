//! Placeholders: names in braces in a provider's URLs, which differ by customer or by person.

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
}
