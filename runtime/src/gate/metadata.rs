//! The protected resource's metadata (RFC 9728).

use serde::Serialize;
use url::Url;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a client learns of this resource: who issues tokens for it, and which scopes it may want.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Metadata {
    pub(crate) resource: String,
    pub(crate) authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes_supported: Vec<String>,
    pub(crate) bearer_methods_supported: [&'static str; 1],
    pub(crate) resource_name: String,
}

/// The same for a resource that takes proofs of possession (RFC 9449, RFC 9728 §2).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WithProofs<'a> {
    #[serde(flatten)]
    metadata: Metadata,
    #[serde(rename = "dpop_signing_alg_values_supported", skip_serializing_if = "<[_]>::is_empty")]
    algorithms: &'a [&'a str],
}

impl Metadata {
    /// With the algorithms of the proofs that are taken, if any are.
    pub(crate) fn with_proofs<'a>(self, algorithms: &'a [&'a str]) -> WithProofs<'a> {
        WithProofs { metadata: self, algorithms }
    }
}

/// Where the metadata of `resource` lies: the well-known path goes between host and path
/// (RFC 9728 §3.1).
pub(crate) fn url_of(resource: &Url) -> String {
    let origin = resource.origin().ascii_serialization();
    format!("{origin}{}", path_of(resource))
}

/// The path of [`url_of`].
pub(crate) fn path_of(resource: &Url) -> String {
    format!("{WELL_KNOWN}{}", resource.path().trim_end_matches('/'))
}

/// Where some clients look first, whatever the path of the resource.
pub(crate) const ROOT: &str = WELL_KNOWN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_told_of_where_they_are_taken() {
        let metadata = Metadata {
            resource: "https://a.example/mcp".to_owned(),
            authorization_servers: Vec::new(),
            scopes_supported: Vec::new(),
            bearer_methods_supported: ["header"],
            resource_name: "a".to_owned(),
        };
        let with = |algorithms| serde_json::to_value(metadata.clone().with_proofs(algorithms));
        let name = "dpop_signing_alg_values_supported";
        assert_eq!(with(&[]).unwrap().get(name), None);
        let told = with(&["ES256"]).unwrap();
        assert_eq!(told[name], serde_json::json!(["ES256"]));
        assert_eq!(told["resource"], "https://a.example/mcp");
    }

    #[test]
    fn the_well_known_path_goes_before_the_resources() {
        for (resource, expected) in [
            ("https://a.example/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource"),
            (
                "https://a.example:8/b/mcp",
                "https://a.example:8/.well-known/oauth-protected-resource/b/mcp",
            ),
        ] {
            assert_eq!(url_of(&Url::parse(resource).unwrap()), expected);
        }
    }
}
