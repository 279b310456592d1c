//! Rules by which the claims of an access token are judged, besides its signature and its lifetime.

use serde_json::{Map, Value};

/// The claims in which issuers put scopes, unless a verifier names others.
const SCOPE_CLAIMS: [&str; 3] = ["scope", "scp", "permissions"];

/// What a verifier expects of the claims of a token.
pub(crate) struct TokenRules {
    /// The issuers that share the key set. The first is where clients sign in.
    pub(crate) issuers: Vec<String>,
    /// Names of this server at the issuer, besides the URL of the resource.
    pub(crate) audiences: Vec<String>,
    /// The only clients whose tokens are accepted; a token of theirs needs no audience.
    pub(crate) clients: Option<Vec<String>>,
    /// Where the scopes are.
    pub(crate) scope_claims: Vec<ClaimPath>,
    /// What the issuer puts before each scope of this server.
    pub(crate) scope_prefix: String,
    /// The claim that says what kind of token it is, and the kinds that are accepted.
    pub(crate) token_use: Option<(ClaimPath, Vec<String>)>,
    pub(crate) required: Vec<RequiredClaims>,
    /// A claim that only tokens of people have.
    pub(crate) user_claim: Option<ClaimPath>,
    /// Whether tokens of the type `JWT`, or without one, are accepted.
    pub(crate) accept_plain: bool,
}

/// Claims of which a token needs one.
pub(crate) struct RequiredClaims {
    pub(crate) any_of: Vec<ClaimPath>,
    /// The accepted values; `None` accepts all.
    pub(crate) values: Option<Vec<String>>,
}

/// The place of a value among the claims: the name of a claim, or a JSON Pointer (RFC 6901).
#[derive(Clone, Debug)]
pub(crate) struct ClaimPath {
    text: String,
    /// The name of the outermost claim.
    pub(crate) name: String,
    /// The pointer from there on; empty for the claim itself.
    rest: String,
}

impl ClaimPath {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let Some(pointer) = text.strip_prefix('/') else {
            return Self { name: text.clone(), rest: String::new(), text };
        };
        let (name, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        Self { name: name.replace("~1", "/").replace("~0", "~"), rest: rest.to_owned(), text }
    }

    /// The value below the claim.
    pub(crate) fn within<'a>(&self, claim: &'a Value) -> Option<&'a Value> {
        claim.pointer(&self.rest).filter(|value| !value.is_null())
    }

    /// The value among claims that have no field of their own.
    pub(crate) fn of<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        self.within(claims.get(&self.name)?)
    }

    /// The path as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl TokenRules {
    /// The rules for tokens of this issuer that follow RFC 9068.
    pub(crate) fn new(issuer: String) -> Self {
        Self {
            issuers: vec![issuer],
            audiences: Vec::new(),
            clients: None,
            scope_claims: SCOPE_CLAIMS.map(ClaimPath::new).to_vec(),
            scope_prefix: String::new(),
            token_use: None,
            required: Vec::new(),
            user_claim: None,
            accept_plain: false,
        }
    }

    pub(crate) fn trusts(&self, issuer: &str) -> bool {
        self.issuers.iter().any(|known| known == issuer)
    }

    /// The trusted issuers, for an error.
    pub(crate) fn expected_issuers(&self) -> String {
        self.issuers.join(" or ")
    }

    pub(crate) fn is_audience(&self, name: &str, resource: &str) -> bool {
        name == resource || self.audiences.iter().any(|known| known == name)
    }

    /// The accepted audiences, for an error.
    pub(crate) fn expected_audiences(&self, resource: &str) -> String {
        let mut expected = resource.to_owned();
        for name in &self.audiences {
            expected.push_str(" or ");
            expected.push_str(name);
        }
        expected
    }

    /// A scope of a token under the name that the server declares.
    pub(crate) fn strip_prefix(&self, scope: String) -> String {
        match scope.strip_prefix(&self.scope_prefix) {
            Some(bare) if bare.len() < scope.len() && !bare.is_empty() => bare.to_owned(),
            _ => scope,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_a_name_or_a_pointer() {
        let claims = json!({
            "scope": "a",
            "realm_access": { "roles": ["b"] },
            "https://acme.example/roles": ["c"],
            "a/b~c": { "d": "e" },
            "none": null,
        });
        let claims = claims.as_object().unwrap();
        for (path, expected) in [
            ("scope", Some(json!("a"))),
            ("/scope", Some(json!("a"))),
            ("/realm_access/roles", Some(json!(["b"]))),
            ("/realm_access/roles/0", Some(json!("b"))),
            ("https://acme.example/roles", Some(json!(["c"]))),
            ("/a~1b~0c/d", Some(json!("e"))),
            ("realm_access.roles", None),
            ("/realm_access/groups", None),
            ("none", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(ClaimPath::new(path).of(claims).cloned(), expected, "{path}");
        }
    }

    #[test]
    fn a_prefix_is_stripped_once_and_leaves_a_name() {
        let mut rules = TokenRules::new("https://a.example".to_owned());
        assert_eq!(rules.strip_prefix("orders".to_owned()), "orders");
        rules.scope_prefix = "tools/".to_owned();
        for (scope, expected) in [
            ("tools/read", "read"),
            ("tools/tools/read", "tools/read"),
            ("tools/", "tools/"),
            ("read", "read"),
            ("other/read", "other/read"),
            ("Tools/read", "Tools/read"),
        ] {
            assert_eq!(rules.strip_prefix(scope.to_owned()), expected);
        }
    }
}
