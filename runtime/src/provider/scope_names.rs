//! Names of scopes: in a provider's requests, in its responses, and in the catalogue.

use std::borrow::Cow;

use super::Dialect;
use crate::scope::OFFLINE;

/// The scopes of `OpenID` Connect, which are of the authorization server and not of its API.
const OPENID: [&str; 6] = ["openid", "profile", "email", "address", "phone", OFFLINE];

impl Dialect {
    /// The name that a request has for a scope of the catalogue.
    pub(crate) fn requested_scope<'s>(&self, scope: &'s str) -> Cow<'s, str> {
        let prefix = self.scope_prefix;
        if prefix.is_empty() || OPENID.contains(&scope) || scope.contains("://") {
            return scope.into();
        }
        format!("{prefix}{scope}").into()
    }

    /// The name that the catalogue has for a scope of a response.
    pub(crate) fn known_scope(&self, scope: &str) -> String {
        let synonym = |name: &str| self.scope_synonyms.iter().find(|(other, _)| *other == name);
        let bare = scope.strip_prefix(self.scope_prefix).filter(|bare| !bare.is_empty());
        let found = [Some(scope), bare].into_iter().flatten().find_map(synonym);
        found.map_or_else(|| bare.unwrap_or(scope), |(_, name)| name).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_put_before_the_scopes_of_the_api_and_cut_off_again() {
        let dialect = Dialect::STANDARD.scope_prefix("api://1/");
        for scope in ["Mail.Read", "openid", "offline_access", "https://graph.example/Mail.Read"] {
            assert_eq!(dialect.known_scope(&dialect.requested_scope(scope)), scope);
        }
        assert_eq!(dialect.requested_scope("Mail.Read"), "api://1/Mail.Read");
        assert_eq!(dialect.requested_scope("openid"), "openid");
        assert_eq!(dialect.known_scope("api://1/"), "api://1/");
    }

    #[test]
    fn a_synonym_is_the_scope_of_the_catalogue() {
        let synonyms = &[("https://a.example/email", "email"), ("mail", "email")];
        let dialect = Dialect::STANDARD.scope_synonyms(synonyms);
        for name in ["email", "mail", "https://a.example/email"] {
            assert_eq!(dialect.known_scope(name), "email");
        }
        assert_eq!(dialect.known_scope("https://a.example/emails"), "https://a.example/emails");
        assert_eq!(
            dialect.scope_prefix("https://a.example/").known_scope("https://a.example/mail"),
            "email"
        );
    }
}
