//! Scopes in the form in which clients ask the issuer for them.

use std::collections::BTreeSet;

use crate::error::ConfigError;

/// Scopes of `OpenID` Connect, which issuers know without a prefix (`OpenID` Connect Core 1.0, §5.4 and
/// §11).
const OPENID_SCOPES: [&str; 6] =
    ["openid", "profile", "email", "address", "phone", "offline_access"];

/// How an issuer names the scopes of a server.
#[derive(Debug, Default)]
pub(crate) struct RequestedScopes {
    prefix: String,
    /// The scopes of the server's catalogues. Without a prefix it is empty.
    known: BTreeSet<&'static str>,
    /// What the issuer has to be asked for besides, as it names it.
    besides: Vec<String>,
}

impl RequestedScopes {
    /// The names at an issuer that puts `prefix` before the scopes of these catalogues.
    pub(crate) fn new(prefix: &str, scopes: impl Iterator<Item = &'static str>) -> Self {
        let known = if prefix.is_empty() { BTreeSet::new() } else { scopes.collect() };
        Self { prefix: prefix.to_owned(), known, besides: Vec::new() }
    }

    /// Asks for these scopes besides those that tools require.
    ///
    /// # Errors
    ///
    /// One is no scope (RFC 6749 §3.3).
    pub(crate) fn besides(self, scopes: &[String]) -> Result<Self, ConfigError> {
        let is_scope = |scope: &str| {
            let of_scope = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
            !scope.is_empty() && scope.bytes().all(of_scope)
        };
        match scopes.iter().find(|scope| !is_scope(scope)) {
            Some(other) => {
                let message = format!("`{}` is no scope", other.escape_default());
                Err(ConfigError::new(message).help("such as `.challenge_scopes([\"openid\"])`"))
            }
            None => Ok(Self { besides: scopes.to_vec(), ..self }),
        }
    }

    /// The scopes as clients ask for them, with what the issuer has to be asked for besides.
    pub(crate) fn names<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> Vec<String> {
        let mut names: Vec<_> = scopes.into_iter().map(|scope| self.name(scope)).collect();
        let others = self.besides.iter().filter(|scope| !names.contains(scope));
        let others: Vec<_> = others.cloned().collect();
        names.extend(others);
        names
    }

    /// The scope as clients ask for it.
    pub(crate) fn name(&self, scope: &str) -> String {
        if self.prefix.is_empty() || OPENID_SCOPES.contains(&scope) {
            return scope.to_owned();
        }
        format!("{}{scope}", self.prefix)
    }

    /// A scope that a token has, as its client asks for it again. `None`: with a prefix, that of a
    /// scope which the server does not know is not known either.
    pub(crate) fn name_again(&self, granted: &str) -> Option<String> {
        let is_known = self.prefix.is_empty()
            || self.known.contains(granted)
            || OPENID_SCOPES.contains(&granted);
        is_known.then(|| self.name(granted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_issuer_needs_is_asked_for_once_and_without_a_prefix() {
        let scopes = RequestedScopes::new("api://tools/", ["read"].into_iter());
        let scopes = scopes.besides(&["openid".to_owned(), "of.issuer".to_owned()]).unwrap();
        assert_eq!(scopes.names(["read"]), ["api://tools/read", "openid", "of.issuer"]);
        assert_eq!(scopes.names(["openid"]), ["openid", "of.issuer"]);
        assert_eq!(scopes.names([]), ["openid", "of.issuer"]);
        for other in ["", "two words", "a\"b", "a\\b", "ä", "a\n"] {
            let scopes = RequestedScopes::default().besides(&[other.to_owned()]);
            assert!(scopes.unwrap_err().to_string().contains("is no scope"), "{other}");
        }
    }

    #[test]
    fn a_prefix_is_added_to_the_scopes_of_the_server() {
        let scopes = RequestedScopes::new("api://tools/", ["read", "write"].into_iter());
        assert_eq!(scopes.name("read"), "api://tools/read");
        assert_eq!(scopes.name("offline_access"), "offline_access");
        assert_eq!(scopes.name_again("write").as_deref(), Some("api://tools/write"));
        assert_eq!(scopes.name_again("openid").as_deref(), Some("openid"));
        assert_eq!(scopes.name_again("aws.cognito.signin.user.admin"), None);
        let plain = RequestedScopes::new("", ["read"].into_iter());
        assert_eq!(plain.name("read"), "read");
        assert_eq!(plain.name_again("of another API").as_deref(), Some("of another API"));
    }
}
