//! Scopes in the form in which clients ask the issuer for them.

use std::collections::BTreeSet;

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
}

impl RequestedScopes {
    /// The names at an issuer that puts `prefix` before the scopes of these catalogues.
    pub(crate) fn new(prefix: &str, scopes: impl Iterator<Item = &'static str>) -> Self {
        let known = if prefix.is_empty() { BTreeSet::new() } else { scopes.collect() };
        Self { prefix: prefix.to_owned(), known }
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
